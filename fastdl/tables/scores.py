"""How good predictions are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from fastdl.program import Array


SQUARABLE = (1e-140, 1e140)


def classification_scores(truth: Array, probabilities: Array) -> dict[str, float]:
    """Accuracy and mean negative log-likelihood.   truth: (n,) numbers of classes   probabilities: (n, classes)."""
    p = probabilities.astype(np.float64)
    right = p[np.arange(len(truth)), truth] / p.sum(axis=1)
    tiny = float(np.finfo(np.float32).tiny)
    return {
        "accuracy": float(np.mean(p.argmax(axis=1) == truth)),
        "log_loss": float(-np.mean(np.log(np.maximum(right, tiny)))),
    }


def regression_scores(truth: Array, predicted: Array) -> dict[str, float]:
    """Root mean squared error, mean absolute error and coefficient of determination.   Both: (n, outputs)."""
    error = predicted - truth
    unit = unit_of(float(np.abs(error).max()), float(np.ptp(truth, axis=0).max()))
    squares, variance = float(np.mean((error / unit) ** 2)), float(np.mean(np.var(truth / unit, axis=0)))
    return {
        "rmse": math.sqrt(squares) * unit,
        "mae": float(np.mean(np.abs(error))),
        "r2": 1.0 - squares / variance if variance > 0.0 else math.nan,
    }


def unit_of(*sizes: float) -> float:
    """1, or a power of two in which numbers are to be squared, whose own squares would be 0 or infinite."""
    size = max(sizes)
    if SQUARABLE[0] < size < SQUARABLE[1] or not 0.0 < size < math.inf:
        return 1.0
    return math.ldexp(1.0, math.frexp(size)[1])
