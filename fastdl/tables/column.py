"""One column of a table: of which kind it is, and its values in the form that kind has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fastdl.tables.objects import text_of, values_of_objects

if TYPE_CHECKING:
    from fastdl.program import Array

__all__ = ["Column", "Kind", "column_of", "text_of"]

Kind = Literal["number", "boolean", "date", "category"]
MOST_YEARS = 100_000  # which microseconds can count


@dataclass(slots=True)
class Column:
    """A column.

    Attributes
    ----------
    name : str
    kind : {"number", "boolean", "date", "category"}
    values : ndarray
        float64 with NaN where a value is missing: numbers, 0 and 1, or seconds since 1970. Of a category an object
        array of str, and None where it is missing.
    """

    name: str
    kind: Kind
    values: Array

    @property
    def missing(self) -> Array:
        """Where no value is."""
        if self.kind == "category":
            return np.array([value is None for value in self.values], bool)
        return np.isnan(self.values)

    def take(self, rows: Array) -> Column:
        """Some rows of it."""
        return Column(self.name, self.kind, self.values[rows])

    def as_category(self) -> Column:
        """Numbers or booleans as categories, by their texts."""
        if self.kind == "category":
            return self
        if self.kind == "date":
            raise ValueError(f"column {self.name!r}: dates are no categories")
        name_of = text_of if self.kind == "number" else bool
        texts = [None if value != value else str(name_of(value)) for value in self.values.tolist()]
        return Column(self.name, "category", np.array([*texts, None], object)[:-1])


def column_of(name: str, values: Any) -> Column:
    """A column of any one-dimensional array.

    Parameters
    ----------
    name : str
    values : array_like, shape (n,)
        Numbers, booleans, dates, durations (seconds), text, or Python objects; None, NaN, NaT, what a mask hides and
        empty text are missing.

    Raises
    ------
    ValueError, TypeError
        If a value is of no such kind, or infinite; the message names row and column.
    """
    array = _array_of(values)
    if array.ndim != 1:
        raise ValueError(f"column {name!r}: expected one dimension, got shape {array.shape}")
    kind = array.dtype.kind
    if kind == "b":
        return Column(name, "boolean", array.astype(np.float64))
    if kind in "iuf":
        with np.errstate(over="ignore"):  # of what float64 can't hold; infinity is refused
            return _numbers(name, array.astype(np.float64))
    if kind == "M":
        return _dates(name, array)
    if kind == "m":
        return _numbers(name, _seconds(array, "timedelta64"))
    if kind == "c":
        raise ValueError(f"Complex data not supported: column {name!r} holds complex numbers")
    if kind not in "SUTO":
        raise TypeError(f"column {name!r}: expected numbers, booleans, dates or text, got dtype {array.dtype}")
    found, held = values_of_objects(name, array.tolist())
    if found == "number":
        return _numbers(name, held)
    return _dates(name, held) if found == "date" else Column(name, found, held)  # type: ignore[arg-type]


def _array_of(values: Any) -> Array:
    """An array, in which what a mask hides is missing; a list of several kinds stays one of objects."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        if values.dtype.kind in "iuf":
            return np.ma.filled(values.astype(np.float64), np.nan)
        if values.dtype.kind in "Mm":
            return values.filled(values.dtype.type("NaT"))
        found = values.data.astype(object)
        found[np.ma.getmaskarray(values)] = None
        return found
    if isinstance(values, np.ndarray):
        return np.asarray(values)
    if isinstance(values, list | tuple):
        try:
            array = np.asarray(values)
        except (ValueError, OverflowError):
            array = np.empty(0, object)
        if array.ndim == 1 and array.dtype.kind in "biuf":
            return array
        return np.array([*values, None], object)[:-1]  # the None keeps NumPy from looking inside
    return np.asarray(values)


def _numbers(name: str, values: Array) -> Column:
    bad = np.flatnonzero(np.isinf(values))
    if bad.size:
        raise ValueError(f"column {name!r}: expected finite numbers, got infinity in row {bad[0]} (inf)")
    return Column(name, "number", values)


def _dates(name: str, values: Array) -> Column:
    if np.datetime_data(values.dtype)[0] in ("ps", "fs", "as"):
        values = values.astype("datetime64[us]")
    years = values.astype("datetime64[Y]").astype(np.int64)
    bad = np.flatnonzero(~np.isnat(values) & (np.abs(years) > MOST_YEARS))
    if bad.size:
        raise ValueError(f"column {name!r}: expected dates within {MOST_YEARS:,} years of 1970, row {bad[0]} is not")
    return Column(name, "date", _seconds(values, "datetime64"))


def _seconds(values: Array, kind: str) -> Array:
    """Since 1970, or of a duration; NaN for NaT."""
    seconds = values.astype(f"{kind}[us]").astype(np.int64) / 1e6
    return np.where(np.isnat(values), np.nan, seconds)
