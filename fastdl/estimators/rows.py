"""Rows as a fit reads them: of a sparse matrix dense some at a time, of a batch of all in an order of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.kernels._rows import as_readable
from fastdl.part import Part

if TYPE_CHECKING:
    from fastdl.program import Array

SMALL = 1 << 26  # bytes of a matrix that is simply made dense
SLICE = 1 << 24  # bytes that are dense at a time otherwise


class RowStore:
    """A CSR matrix that gives some of its rows as a dense float32 array.

    Parameters
    ----------
    matrix : sparse matrix or array, CSR, shape (n, features)
    """

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix
        self.rows_at_once = max(1, SLICE // (4 * max(1, matrix.shape[1])))

    def dense(self, rows: Any) -> Array:
        """These rows, float32 (rows, features)."""
        part: Array = self.matrix[rows].astype(np.float32).toarray()
        return part

    def map(self, function: Callable[[Array], Array]) -> Array:
        """Results of a function of rows, a slice of them at a time, one below the other."""
        count = self.matrix.shape[0]
        starts = range(0, count, self.rows_at_once) if count else (0,)
        return np.concatenate([function(self.dense(slice(start, start + self.rows_at_once))) for start in starts])


def is_sparse(X: Any) -> bool:
    """Whether it is one of SciPy's sparse matrices or arrays."""
    return hasattr(X, "tocsr")


def dense_or_store(X: Any) -> tuple[Array | None, RowStore | None]:
    """An array as it is, a small sparse matrix as an array, a large one as a store."""
    if not is_sparse(X):
        return X, None
    if 4 * X.shape[0] * X.shape[1] <= SMALL:
        small: Array = X.toarray()
        return small, None
    return None, RowStore(X.tocsr())


def sorted_part(part: Part) -> Part:
    """The same rows in an order of their own, equal ones as one with the sum of their weights.

    So a fit whose every batch holds all rows has the same bits however they are ordered, repeated or weighted.
    """
    x, targets = (a if part.rows is None else a[part.rows] for a in (part.x, part.targets))
    weights = np.ones(len(x)) if part.weights is None else np.asarray(part.weights, np.float64)
    if part.weights is not None and part.rows is not None:
        weights = weights[part.rows]
    both = np.concatenate([x.astype(np.float64), targets.astype(np.float64)], axis=1)
    keys = np.ascontiguousarray(both).view(np.dtype((np.void, 8 * both.shape[1]))).ravel()
    _, places, row = np.unique(keys, return_index=True, return_inverse=True)
    sums = np.bincount(row.ravel(), weights).astype(np.float32)
    kept = None if (sums == 1.0).all() else sums
    return Part(as_readable(x[places]), np.ascontiguousarray(targets[places]), kept, None)
