"""How good predictions are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from fastdl.program import Array


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
    squares, variance = float(np.mean(error**2)), float(np.mean(np.var(truth, axis=0)))
    return {
        "rmse": math.sqrt(squares),
        "mae": float(np.mean(np.abs(error))),
        "r2": 1.0 - squares / variance if variance > 0.0 else math.nan,
    }
