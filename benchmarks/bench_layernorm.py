"""Layer norm and RMS norm against NumPy: forward and backward."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.compare import normal, times
from benchmarks.conftest import Race
from fastdl import kernels

SHAPES = [(32, 64), (128, 512), (512, 2048)]
NORMS = ["layer norm", "RMS norm"]
EPS = 1e-5
Arrays = tuple[np.ndarray, ...]


def inputs(norm: str, shape: tuple[int, int]) -> Arrays:
    """Return x, gamma and, for layer norm, beta."""
    arrays = (2 * normal(shape) + 1, 1 + normal(shape[1], seed=1) / 10, normal(shape[1], seed=2))
    return arrays if norm == "layer norm" else arrays[:2]


def normalised(x: np.ndarray, centered: bool) -> tuple[np.ndarray, np.ndarray]:
    """Rows with mean 0 (if centered) and mean square 1, and what they were multiplied by."""
    h = x - x.mean(axis=1, keepdims=True) if centered else x.copy()
    inverse = 1 / np.sqrt(np.square(h).mean(axis=1, keepdims=True) + x.dtype.type(EPS))
    h *= inverse
    return h, inverse


def numpy_forward(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray | None = None) -> np.ndarray:
    """RMS norm without beta."""
    y = normalised(x, beta is not None)[0]
    y *= gamma
    if beta is not None:
        y += beta
    return y


def numpy_backward(dy: np.ndarray, x: np.ndarray, gamma: np.ndarray, centered: bool) -> Arrays:
    """The gradients of x, gamma and, if centered, beta."""
    h, inverse = normalised(x, centered)
    dgamma, dbeta = (dy * h).sum(axis=0), dy.sum(axis=0)
    dx = dy * gamma
    h *= (dx * h).mean(axis=1, keepdims=True)
    if centered:
        dx -= dx.mean(axis=1, keepdims=True)
    dx -= h
    dx *= inverse
    return (dx, dgamma, dbeta) if centered else (dx, dgamma)


def doubles(arrays: Arrays) -> Arrays:
    """Return the arrays in float64."""
    return tuple(array.astype(np.float64) for array in arrays)


@pytest.mark.parametrize("shape", SHAPES, ids=times)
@pytest.mark.parametrize("norm", NORMS)
def bench_forward(race: Race, norm: str, shape: tuple[int, int]) -> None:
    arrays, out = inputs(norm, shape), np.empty(shape, dtype=np.float32)
    kernel = kernels.layernorm_forward if norm == "layer norm" else kernels.rmsnorm_forward
    race(
        f"{norm} forward {times(shape)}",
        numpy_forward(*doubles(arrays)),
        fastdl=lambda: kernel(*arrays, eps=EPS, out=out),
        numpy=lambda: numpy_forward(*arrays),
    )


@pytest.mark.parametrize("shape", SHAPES, ids=times)
@pytest.mark.parametrize("norm", NORMS)
def bench_backward(race: Race, norm: str, shape: tuple[int, int]) -> None:
    """The kernel by itself has to find mean and variance again; in a program they are kept from the forward pass."""
    arrays, centered = (normal(shape, seed=3), *inputs(norm, shape)[:2]), norm == "layer norm"
    kernel = kernels.layernorm_backward if centered else kernels.rmsnorm_backward
    race(
        f"{norm} backward {times(shape)}",
        numpy_backward(*doubles(arrays), centered),
        fastdl=lambda: kernel(*arrays, eps=EPS),
        numpy=lambda: numpy_backward(*arrays, centered),
    )
