"""The float64 twins of the embedding's kernels; see reference.py for their manners."""

import numpy as np
from numpy.typing import ArrayLike
from reference import Array, f64


def embedding_forward(codes: ArrayLike, table: ArrayLike) -> Array:
    """Rows of the table by code, NaN for NaN: codes (B,), table (V, D) -> y (B, D)."""
    codes, table = f64(codes), f64(table)
    y = np.full((len(codes), table.shape[1]), np.nan)
    known = ~np.isnan(codes)
    y[known] = table[codes[known].astype(int)]
    return y


def embedding_backward(dy: ArrayLike, codes: ArrayLike, size: int) -> Array:
    """Sum of dy over the rows of each code: dy (B, D), codes (B,) -> dtable (V, D)."""
    dy, codes = f64(dy), f64(codes)
    dtable = np.zeros((size, dy.shape[1]))
    known = ~np.isnan(codes)
    np.add.at(dtable, codes[known].astype(int), dy[known])
    return dtable
