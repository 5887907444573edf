"""Sums of matrices and matrices side by side, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.compare import normal, times
from benchmarks.conftest import Race
from fastdl import kernels

SHAPES = [(32, 64), (128, 512), (512, 2048)]


@pytest.mark.parametrize("shape", SHAPES, ids=times)
def bench_add(race: Race, shape: tuple[int, int]) -> None:
    a, b, out = normal(shape), normal(shape, seed=1), np.empty(shape, dtype=np.float32)
    race(
        f"add {times(shape)}",
        a.astype(np.float64) + b,
        fastdl=lambda: kernels.add(a, b, out=out),
        numpy=lambda: np.add(a, b, out=out),
    )


@pytest.mark.parametrize("shape", SHAPES, ids=times)
def bench_concatenate(race: Race, shape: tuple[int, int]) -> None:
    rows, cols = shape
    parts = [normal((rows, cols // 4), seed) for seed in range(4)]
    out = np.empty(shape, dtype=np.float32)
    race(
        f"concatenate 4 of {times((rows, cols // 4))}",
        np.concatenate(parts, axis=1),
        fastdl=lambda: kernels.concatenate(parts, out=out),
        numpy=lambda: np.concatenate(parts, axis=1, out=out),
    )
