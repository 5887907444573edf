"""Softmax of rows and its logarithm, against NumPy in place."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.compare import normal, times
from benchmarks.conftest import Race
from fastdl import kernels

SHAPES = [(32, 10), (256, 100), (512, 2048)]


def shifted_in_place(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Subtract each row's largest element."""
    return np.subtract(x, x.max(axis=1, keepdims=True), out=out)


@pytest.mark.parametrize("shape", SHAPES, ids=times)
def bench_softmax(race: Race, shape: tuple[int, int]) -> None:
    x, out = normal(shape), np.empty(shape, dtype=np.float32)
    e = np.exp(x.astype(np.float64))

    def numpy() -> np.ndarray:
        np.exp(shifted_in_place(x, out), out=out)
        return np.divide(out, out.sum(axis=1, keepdims=True), out=out)

    race(
        f"softmax {times(shape)}",
        e / e.sum(axis=1, keepdims=True),
        fastdl=lambda: kernels.softmax(x, out=out),
        numpy=numpy,
    )


@pytest.mark.parametrize("shape", SHAPES, ids=times)
def bench_log_softmax(race: Race, shape: tuple[int, int]) -> None:
    x, out = normal(shape), np.empty(shape, dtype=np.float32)

    def numpy() -> np.ndarray:
        shifted_in_place(x, out)
        return np.subtract(out, np.log(np.exp(out).sum(axis=1, keepdims=True)), out=out)

    race(
        f"log softmax {times(shape)}",
        x - np.log(np.exp(x.astype(np.float64)).sum(axis=1, keepdims=True)),
        fastdl=lambda: kernels.log_softmax(x, out=out),
        numpy=numpy,
    )
