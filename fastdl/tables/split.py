"""Which rows train and which validate, so that each class has its share in both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fastdl.kernels import permutation

if TYPE_CHECKING:
    from fastdl.program import Array

STREAM = (1 << 29) + 3


def spread(classes: Array | None, rows: int, seed: int) -> Array:
    """All rows in chance order, those of a class next to each other: each n-th of them is a stratified sample."""
    order = np.asarray(permutation(rows, seed, 0, STREAM))
    return order if classes is None else order[np.argsort(classes[order], kind="stable")]


def holdout(
    classes: Array | None, rows: int, fraction: float, seed: int, kept: Array | None = None
) -> tuple[Array, Array]:
    """Rows to train on and rows held out, each sorted; a class with a single row is never held out.

    Parameters
    ----------
    classes : ndarray of int, shape (rows,), or None
    rows : int
    fraction : float
        To hold out, at least a row and not all, unless it is 0 or there is but one row.
    seed : int
    kept : ndarray of bool, shape (rows,), optional
        Rows that are never held out, unless all are such.
    """
    order = spread(classes, rows, seed)
    steps = np.floor(np.arange(1, rows + 1) * fraction + 0.5)
    stays = np.zeros(rows, bool) if kept is None else kept[order]
    if classes is not None:
        stays |= np.bincount(classes)[classes[order]] == 1
    held = (np.diff(steps, prepend=0.0) > 0) & ~stays
    if fraction and rows > 1 and not held.any():
        held[int(np.argmin(stays))] = True
    return np.sort(order[~held]), np.sort(order[held])


def folds(classes: Array | None, rows: int, n: int, seed: int) -> list[tuple[Array, Array]]:
    """Rows to train on and rows held out of each fold; every row is held out once."""
    place = np.empty(rows, np.int64)
    place[spread(classes, rows, seed)] = np.arange(rows) % n
    return [(np.flatnonzero(place != fold), np.flatnonzero(place == fold)) for fold in range(n)]
