"""Max-norm and adaptive clipping, unit by unit, against NumPy in place."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.compare import check, normal, times
from benchmarks.conftest import Race
from fastdl import kernels

SHAPES = [(64, 64), (784, 512), (2048, 2048)]
FACTOR, EPS = 0.01, 1e-3


def numpy_max_norm(w: np.ndarray, limit: float) -> None:
    """Sums in float32, by einsum."""
    norms = np.sqrt(np.einsum("ij,ij->j", w, w))
    w *= np.minimum(limit / np.maximum(norms, 1e-30), 1.0)


def numpy_adaptive_clip(w: np.ndarray, g: np.ndarray) -> None:
    """Likewise, with the norms of the weights."""
    limits = FACTOR * np.maximum(np.sqrt(np.einsum("ij,ij->j", w, w)), EPS)
    norms = np.sqrt(np.einsum("ij,ij->j", g, g))
    g *= np.minimum(limits / np.maximum(norms, 1e-30), 1.0)


@pytest.mark.parametrize("shape", SHAPES, ids=times)
def bench_max_norm(race: Race, shape: tuple[int, int]) -> None:
    w, fresh = normal(shape), normal(shape)
    limit = float(np.sqrt(shape[0]))  # about half of the units are above
    one, two = w.copy(), w.astype(np.float64)
    kernels.max_norm(one, limit)
    numpy_max_norm(two, limit)
    check("max-norm", one, two)

    def ours() -> None:
        w[:] = fresh
        kernels.max_norm(w, limit)

    def theirs() -> None:
        w[:] = fresh
        numpy_max_norm(w, limit)

    race(f"max-norm and a copy {times(shape)}", None, fastdl=ours, numpy=theirs)


@pytest.mark.parametrize("shape", SHAPES, ids=times)
def bench_adaptive_clip(race: Race, shape: tuple[int, int]) -> None:
    w, g, fresh = normal(shape), normal(shape, 1), normal(shape, 1)
    one, two = g.copy(), g.astype(np.float64)
    kernels.adaptive_clip(w, one, FACTOR, EPS)
    numpy_adaptive_clip(w.astype(np.float64), two)
    check("adaptive clip", one, two)

    def ours() -> None:
        g[:] = fresh
        kernels.adaptive_clip(w, g, FACTOR, EPS)

    def theirs() -> None:
        g[:] = fresh
        numpy_adaptive_clip(w, g)

    race(f"adaptive clip and a copy {times(shape)}", None, fastdl=ours, numpy=theirs)
