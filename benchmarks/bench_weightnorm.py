"""Weight norm against NumPy: forward and backward."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.compare import normal, times
from benchmarks.conftest import Race
from fastdl import kernels

SHAPES = [(64, 64), (512, 512), (2048, 2048)]
Arrays = tuple[np.ndarray, ...]


def inputs(shape: tuple[int, int]) -> Arrays:
    """Return dw, v and g."""
    return normal(shape, seed=1), normal(shape), 1 + normal(shape[1], seed=2) / 10


def numpy_forward(v: np.ndarray, g: np.ndarray) -> np.ndarray:
    """One multiplication an element, and the lengths."""
    return v * (g / np.sqrt(np.square(v).sum(axis=0)))


def numpy_backward(dw: np.ndarray, v: np.ndarray, g: np.ndarray) -> Arrays:
    """The gradients of v and g."""
    inverse = 1 / np.sqrt(np.square(v).sum(axis=0))
    dg = (dw * v).sum(axis=0) * inverse
    dv = dw - v * (dg * inverse)
    dv *= g * inverse
    return dv, dg


def doubles(arrays: Arrays) -> Arrays:
    """Return the arrays in float64."""
    return tuple(array.astype(np.float64) for array in arrays)


@pytest.mark.parametrize("shape", SHAPES, ids=times)
def bench_forward(race: Race, shape: tuple[int, int]) -> None:
    arrays, out = inputs(shape)[1:], np.empty(shape, dtype=np.float32)
    race(
        f"weight norm forward {times(shape)}",
        numpy_forward(*doubles(arrays)),
        fastdl=lambda: kernels.weightnorm_forward(*arrays, out=out),
        numpy=lambda: numpy_forward(*arrays),
    )


@pytest.mark.parametrize("shape", SHAPES, ids=times)
def bench_backward(race: Race, shape: tuple[int, int]) -> None:
    arrays = inputs(shape)
    race(
        f"weight norm backward {times(shape)}",
        numpy_backward(*doubles(arrays)),
        fastdl=lambda: kernels.weightnorm_backward(*arrays),
        numpy=lambda: numpy_backward(*arrays),
    )
