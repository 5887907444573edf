"""Losses once more, in float64 NumPy; squared error, and cross-entropy without smoothing, are in reference.py.

Each takes what its kernel takes and gives the loss of each row (B,) and the gradient of their weighted mean (B, n).
"""

import numpy as np
from numpy.typing import ArrayLike
from reference import Array, f64, mse, row_shares

__all__ = ["mse"]  # so that all losses are found here


def log_softmax(logits: ArrayLike) -> Array:
    """log(e^x over its sum), row by row: (B, C) -> (B, C)."""
    shifted = f64(logits) - f64(logits).max(axis=1, keepdims=True, initial=-np.inf)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def smoothed(labels: ArrayLike, classes: int, label_smoothing: float) -> Array:
    """What labels say of each class: (B,) -> (B, C)."""
    onehot = np.arange(classes) == np.asarray(labels)[:, None]
    return (1.0 - label_smoothing) * onehot + label_smoothing / classes


def softmax_cross_entropy(
    logits: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None, label_smoothing: float = 0.0
) -> tuple[Array, Array]:
    """Szegedy and others (2016): labels (B,)."""
    targets = smoothed(labels, np.shape(logits)[1], label_smoothing)
    return softmax_cross_entropy_probabilities(logits, targets, weights)


def softmax_cross_entropy_probabilities(
    logits: ArrayLike, probabilities: ArrayLike, weights: ArrayLike | None = None
) -> tuple[Array, Array]:
    """sum(-t log softmax x): t (B, C)."""
    log_p, t = log_softmax(logits), f64(probabilities)
    d = np.exp(log_p) * t.sum(axis=1, keepdims=True) - t
    return -np.where(t > 0.0, t * log_p, 0.0).sum(axis=1), row_shares(len(t), weights) * d


def focal(
    logits: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None, gamma: float = 2.0
) -> tuple[Array, Array]:
    """Lin and others (2017), -(1 - p)^gamma log p: labels (B,). q = 1 - p is the others' sum, log p = log1p(-q)."""
    log_p = log_softmax(logits)
    onehot = np.arange(log_p.shape[1]) == np.asarray(labels)[:, None]
    q = np.where(onehot, 0.0, np.exp(log_p)).sum(axis=1)
    own = np.where(q < 0.5, np.log1p(-np.minimum(q, 0.5)), log_p[onehot])
    ratio = np.divide(-own, q, out=np.ones_like(q), where=q > 0.0)
    factor = q**gamma * (1.0 + gamma * np.exp(own) * ratio)
    d = np.where(onehot, -q[:, None], np.exp(log_p))
    return q**gamma * -own, row_shares(len(log_p), weights) * factor[:, None] * d


def mean_of_terms(terms: Array, slopes: Array, weights: ArrayLike | None) -> tuple[Array, Array]:
    """A loss that is the mean of a term of each output: terms and their derivatives (B, n)."""
    return terms.mean(axis=1), row_shares(len(terms), weights) * slopes / terms.shape[1]


def mae(pred: ArrayLike, target: ArrayLike, weights: ArrayLike | None = None) -> tuple[Array, Array]:
    """|d|: pred, target (B, n)."""
    d = f64(pred) - f64(target)
    return mean_of_terms(np.abs(d), np.sign(d), weights)


def huber(
    pred: ArrayLike, target: ArrayLike, weights: ArrayLike | None = None, delta: float = 1.0
) -> tuple[Array, Array]:
    """d^2 / 2 up to delta, then straight on (Huber 1964): pred, target (B, n)."""
    d = f64(pred) - f64(target)
    terms = np.where(np.abs(d) <= delta, 0.5 * d * d, delta * (np.abs(d) - 0.5 * delta))
    return mean_of_terms(terms, np.clip(d, -delta, delta), weights)


def poisson(log_rate: ArrayLike, target: ArrayLike, weights: ArrayLike | None = None) -> tuple[Array, Array]:
    """e^x - t x: log_rate, target (B, n)."""
    x, t = f64(log_rate), f64(target)
    return mean_of_terms(np.exp(x) - t * x, np.exp(x) - t, weights)


def binary_cross_entropy(logits: ArrayLike, target: ArrayLike, weights: ArrayLike | None = None) -> tuple[Array, Array]:
    """-t log p - (1 - t) log(1 - p), p the logistic function of x: logits, target (B, n)."""
    x, t = f64(logits), f64(target)
    log_p, log_q = -np.logaddexp(0.0, -x), -np.logaddexp(0.0, x)
    return mean_of_terms(-t * log_p - (1.0 - t) * log_q, (1.0 - t) * np.exp(log_p) - t * np.exp(log_q), weights)


def quantile(
    pred: ArrayLike, target: ArrayLike, levels: ArrayLike, weights: ArrayLike | None = None
) -> tuple[Array, Array]:
    """Koenker and Bassett (1978), a target's levels side by side: pred (B, k m), target (B, k), levels (m,)."""
    q = np.atleast_1d(f64(levels))
    x = f64(pred).reshape(len(f64(pred)), -1, len(q))
    d = f64(target)[:, :, None] - x
    terms, slopes = np.maximum(q * d, (q - 1.0) * d), np.select([d > 0.0, d < 0.0], [0.0 * d - q, 0.0 * d + 1.0 - q], d)
    return mean_of_terms(terms.reshape(len(x), -1), slopes.reshape(len(x), -1), weights)
