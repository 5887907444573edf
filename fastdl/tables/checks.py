"""What looks wrong about a table: columns that give the target away, and numbers of rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from fastdl.tables.frame import Frame

if TYPE_CHECKING:
    from fastdl.program import Array
    from fastdl.tables.column import Column

LEAST = 20  # rows: in fewer chance is enough
SURE = 0.9999
ID_NAMES = ("id", "uuid", "guid", "key", "nr", "no", "index")


def suspicions(frame: Frame, y: Array, classes: bool) -> list[str]:
    """A sentence for each column that a model should hardly be given.

    Parameters
    ----------
    frame : Frame
    y : ndarray, shape (n,)
        Labels or numbers.
    classes : bool
        Which of the two.
    """
    if frame.rows < LEAST:
        return []
    target = np.unique(y, return_inverse=True)[1] if classes else y.astype(np.float64)
    found = []
    for column in frame.columns:
        if _gives_away(column, target, classes):
            found.append(f"column {column.name!r} gives the target away: will it be known when you predict?")
        elif _is_id(column):
            found.append(f"column {column.name!r} looks like an id or the number of a row: leave it out?")
    return found


def is_hopeless(frame: Frame) -> bool:
    """Whether no column has two different values."""
    return all(_is_constant(column) for column in frame.columns)


def _is_constant(column: Column) -> bool:
    there = column.values[~column.missing]
    return len(there) == 0 or bool((there == there[0]).all() and len(there) == len(column.values))


def _gives_away(column: Column, target: Array, classes: bool) -> bool:
    there = ~column.missing
    if there.sum() < LEAST or 2 * there.sum() < len(there):
        return False
    values, target = column.values[there], target[there]
    if column.kind == "category":
        values = np.unique(values.astype(str), return_inverse=True)[1].astype(np.float64)
    if classes:
        return _names_classes(values, target)
    return _names_numbers(values, target) or (column.kind in ("number", "date") and _orders_numbers(values, target))


def _names_classes(values: Array, target: Array) -> bool:
    """Whether few values, each many times, stand for one class each."""
    distinct, places = np.unique(values, return_inverse=True)
    n = int(target.max()) + 1
    if not 2 <= len(distinct) <= max(2 * n, 10) or len(distinct) * 4 > len(places) or len(np.unique(target)) < 2:
        return False
    counts = np.bincount(places * n + target, minlength=len(distinct) * n).reshape(len(distinct), n)
    return bool(counts.max(axis=1).sum() >= SURE * len(places))


def _names_numbers(values: Array, target: Array) -> bool:
    """Whether each of the values, each several times, stands for one number, of which there are several."""
    distinct, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    if len(distinct) < 2 or len(distinct) * 4 > len(places) or len(np.unique(target)) < 2:
        return False
    means = np.bincount(places, target) / counts
    rest = float(((target - means[places]) ** 2).sum())
    return rest <= (1.0 - SURE) ** 2 * float(((target - target.mean()) ** 2).sum())


def _orders_numbers(values: Array, target: Array) -> bool:
    """Whether the target is a straight line, or rises or falls all along with the values."""
    a, b = values - values.mean(), target - target.mean()
    with np.errstate(over="ignore", invalid="ignore"):
        size = float(np.sqrt((a**2).sum() * (b**2).sum()))
        if 0.0 < size < math.inf and abs(float((a * b).sum())) / size > SURE:
            return True
    if 2 * len(np.unique(values)) < len(values) or 2 * len(np.unique(target)) < len(target):
        return False
    rising, falling = target[np.lexsort((target, values))], target[np.lexsort((-target, values))]
    return bool((rising[1:] >= rising[:-1]).all() or (falling[1:] <= falling[:-1]).all())


def _is_id(column: Column) -> bool:
    if column.missing.any() or column.kind not in ("number", "category"):
        return False
    values = column.values.astype(str) if column.kind == "category" else column.values
    ordered = np.unique(values)
    if len(ordered) < len(values):
        return False
    if column.kind == "category":
        return True
    whole = bool((ordered == np.floor(ordered)).all())
    last_word = column.name.lower().replace("_", " ").split()[-1:]
    named = bool(last_word) and (last_word[0] in ID_NAMES or column.name.endswith("Id"))
    return whole and (named or bool(ordered[-1] - ordered[0] < 2 * len(ordered)))
