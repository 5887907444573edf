"""One column of a table: of which kind it is, and its values in the form that kind has."""

from __future__ import annotations

import datetime
import decimal
import math
import numbers
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from fastdl.program import Array

Kind = Literal["number", "boolean", "date", "category"]


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
        Numbers, booleans, dates, text, or Python objects; None, NaN, NaT and empty text are missing.

    Raises
    ------
    ValueError, TypeError
        If a value is of no such kind, or infinite; the message names row and column.
    """
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"column {name!r}: expected one dimension, got shape {array.shape}")
    kind = array.dtype.kind
    if kind == "b":
        return Column(name, "boolean", array.astype(np.float64))
    if kind in "iuf":
        return _numbers(name, array.astype(np.float64))
    if kind == "M":
        return _dates(name, array)
    if kind == "m":
        seconds = array.astype("timedelta64[us]").astype(np.float64) / 1e6
        return _numbers(name, np.where(np.isnat(array), np.nan, seconds))
    if kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if kind in "US":
        return Column(name, "category", _texts(array.tolist()))
    if kind == "c":
        raise ValueError(f"Complex data not supported: column {name!r} holds complex numbers")
    if kind != "O":
        raise TypeError(f"column {name!r}: expected numbers, booleans, dates or text, got dtype {array.dtype}")
    return _of_objects(name, array.tolist())


def is_missing(value: Any) -> bool:
    """Whether a Python object stands for no value."""
    if value is None or (isinstance(value, str) and not value):
        return True
    if isinstance(value, numbers.Real):
        return math.isnan(value)
    return type(value).__name__ in ("NAType", "NaTType", "Null") or (
        isinstance(value, np.datetime64) and np.isnat(value)
    )


def text_of(value: Any) -> str:
    """The name of a category; 3.0 and 3 are one."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _of_objects(name: str, values: list[Any]) -> Column:
    there = [value for value in values if not is_missing(value)]
    if all(isinstance(value, bool | np.bool_) for value in there) and there:
        return Column(name, "boolean", np.array([np.nan if is_missing(v) else float(v) for v in values], np.float64))
    if all(isinstance(value, numbers.Real | decimal.Decimal) and not isinstance(value, bool) for value in there):
        return _numbers(name, np.array([np.nan if is_missing(v) else float(v) for v in values], np.float64))
    if all(isinstance(value, datetime.date | np.datetime64) for value in there):
        naive = [v.replace(tzinfo=None) if isinstance(v, datetime.datetime) else v for v in values]
        return _dates(name, np.array([None if is_missing(v) else v for v in naive], "datetime64[us]"))
    for row, value in enumerate(values):
        if isinstance(value, dict | list | tuple | set | np.ndarray):
            raise TypeError(
                f"column {name!r}: argument must be a string or a real number, got {type(value).__name__} in row {row}"
            )
        if isinstance(value, complex | np.complexfloating):
            raise ValueError(f"Complex data not supported: column {name!r}, row {row}")
    return Column(name, "category", _texts(values))


def _numbers(name: str, values: Array) -> Column:
    bad = np.flatnonzero(np.isinf(values))
    if bad.size:
        raise ValueError(f"column {name!r}: expected finite numbers, got infinity in row {bad[0]} (inf)")
    return Column(name, "number", values)


def _dates(name: str, values: Array) -> Column:
    seconds = values.astype("datetime64[us]").astype(np.int64) / 1e6
    return Column(name, "date", np.where(np.isnat(values), np.nan, seconds))


def _texts(values: list[Any]) -> Array:
    out = np.empty(len(values), object)
    out[:] = [None if is_missing(value) else text_of(value) for value in values]
    return out
