"""Norms and clips of gradients, limits of weights, penalties, moving averages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastdl import kernels
from fastdl.cli.races.case import Case, normals

THETA, LIMIT, FACTOR, C1, C2, DECAY = 0.5, 5.0, 0.01, 1e-3, 1e-2, 0.999
Array = np.ndarray


def norm(g: Array) -> float:
    """A dot product: the quickest that NumPy has."""
    return float(np.sqrt(np.vdot(g, g)))


def clip(g: Array) -> float:
    """Scale to norm THETA if it is above."""
    before = norm(g)
    if before > THETA:
        g *= THETA / before
    return before


def max_norm(w: Array) -> None:
    """Sums by einsum, in the arrays' own type."""
    norms = np.sqrt(np.einsum("ij,ij->j", w, w))
    w *= np.minimum(LIMIT / np.maximum(norms, 1e-30), 1.0)


def adaptive_clip(w: Array, g: Array) -> None:
    """Likewise, with the norms of the weights."""
    limits = FACTOR * np.maximum(np.sqrt(np.einsum("ij,ij->j", w, w)), 1e-3)
    norms = np.sqrt(np.einsum("ij,ij->j", g, g))
    g *= np.minimum(limits / np.maximum(norms, 1e-30), 1.0)


def penalty(w: Array, g: Array, scratch: Array) -> float:
    """Value and gradient, in place."""
    np.sign(w, out=scratch)
    scratch *= C1
    g += scratch
    np.multiply(w, 2.0 * C2, out=scratch)
    g += scratch
    np.abs(w, out=scratch)
    return float(C1 * scratch.sum() + C2 * np.vdot(w, w))


def ema(average: Array, w: Array, scratch: Array) -> None:
    """average += (1 - decay) (w - average)."""
    np.subtract(w, average, out=scratch)
    scratch *= 1.0 - DECAY
    average += scratch


def afresh(change: Callable[..., Any]) -> Callable[..., Any]:
    """A change in place of the array before the last, which is copied from the last first: a clip clips only once."""

    def run(*arrays: Array) -> Any:
        arrays[-2][...] = arrays[-1]
        return change(*arrays[:-1])

    return run


one, two, three = normals(1), normals(2), normals(3)

CASES = [
    Case("global_norm", one, lambda g: kernels.global_norm([g]), norm),
    Case("clip_by_global_norm", two, afresh(lambda g: kernels.clip_by_global_norm([g], THETA)), afresh(clip)),
    Case("clip_by_norm", two, afresh(lambda g: float(kernels.clip_by_norm(g, THETA)[0])), afresh(clip)),
    Case("clip_by_value", two, afresh(lambda g: kernels.clip_by_value(g, THETA)),
         afresh(lambda g: np.clip(g, -THETA, THETA, out=g) is None or None)),
    Case("max_norm", two, afresh(lambda w: kernels.max_norm(w, LIMIT)), afresh(max_norm)),
    Case("adaptive_clip", three, afresh(lambda w, g: kernels.adaptive_clip(w, g, FACTOR)), afresh(adaptive_clip)),
    Case("penalty_l1l2", two, lambda w, g: kernels.penalty_l1l2(w, g, C1, C2), penalty, scratch=1),
    Case("ema_update", two, lambda average, w: kernels.ema_update(average, w, DECAY), ema, scratch=1),
]  # fmt: skip
