"""A dense layer against NumPy: forward with bias and ReLU, and backward. For the bare products see benchmarks.gemm."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.compare import normal, times
from benchmarks.conftest import Race
from fastdl import kernels

# rows of a batch, inputs, outputs: the layers of the standard networks
LAYERS = [
    (32, 16, 64),
    (32, 64, 64),
    (64, 128, 128),
    (64, 256, 256),
    (128, 784, 512),
    (128, 512, 256),
    (128, 512, 10),
    (256, 1024, 1024),
    (512, 2048, 2048),
]


@pytest.mark.parametrize("layer", LAYERS, ids=times)
def bench_forward(race: Race, layer: tuple[int, int, int]) -> None:
    batch, inputs, outputs = layer
    x, w, b = normal((batch, inputs)), normal((inputs, outputs), seed=1), normal(outputs, seed=2)
    out = np.empty((batch, outputs), dtype=np.float32)

    def numpy() -> np.ndarray:
        np.matmul(x, w, out=out)
        np.add(out, b, out=out)
        return np.maximum(out, 0, out=out)

    race(
        f"dense forward with ReLU {times(layer)}",
        np.maximum(x.astype(np.float64) @ w.astype(np.float64) + b, 0),
        fastdl=lambda: kernels.dense_forward(x, w, b, activation="relu", out=out),
        numpy=numpy,
    )


@pytest.mark.parametrize("layer", LAYERS, ids=times)
def bench_backward(race: Race, layer: tuple[int, int, int]) -> None:
    batch, inputs, outputs = layer
    dy, x, w = normal((batch, outputs)), normal((batch, inputs), seed=1), normal((inputs, outputs), seed=2)

    def numpy(dy: np.ndarray = dy, x: np.ndarray = x, w: np.ndarray = w) -> tuple[np.ndarray, ...]:
        return dy @ w.T, x.T @ dy, dy.sum(axis=0)

    race(
        f"dense backward {times(layer)}",
        numpy(dy.astype(np.float64), x.astype(np.float64), w.astype(np.float64)),
        fastdl=lambda: kernels.dense_backward(dy, x, w),
        numpy=numpy,
    )
