"""Handwritten digits: the one data set that comes with the package (its origin and licence: DIGITS.md)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILE = os.path.join(os.path.dirname(__file__), "digits.npz")


def load_digits() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Images of handwritten digits, 8 x 8 pixels, and which digit each shows.

    The classes are of nearly equal size. Rows keep their original order, in which neighbours share a writer: shuffle
    before cutting off a part for validation, as ``Trainer.fit(validation_split=...)`` does.

    Returns
    -------
    X : ndarray of shape (1797, 64), float32
        One image a row, row by row from the top left; a pixel is a whole number from 0 (paper) to 16 (ink).
    y : ndarray of shape (1797,), int64
        The digits, 0 to 9.

    Notes
    -----
    The test half of "Optical Recognition of Handwritten Digits" by E. Alpaydin and C. Kaynak (UCI Machine Learning
    Repository, 1998, doi:10.24432/C50P49), CC BY 4.0. Each call returns arrays of its own.

    Examples
    --------
    >>> from fastdl import datasets
    >>> X, y = datasets.load_digits()
    >>> X.shape, y[:5].tolist()
    ((1797, 64), [0, 1, 2, 3, 4])
    """
    with np.load(FILE, allow_pickle=False) as file:
        return file["images"].astype(np.float32), file["labels"].astype(np.int64)
