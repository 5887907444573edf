"""Checking a result before it is timed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

# Of the largest expected value. Loose: the tests hold each kernel to its own bound; here it is enough to know that
# what is timed does the work.
TOLERANCE = 2e-5


def as_tuple(result: Any) -> tuple[Any, ...]:
    """Return a single result as a tuple of one."""
    return tuple(result) if isinstance(result, (tuple, list)) else (result,)


def check(what: str, got: Any, want: Any) -> None:
    """Raise AssertionError unless every array is near its float64 twin."""
    got, want = as_tuple(got), as_tuple(want)
    assert len(got) == len(want), f"{what}: {len(got)} results instead of {len(want)}"
    for place, (one, twin) in enumerate(zip(got, want, strict=True)):
        one, twin = np.asarray(one, dtype=np.float64), np.asarray(twin, dtype=np.float64)
        assert one.shape == twin.shape, f"{what}, result {place}: shape {one.shape} instead of {twin.shape}"
        error = np.max(np.abs(one - twin), initial=0.0)
        scale = np.max(np.abs(twin), initial=0.0)
        assert error <= TOLERANCE * scale, f"{what}, result {place}: off by {error:.3g} where values reach {scale:.3g}"


def normal(shape: int | Sequence[int], seed: int = 0) -> np.ndarray:
    """Return float32 normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def times(shape: Sequence[int]) -> str:
    """Return a shape as people write it: 128x512."""
    return "x".join(map(str, shape))
