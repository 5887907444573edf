"""The scores of a validation set, as scikit-learn's estimators give them, without the checks of its functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from fastdl.program import Array


def accuracy(y: Array, predicted: Array, weights: Array | None) -> float:
    """Fraction of rows that are right, in all of their labels.   y, predicted: (n,) or (n, labels)."""
    hits = y == predicted
    return float(np.average(hits.all(axis=1) if hits.ndim == 2 else hits, weights=weights))


def r2(y: Array, predicted: Array, weights: Array | None) -> float:
    """1 - residual / total sum of squares, the mean over outputs; NaN for predictions that are not finite.

    An output whose targets are all equal scores 1 if it is met exactly, else 0.
    """
    if not np.isfinite(predicted).all():
        return float("nan")
    y, predicted = (np.asarray(a, np.float64).reshape(len(a), -1) for a in (y, predicted))
    s = np.ones(len(y)) if weights is None else np.asarray(weights, np.float64)
    residual = s @ (y - predicted) ** 2
    total = s @ (y - np.average(y, axis=0, weights=weights)) ** 2
    scores = np.where(residual == 0.0, 1.0, 0.0)
    np.divide(residual, total, out=residual, where=total != 0.0)
    return float(np.where(total != 0.0, 1.0 - residual, scores).mean())
