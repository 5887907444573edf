"""Prepared rows to train on and rows to validate on; what is the same row stays on one side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.data import row_weights
from fastdl.tables.frame import Frame
from fastdl.tables.members import Data
from fastdl.tables.split import folds, holdout
from fastdl.tables.targets import Classes, Quantity

if TYPE_CHECKING:
    from fastdl.program import Array
    from fastdl.tables.preparation import Preparation
    from fastdl.tables.settings import Settings

MOST_REPEATED = 10_000
LEAST_PARTED = 0.25  # of the rows must be in groups that can be held out, else rows are parted one by one
OFTEN = 10  # times that rows stand there on average, so that too few for the folds are parted one by one
CHANCE = 0.05  # of the rows: where chance alone makes more of them alike, that says nothing


def counted(frame: Frame, y: Array, weights: Array | None) -> tuple[Frame, Array, Array | None]:
    """Without rows of weight 0; in small tables those of whole weights stand there so many times.

    Weights that are all the same are none, and of whole ones only the ratios count.
    """
    if weights is None:
        return frame, y, None
    rows = np.flatnonzero(weights)
    frame, y, weights = frame.take(rows), y[rows], weights[rows]
    if (weights == weights[0]).all():
        return frame, y, None
    if not (weights == np.floor(weights)).all() or weights.max() >= 2.0**53:
        return frame, y, weights
    times = weights.astype(np.int64)
    times //= np.gcd.reduce(times)
    if times.sum() > MOST_REPEATED:
        return frame, y, weights
    rows = np.repeat(np.arange(len(y)), times)
    return frame.take(rows), y[rows], None


def parts_of(
    settings: Settings, preparation: Preparation, target: Classes | Quantity, data: Data, seed: int
) -> list[tuple[Data, Data | None]]:
    """What each fold trains on and what it is validated on.

    Equal rows with equal targets, as whole weights make them, are on one side together. In a table of few columns with
    few values chance makes rows alike, too; there each goes its own way, since otherwise what is held out would be all
    that is known of a corner of the table. Likewise where most of the table is a row or two, or each class but one.

    Parameters
    ----------
    settings : Settings
    preparation : Preparation
    target : Classes or Quantity
    data : Data
        Sorted.
    seed : int
    """
    rows, group = len(data), groups(data)
    sizes, first = np.bincount(group), np.flatnonzero(np.diff(group, prepend=-1))
    classes = data.y if isinstance(target, Classes) else None
    whole = too_large(settings, sizes, None if classes is None else classes[first])
    if len(first) < rows and (
        sizes[~whole].sum() < LEAST_PARTED * rows
        or (len(first) < settings.n_cv and len(first) * OFTEN <= rows)
        or alike_by_chance(data.take(first), preparation)
    ):
        group = np.arange(rows)
        whole = np.zeros(rows, bool)
    if settings.n_cv > 1:
        different = group[-1] + 1
        if different < settings.n_cv:
            raise ValueError(
                f"n_cv: expected at most a fold for each of {different} different rows, got {settings.n_cv} "
                f"(n_samples = {rows})"
            )
        return [(data.take(a), data.take(b)) for a, b in folds(classes, rows, settings.n_cv, seed, group)]
    training, held = holdout(classes, rows, settings.validation_fraction, seed, group, whole)
    return [(data.take(training), data.take(held) if len(held) else None)]


def too_large(settings: Settings, sizes: Array, classes: Array | None) -> Array:
    """Which groups can't be held out: what counts more than all that is to be, or is all that a class has."""
    rows = sizes.sum()
    large: Array = sizes > settings.validation_fraction * rows if settings.n_cv == 1 else 2 * sizes >= rows
    if classes is not None:
        large |= np.bincount(classes)[classes] == 1
    return large & (sizes > 1)


def groups(data: Data) -> Array:
    """The number of each sorted row among those that differ, in targets or else."""
    differs = np.zeros(len(data), bool)
    for array in (data.x, data.y.reshape(len(data), -1)):
        differs[1:] |= (array[1:] != array[:-1]).any(axis=1)
    return np.cumsum(differs)


def alike_by_chance(data: Data, preparation: Preparation) -> bool:
    """Whether different rows agree in each column so often that some would in all, were the columns independent."""
    rows = len(data)
    if rows < 2:
        return True
    agree = agreement(data.y.reshape(rows, -1), True)
    for encoding, columns in zip(preparation.encodings, preparation.places(), strict=True):
        if columns:
            agree *= agreement(data.x[:, columns], encoding.kind != "category")
    return agree * rows > CHANCE


def agreement(values: Array, between: bool) -> float:
    """How likely two rows have the same values; by pairs of different rows if the values lie on a scale.

    On a scale, values that are all different say that no two need ever agree; categories say that there are so many.
    """
    rows = len(values)
    counts = np.unique(values, axis=0, return_counts=True)[1].astype(np.float64)
    return float((counts * (counts - between)).sum()) / (rows * (rows - between))


def validation_part(preparation: Preparation, target: Classes | Quantity, given: Sequence[Any]) -> Data:
    """Prepared rows of (X, y) or (X, y, weights), without those of weight 0."""
    if not isinstance(given, tuple | list) or len(given) not in (2, 3):
        raise ValueError("validation: expected (X, y) or (X, y, weights)")
    try:
        frame = Frame.of(given[0])
        if not frame.rows:
            raise ValueError("there are no rows")
        truth = target.encode(given[1])
        if len(truth) != frame.rows:
            raise ValueError(f"expected {frame.rows} targets, got {len(truth)}")
        weights = row_weights(given[2] if len(given) > 2 else None, None, truth, frame.rows)
        data = Data(preparation.transform(frame), truth, weights)
    except (TypeError, ValueError) as error:
        raise type(error)(f"validation: {error}") from None
    return data if weights is None else data.take(np.flatnonzero(weights))
