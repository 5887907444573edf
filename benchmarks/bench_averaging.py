"""The moving average of weights against NumPy in place."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.compare import check, normal
from benchmarks.conftest import Race
from fastdl import kernels

LENGTHS = [5_000, 400_000, 5_000_000]
DECAY = 0.999


def numpy_ema(average: np.ndarray, w: np.ndarray, scratch: np.ndarray) -> None:
    """average += (1 - decay) (w - average)."""
    np.subtract(w, average, out=scratch)
    scratch *= 1.0 - DECAY
    average += scratch


@pytest.mark.parametrize("length", LENGTHS)
def bench_ema(race: Race, length: int) -> None:
    average, w, scratch = normal(length), normal(length, 1), np.empty(length, np.float32)
    one, two = average.copy(), average.astype(np.float64)
    kernels.ema_update(one, w, DECAY)
    numpy_ema(two, w.astype(np.float64), np.empty(length))
    check("moving average", one, two)
    race(
        f"moving average {length}",
        None,
        fastdl=lambda: kernels.ema_update(average, w, DECAY),
        numpy=lambda: numpy_ema(average, w, scratch),
    )
