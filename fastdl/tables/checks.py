"""What looks wrong about a table: columns that give the target away, and numbers of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fastdl.tables.frame import Frame

if TYPE_CHECKING:
    from fastdl.program import Array
    from fastdl.tables.column import Column

LEAST = 20  # rows: in fewer chance is enough
SURE = 0.9999


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
    codes = np.unique(y, return_inverse=True)[1] if classes else y.astype(np.float64)
    found = []
    for column in frame.columns:
        if _gives_away(column, codes, classes):
            found.append(f"column {column.name!r} gives the target away: will it be known when you predict?")
        elif _is_number_of_row(column):
            found.append(f"column {column.name!r} looks like an id or the number of a row: leave it out?")
    return found


def _gives_away(column: Column, target: Array, classes: bool) -> bool:
    missing = column.missing
    if missing.all():
        return False
    if not classes:
        if column.kind != "number" or missing.any():
            return False
        a, b = column.values - column.values.mean(), target - target.mean()
        size = float(np.sqrt((a**2).sum() * (b**2).sum()))
        return bool(size > 0 and abs(float((a * b).sum())) / size > SURE)
    values = np.array(["" if v is None else v for v in column.values]) if column.kind == "category" else column.values
    distinct, places = np.unique(values[~missing], return_inverse=True)
    n = int(target.max()) + 1
    if missing.any() or not 2 <= len(distinct) <= max(2 * n, 10) or len(distinct) * 4 > len(places):
        return False
    counts = np.bincount(places * n + target, minlength=len(distinct) * n).reshape(len(distinct), n)
    return bool(counts.max(axis=1).sum() >= SURE * len(places))


def _is_number_of_row(column: Column) -> bool:
    if column.kind != "number" or column.missing.any():
        return False
    values = np.sort(column.values)
    whole = bool((values == np.floor(values)).all())
    return whole and len(np.unique(values)) == len(values) and bool(values[-1] - values[0] < 2 * len(values))
