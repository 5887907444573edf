"""Gaussian noise against NumPy's generator, which draws float32 deviates by a ziggurat."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.compare import check, normal, times
from benchmarks.conftest import Race
from fastdl import kernels

SHAPES = [(32, 64), (128, 512), (512, 2048)]
STD, SEED = np.float32(0.1), 7


@pytest.mark.parametrize("shape", SHAPES, ids=times)
def bench_gaussian_noise(race: Race, shape: tuple[int, int]) -> None:
    x, out = normal(shape), np.empty(shape, dtype=np.float32)
    rng = np.random.default_rng(SEED)
    deviates = kernels.random_normal(x.size, SEED).astype(np.float64).reshape(shape)
    check("Gaussian noise", kernels.gaussian_noise(x, STD, SEED), x + float(STD) * deviates)

    def numpy() -> np.ndarray:
        rng.standard_normal(dtype=np.float32, out=out)
        np.multiply(out, STD, out=out)
        return np.add(x, out, out=out)

    race(
        f"Gaussian noise {times(shape)}",
        None,
        fastdl=lambda: kernels.gaussian_noise(x, STD, SEED, out=out),
        numpy=numpy,
    )
