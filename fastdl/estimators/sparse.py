"""Sparse matrices: rows of them as dense batches, with bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

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
