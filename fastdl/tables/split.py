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
    groups: Array | None = None,
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
    groups : ndarray of int, shape (rows,), optional
        The number of each row's group, from 0. A group is of one class, and stays together.
    kept : ndarray of bool, shape (groups,), optional
        Groups that are never held out, unless all are such.
    """
    order, size, label = in_groups(classes, rows, seed, groups)
    stays = np.zeros(len(order), bool) if kept is None else kept[order]
    wanted = np.floor(np.cumsum(np.where(stays, 0, size)) * fraction + 0.5)
    if label is not None:
        stays |= np.bincount(label)[label] == 1
    held = taken(wanted, size) & ~stays
    if fraction and len(order) > 1 and not held.any():
        held[int(np.argmin(stays))] = True
    out = np.zeros(len(order), bool)
    out[order[held]] = True
    if groups is not None:
        out = out[groups]
    return np.flatnonzero(~out), np.flatnonzero(out)


def in_groups(classes: Array | None, rows: int, seed: int, groups: Array | None) -> tuple[Array, Array, Array | None]:
    """Groups in the order of `spread`, each where its first row is; how many rows each has, and its class."""
    order = spread(classes, rows, seed)
    if groups is None:
        return order, np.ones(rows, np.int64), None if classes is None else classes[order]
    first = np.sort(np.unique(groups[order], return_index=True)[1])
    label = None if classes is None else classes[order][first]
    order = groups[order][first]
    return order, np.bincount(groups)[order], label


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


def folds(
    classes: Array | None, rows: int, n: int, seed: int, groups: Array | None = None
) -> list[tuple[Array, Array]]:
    """Rows to train on and rows held out of each fold; every row is held out once, those of a group together."""
    order, size, label = in_groups(classes, rows, seed, groups)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order)) % n if (size == 1).all() else dealt(label, size, n)
    if groups is not None:
        place = place[groups]
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
