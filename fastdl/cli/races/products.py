"""Matrix products, gathering and merging of rows, softmax and losses."""

from __future__ import annotations

import numpy as np

from fastdl import kernels
from fastdl.cli.races.case import Arrays, Case, normal, normals

Array = np.ndarray
Pair = tuple[Array, Array]


def layer(rows: int, cols: int) -> Arrays:
    """x (rows, cols), weights (cols, cols), bias."""
    return normal(rows, cols), normal(cols, cols, 1), normal(1, cols, 2)[0]


def layer_backward(rows: int, cols: int) -> Arrays:
    """dy and x (rows, cols), weights (cols, cols)."""
    return normal(rows, cols), normal(rows, cols, 1), normal(cols, cols, 2)


def dense(x: Array, w: Array, b: Array) -> Array:
    """max(x w + b, 0)."""
    y = x @ w
    y += b
    return np.maximum(y, 0, out=y)


def shuffled(rows: int, cols: int) -> Arrays:
    """Float64 data of which rows are taken, and their indices."""
    return normal(4 * rows, cols).astype(np.float64), kernels.permutation(4 * rows, 0)[:rows]


def labelled(rows: int, cols: int) -> Arrays:
    """Logits and class labels."""
    return 3 * normal(rows, cols), np.arange(rows) % cols


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


def mse(prediction: Array, target: Array) -> Pair:
    """The mean squared error of each row and the gradient of their mean."""
    difference = prediction - target
    loss = np.einsum("ij,ij->i", difference, difference) / prediction.shape[1]
    difference *= 2 / prediction.size
    return loss, difference


one, two = normals(1), normals(2)

CASES = [
    Case("matmul", layer, lambda x, w, b: kernels.matmul(x, w), lambda x, w, b: x @ w),
    Case("dense_forward", layer, lambda x, w, b: kernels.dense_forward(x, w, b, "relu"), dense),
    Case("dense_backward", layer_backward, kernels.dense_backward,
         lambda dy, x, w: (dy @ w.T, x.T @ dy, dy.sum(axis=0))),
    Case("gather", shuffled, kernels.gather, lambda x, indices: x[indices].astype(np.float32)),
    Case("add", two, lambda a, b, out: kernels.add(a, b, out=out), np.add, out=True),
    Case("concatenate", two, lambda a, b: kernels.concatenate([a, b]), lambda a, b: np.concatenate([a, b], axis=1)),
    Case("softmax", one, kernels.softmax, softmax),
    Case("log_softmax", one, kernels.log_softmax, log_softmax),
    Case("softmax_cross_entropy", labelled, kernels.softmax_cross_entropy, cross_entropy),
    Case("mse", two, kernels.mse, mse),
]  # fmt: skip
