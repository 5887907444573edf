"""Batch norm against NumPy: statistics, forward and backward."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.compare import normal, times
from benchmarks.conftest import Race
from fastdl import kernels

SHAPES = [(32, 64), (128, 512), (512, 2048)]
EPS = 1e-5
Arrays = tuple[np.ndarray, ...]


def inputs(shape: tuple[int, int]) -> Arrays:
    """Return x, gamma, beta, mean and var, the statistics rounded to float32."""
    x = 2 * normal(shape) + 1
    gamma, beta = 1 + normal(shape[1], seed=1) / 10, normal(shape[1], seed=2)
    return x, gamma, beta, x.mean(axis=0), x.var(axis=0)


def numpy_forward(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, mean: np.ndarray, var: np.ndarray) -> np.ndarray:
    """One multiplication and one addition an element."""
    scale = gamma / np.sqrt(var + EPS)
    y = x * scale
    y += beta - mean * scale
    return y


def numpy_backward(dy: np.ndarray, x: np.ndarray, gamma: np.ndarray, mean: np.ndarray, var: np.ndarray) -> Arrays:
    """The three gradients, with mean and var as functions of x."""
    inverse = 1 / np.sqrt(var + EPS)
    normed = (x - mean) * inverse
    dbeta = dy.sum(axis=0)
    dgamma = (dy * normed).sum(axis=0)
    normed *= dgamma / len(x)
    dx = dy - dbeta / np.float32(len(x))
    dx -= normed
    dx *= gamma * inverse
    return dx, dgamma, dbeta


def doubles(arrays: Arrays) -> Arrays:
    """Return the arrays in float64."""
    return tuple(array.astype(np.float64) for array in arrays)


@pytest.mark.parametrize("shape", SHAPES, ids=times)
def bench_stats(race: Race, shape: tuple[int, int]) -> None:
    x = inputs(shape)[0]
    wide = x.astype(np.float64)
    race(
        f"batch norm statistics {times(shape)}",
        (wide.mean(axis=0), wide.var(axis=0)),
        fastdl=lambda: kernels.batchnorm_stats(x),
        numpy=lambda: (x.mean(axis=0), x.var(axis=0)),
    )


@pytest.mark.parametrize("shape", SHAPES, ids=times)
def bench_apply(race: Race, shape: tuple[int, int]) -> None:
    arrays, out = inputs(shape), np.empty(shape, dtype=np.float32)
    race(
        f"batch norm apply {times(shape)}",
        numpy_forward(*doubles(arrays)),
        fastdl=lambda: kernels.batchnorm_forward(*arrays, eps=EPS, out=out),
        numpy=lambda: numpy_forward(*arrays),
    )


@pytest.mark.parametrize("shape", SHAPES, ids=times)
def bench_forward(race: Race, shape: tuple[int, int]) -> None:
    """Statistics and application, as training does them."""
    (x, gamma, beta, _, _), out = inputs(shape), np.empty(shape, dtype=np.float32)
    wide = x.astype(np.float64)
    race(
        f"batch norm forward (statistics and apply) {times(shape)}",
        numpy_forward(wide, gamma, beta, wide.mean(axis=0), wide.var(axis=0)),
        fastdl=lambda: kernels.batchnorm_forward(x, gamma, beta, *kernels.batchnorm_stats(x), eps=EPS, out=out),
        numpy=lambda: numpy_forward(x, gamma, beta, x.mean(axis=0), x.var(axis=0)),
    )


@pytest.mark.parametrize("shape", SHAPES, ids=times)
def bench_backward(race: Race, shape: tuple[int, int]) -> None:
    x, gamma, _, mean, var = inputs(shape)
    arrays = (normal(shape, seed=3), x, gamma, mean, var)
    race(
        f"batch norm backward {times(shape)}",
        numpy_backward(*doubles(arrays)),
        fastdl=lambda: kernels.batchnorm_backward(*arrays, eps=EPS),
        numpy=lambda: numpy_backward(*arrays),
    )
