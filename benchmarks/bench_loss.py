"""Losses with their gradients, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.compare import normal, times
from benchmarks.conftest import Race
from fastdl import kernels

SHAPES = [(32, 2), (128, 10), (512, 100), (128, 512)]
Pair = tuple[np.ndarray, np.ndarray]


def numpy_cross_entropy(logits: np.ndarray, labels: np.ndarray) -> Pair:
    """Return the loss of each row and the gradient of their mean."""
    rows = np.arange(len(labels))
    shifted = logits - logits.max(axis=1, keepdims=True)
    gradient = np.exp(shifted)
    total = gradient.sum(axis=1, keepdims=True)
    loss = np.log(total[:, 0]) - shifted[rows, labels]
    gradient /= total
    gradient[rows, labels] -= 1
    gradient /= len(labels)
    return loss, gradient


def numpy_mse(prediction: np.ndarray, target: np.ndarray) -> Pair:
    """Return the mean squared error of each row and the gradient of their mean."""
    difference = prediction - target
    loss = np.einsum("ij,ij->i", difference, difference) / prediction.shape[1]
    difference *= 2 / prediction.size
    return loss, difference


@pytest.mark.parametrize("shape", SHAPES, ids=times)
def bench_softmax_cross_entropy(race: Race, shape: tuple[int, int]) -> None:
    logits, labels = 3 * normal(shape), np.random.default_rng(1).integers(shape[1], size=shape[0])
    race(
        f"softmax cross-entropy {times(shape)}",
        numpy_cross_entropy(logits.astype(np.float64), labels),
        fastdl=lambda: kernels.softmax_cross_entropy(logits, labels),
        numpy=lambda: numpy_cross_entropy(logits, labels),
    )


@pytest.mark.parametrize("shape", [(128, 1), *SHAPES], ids=times)
def bench_mse(race: Race, shape: tuple[int, int]) -> None:
    prediction, target = normal(shape), normal(shape, seed=1)
    race(
        f"squared error {times(shape)}",
        numpy_mse(prediction.astype(np.float64), target.astype(np.float64)),
        fastdl=lambda: kernels.mse(prediction, target),
        numpy=lambda: numpy_mse(prediction, target),
    )
