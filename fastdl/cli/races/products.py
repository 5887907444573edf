"""Matrix products, and rows that are gathered, looked up and merged."""

from __future__ import annotations

import numpy as np

from fastdl import kernels
from fastdl.cli.races.case import Arrays, Case, normal, normals

Array = np.ndarray


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


def coded(rows: int, cols: int) -> Arrays:
    """Codes as a column of float32 holds them, and a table of 100 vectors."""
    return (kernels.permutation(rows, 0) % 100).astype(np.float32), normal(100, cols)


def coded_gradient(rows: int, cols: int) -> Arrays:
    """dy, and the codes of its rows."""
    return normal(rows, cols), coded(rows, cols)[0]


def scatter(dy: Array, codes: Array) -> Array:
    """A buffered scatter-add: the quickest that NumPy has."""
    table = np.zeros((100, dy.shape[1]), dy.dtype)
    np.add.at(table, codes.astype(np.intp), dy)
    return table


def orthonormal(a: Array) -> Array:
    """Rows by LAPACK's QR, turned to their own sides."""
    q, r = np.linalg.qr(a.T)
    q *= np.sign(np.diag(r))
    return q.T


CASES = [
    Case("matmul", layer, lambda x, w, b: kernels.matmul(x, w), lambda x, w, b: x @ w),
    Case("dense_forward", layer, lambda x, w, b: kernels.dense_forward(x, w, b, "relu"), dense),
    Case("dense_backward", layer_backward, kernels.dense_backward,
         lambda dy, x, w: (dy @ w.T, x.T @ dy, dy.sum(axis=0))),
    Case("gather", shuffled, kernels.gather, lambda x, indices: x[indices].astype(np.float32)),
    Case("embedding_forward", coded, kernels.embedding_forward, lambda codes, table: table[codes.astype(np.intp)]),
    Case("embedding_backward", coded_gradient, lambda dy, codes: kernels.embedding_backward(dy, codes, 100), scatter),
    Case("add", normals(2), kernels.add, np.add, out=True),
    Case("concatenate", normals(2), lambda a, b: kernels.concatenate([a, b]),
         lambda a, b: np.concatenate([a, b], axis=1)),
    Case("orthonormalize", normals(1), kernels.orthonormalize, orthonormal),
]  # fmt: skip
