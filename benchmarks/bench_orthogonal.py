"""Orthonormal rows against LAPACK's QR, which is blocked, but whose bits are not the same everywhere."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.compare import normal, times
from benchmarks.conftest import Race
from fastdl import kernels

SHAPES = [(64, 64), (256, 512), (512, 512)]


@pytest.mark.parametrize("shape", SHAPES, ids=times)
def bench_orthonormalize(race: Race, shape: tuple[int, int]) -> None:
    a = normal(shape)

    def numpy() -> np.ndarray:
        q, r = np.linalg.qr(a.T.astype(np.float64))
        return (q * np.sign(np.diag(r))).T.astype(np.float32)

    race(f"orthonormal rows {times(shape)}", numpy(), fastdl=lambda: kernels.orthonormalize(a), numpy=numpy)
