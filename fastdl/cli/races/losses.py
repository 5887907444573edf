"""Softmax, and losses with their gradients."""

from __future__ import annotations

import numpy as np

from fastdl import kernels
from fastdl.cli.races.case import Arrays, Case, normal, normals

Array = np.ndarray
Pair = tuple[Array, Array]


def labelled(rows: int, cols: int) -> Arrays:
    """Logits and class labels."""
    return 3 * normal(rows, cols), np.arange(rows) % cols


def soft_labelled(rows: int, cols: int) -> Arrays:
    """Logits and probabilities."""
    return 3 * normal(rows, cols), kernels.softmax(normal(rows, cols, 1))


def yes_or_no(rows: int, cols: int) -> Arrays:
    """Logits and targets of 0 and 1."""
    return 3 * normal(rows, cols), (normal(rows, cols, 1) > 0).astype(np.float32)


def counted(rows: int, cols: int) -> Arrays:
    """Logarithms of rates, and counts."""
    return normal(rows, cols), np.abs(np.rint(2 * normal(rows, cols, 1)))


def softmax(x: Array) -> Array:
    """Shifted by the largest, in place."""
    y = x - x.max(axis=1, keepdims=True)
    np.exp(y, out=y)
    y /= y.sum(axis=1, keepdims=True)
    return y


def log_softmax(x: Array) -> Array:
    """Shifted by the largest."""
    y = x - x.max(axis=1, keepdims=True)
    y -= np.log(np.exp(y).sum(axis=1, keepdims=True))
    return y


def cross_entropy(logits: Array, labels: Array) -> Pair:
    """The loss of each row and the gradient of their mean."""
    rows = np.arange(len(labels))
    shifted = logits - logits.max(axis=1, keepdims=True)
    gradient = np.exp(shifted)
    total = gradient.sum(axis=1, keepdims=True)
    loss = np.log(total[:, 0]) - shifted[rows, labels]
    gradient /= total
    gradient[rows, labels] -= 1
    gradient /= len(labels)
    return loss, gradient


def soft_cross_entropy(logits: Array, probabilities: Array) -> Pair:
    """The loss of each row and the gradient of their mean."""
    log_p = log_softmax(logits)
    loss = -np.einsum("ij,ij->i", probabilities, log_p)
    gradient = np.exp(log_p, out=log_p)
    gradient -= probabilities
    gradient /= len(logits)
    return loss, gradient


def focal(logits: Array, labels: Array) -> Pair:
    """-(1 - p)^2 log p, and the gradient of the mean of the rows."""
    rows, log_p = np.arange(len(labels)), log_softmax(logits)
    own = log_p[rows, labels]
    p = np.exp(own)
    factor = (1 - p) * (1 - p - 2 * p * own)
    gradient = np.exp(log_p, out=log_p)
    gradient[rows, labels] = p - 1
    gradient *= (factor / len(labels))[:, None]
    return -own * (1 - p) ** 2, gradient


def mse(prediction: Array, target: Array) -> Pair:
    """The mean squared error of each row and the gradient of their mean."""
    difference = prediction - target
    loss = np.einsum("ij,ij->i", difference, difference) / prediction.shape[1]
    difference *= 2 / prediction.size
    return loss, difference


def mae(prediction: Array, target: Array) -> Pair:
    """The mean absolute error of each row and the gradient of their mean."""
    difference = prediction - target
    loss = np.abs(difference).mean(axis=1)
    np.sign(difference, out=difference)
    difference /= prediction.size
    return loss, difference


def huber(prediction: Array, target: Array) -> Pair:
    """Squared up to 1, then straight on."""
    difference = prediction - target
    gradient = np.clip(difference, -1, 1)
    difference -= gradient / 2
    loss = np.einsum("ij,ij->i", difference, gradient) / prediction.shape[1]
    gradient /= prediction.size
    return loss, gradient


def poisson(x: Array, target: Array) -> Pair:
    """e^x - t x."""
    rate = np.exp(x)
    loss = (rate - target * x).mean(axis=1)
    rate -= target
    rate /= x.size
    return loss, rate


def binary_cross_entropy(x: Array, target: Array) -> Pair:
    """ln(1 + e^-|x|) + max(x, 0) - t x, which overflows nowhere."""
    small = np.exp(-np.abs(x))
    loss = (np.log1p(small) + np.maximum(x, 0) - target * x).mean(axis=1)
    gradient = np.where(x >= 0, 1, small)
    gradient /= 1 + small
    gradient -= target
    gradient /= x.size
    return loss, gradient


def quantile(prediction: Array, target: Array) -> Pair:
    """The 0.9 quantile: 0.9 d above, -0.1 d below."""
    difference = target - prediction
    loss = np.maximum(0.9 * difference, -0.1 * difference).mean(axis=1)
    gradient = np.where(difference > 0, np.float32(-0.9), np.float32(0.1))
    gradient /= prediction.size
    return loss, gradient


one, two = normals(1), normals(2)

CASES = [
    Case("softmax", one, kernels.softmax, softmax),
    Case("log_softmax", one, kernels.log_softmax, log_softmax),
    Case("softmax_cross_entropy", labelled, kernels.softmax_cross_entropy, cross_entropy),
    Case("softmax_cross_entropy_probabilities", soft_labelled, kernels.softmax_cross_entropy_probabilities,
         soft_cross_entropy),
    Case("focal", labelled, kernels.focal, focal),
    Case("binary_cross_entropy", yes_or_no, kernels.binary_cross_entropy, binary_cross_entropy),
    Case("mse", two, kernels.mse, mse),
    Case("mae", two, kernels.mae, mae),
    Case("huber", two, kernels.huber, huber),
    Case("poisson", counted, kernels.poisson, poisson),
    Case("quantile", two, lambda x, t: kernels.quantile(x, t, 0.9), quantile),
]  # fmt: skip
