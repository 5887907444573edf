"""The smooth bound on outliers, against NumPy in place."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.compare import normal, times
from benchmarks.conftest import Race
from fastdl import kernels

SHAPES = [(32, 64), (128, 512), (512, 2048)]
CLIP = np.float32(3.0)


@pytest.mark.parametrize("shape", SHAPES, ids=times)
def bench_smooth_clip(race: Race, shape: tuple[int, int]) -> None:
    x, out = normal(shape), np.empty(shape, dtype=np.float32)

    def numpy() -> np.ndarray:
        np.divide(x, CLIP, out=out)
        np.multiply(out, out, out=out)
        np.add(out, np.float32(1), out=out)
        np.sqrt(out, out=out)
        return np.divide(x, out, out=out)

    race(
        f"smooth clip {times(shape)}",
        x / np.sqrt(1 + (x.astype(np.float64) / 3) ** 2),
        fastdl=lambda: kernels.smooth_clip(x, CLIP, out=out),
        numpy=numpy,
    )
