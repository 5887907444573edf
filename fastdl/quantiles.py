"""Quantiles of one target in their order: what crosses is sorted (Chernozhukov et al. 2010)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastdl.program import Array

START = "quantiles"


def head_of(levels: Sequence[float]) -> str:
    """The head of a network with an output for each target and level; one level needs no order."""
    return " ".join([START, *map(repr, levels)]) if len(levels) > 1 else "linear"


def levels_of(head: object) -> list[float] | None:
    """The levels of such a head, None of another; ValueError for one that is none."""
    if not isinstance(head, str) or not head.startswith(START):
        return None
    levels = [float(word) for word in head.split()[1:]]
    if len(set(levels)) < 2 or len(set(levels)) < len(levels) or not all(0.0 < level < 1.0 for level in levels):
        raise ValueError(f"head: expected two or more different levels in (0, 1), got {head!r}")
    return levels


def sort_quantiles(outputs: Array, head: str) -> None:
    """Let each target's outputs rise with their levels, in place.   outputs: (n, targets levels)."""
    levels = levels_of(head)
    assert levels is not None
    of_target = outputs.reshape(len(outputs), -1, len(levels))
    of_target[:, :, np.argsort(levels)] = np.sort(of_target, axis=2)
