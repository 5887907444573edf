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
    classes: Array | None,
    rows: int,
    fraction: float,
    seed: int,
    sizes: Array | None = None,
    kept: Array | None = None,
) -> tuple[Array, Array]:
    """Rows to train on and rows held out, each sorted; a class with a single row is never held out.

    Parameters
    ----------
    classes : ndarray of int, shape (rows,), or None
    rows : int
    fraction : float
        To hold out, at least a row and not all, unless it is 0 or there is but one row.
    seed : int
    sizes : ndarray of int, shape (rows,), optional
        How often each row counts.
    kept : ndarray of bool, shape (rows,), optional
        Rows that are never held out, unless all are such.
    """
    order = spread(classes, rows, seed)
    stays = np.zeros(rows, bool) if kept is None else kept[order]
    size = np.ones(rows, np.int64) if sizes is None else sizes[order]
    wanted = np.floor(np.cumsum(np.where(stays, 0, size)) * fraction + 0.5)
    if classes is not None:
        stays |= np.bincount(classes)[classes[order]] == 1
    held = taken(wanted, size) & ~stays
    if fraction and rows > 1 and not held.any():
        held[int(np.argmin(stays))] = True
    return np.sort(order[~held]), np.sort(order[held])


def taken(wanted: Array, size: Array) -> Array:
    """Which of some rows to take, so that what they count follows a sum within half of the last one."""
    if (size == 1).all():
        return np.diff(wanted, prepend=0.0) > 0
    found, total = np.zeros(len(size), bool), 0
    for place, (sum_here, count) in enumerate(zip(wanted.tolist(), size.tolist(), strict=True)):
        if 2 * (sum_here - total) >= count:
            found[place] = True
            total += count
    return found


def folds(classes: Array | None, rows: int, n: int, seed: int, sizes: Array | None = None) -> list[tuple[Array, Array]]:
    """Rows to train on and rows held out of each fold; every row is held out once."""
    order = spread(classes, rows, seed)
    place = np.empty(rows, np.int64)
    if sizes is None or (sizes == 1).all():
        place[order] = np.arange(rows) % n
    else:
        place[order] = dealt(None if classes is None else classes[order], sizes[order], n)
    return [(np.flatnonzero(place != fold), np.flatnonzero(place == fold)) for fold in range(n)]


def dealt(classes: Array | None, size: Array, n: int) -> Array:
    """A fold for each row: the one that has least of its class, then least of all."""
    total = [0] * n
    found = np.empty(len(size), np.int64)
    here, own = -1, [0] * n
    labels = [0] * len(size) if classes is None else classes.tolist()
    for row, (label, count) in enumerate(zip(labels, size.tolist(), strict=True)):
        if label != here:
            here, own = label, [0] * n
        fold = min(range(n), key=lambda f: (own[f], total[f]))
        found[row] = fold
        own[fold] += count
        total[fold] += count
    return found
