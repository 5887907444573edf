"""ReLU and tanh, and their derivatives from the output, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.compare import normal, times
from benchmarks.conftest import Race
from fastdl import kernels

SHAPES = [(32, 64), (128, 512), (512, 2048)]
FORWARD = {"relu": lambda x, out: np.maximum(x, 0, out=out), "tanh": lambda x, out: np.tanh(x, out=out)}


def numpy_relu_backward(dy: np.ndarray, y: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Let the gradient through where the output is positive."""
    return np.multiply(dy, y > 0, out=out)


def numpy_tanh_backward(dy: np.ndarray, y: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Multiply by 1 - y²."""
    np.multiply(y, y, out=out)
    np.subtract(1, out, out=out)
    return np.multiply(out, dy, out=out)


BACKWARD = {"relu": numpy_relu_backward, "tanh": numpy_tanh_backward}


@pytest.mark.parametrize("shape", SHAPES, ids=times)
@pytest.mark.parametrize("kind", FORWARD)
def bench_forward(race: Race, kind: str, shape: tuple[int, int]) -> None:
    x, out = normal(shape), np.empty(shape, dtype=np.float32)
    race(
        f"{kind} forward {times(shape)}",
        FORWARD[kind](x.astype(np.float64), None),
        fastdl=lambda: kernels.activation_forward(x, kind, out=out),
        numpy=lambda: FORWARD[kind](x, out),
    )


@pytest.mark.parametrize("shape", SHAPES, ids=times)
@pytest.mark.parametrize("kind", BACKWARD)
def bench_backward(race: Race, kind: str, shape: tuple[int, int]) -> None:
    dy, y, out = normal(shape), FORWARD[kind](normal(shape, seed=1), None), np.empty(shape, dtype=np.float32)
    race(
        f"{kind} backward {times(shape)}",
        BACKWARD[kind](dy.astype(np.float64), y.astype(np.float64), np.empty(shape)),
        fastdl=lambda: kernels.activation_backward(dy, y, kind, out=out),
        numpy=lambda: BACKWARD[kind](dy, y, out),
    )
