"""Python objects as values of a column: of which kind they are together."""

from __future__ import annotations

import datetime
import decimal
import numbers
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from fastdl.program import Array

UTC = datetime.UTC


def values_of_objects(name: str, values: list[Any]) -> tuple[str, Array]:
    """The kind of a column, and its values in the form that kind has; see `Column`.

    Parameters
    ----------
    name : str
        For the words of errors.
    values : list
        Numbers, booleans, dates, durations, times of the day, text, or a mixture, which is text.
    """
    there = [value for value in values if not is_missing(value)]
    kinds = set(map(type, there))

    def all_of(*wanted: type) -> bool:
        return all(issubclass(kind, wanted) for kind in kinds)

    if kinds and all_of(bool, np.bool_):
        return "boolean", _floats(values, float)
    if all_of(datetime.timedelta, np.timedelta64) and kinds:
        return "number", _floats(values, lambda value: np.timedelta64(value, "us").astype(np.int64) / 1e6)
    if all_of(datetime.time) and kinds:
        return "number", _floats(values, _seconds_of_day)
    if all_of(numbers.Real, decimal.Decimal, np.bool_):
        try:
            return "number", _floats(values, float)
        except OverflowError:
            row = next(row for row, value in enumerate(values) if not is_missing(value) and abs(value) >= 2**1024)
            raise ValueError(f"column {name!r}: the number in row {row} is too large for float64") from None
    if all(issubclass(kind, datetime.date | np.datetime64) or kind.__name__ == "Period" for kind in kinds):
        return "date", np.array([None if is_missing(v) else _naive(v) for v in values], "datetime64[us]")
    nameless = tuple(kind for kind in kinds if not _has_name(kind))
    if nameless:
        row = next(row for row, value in enumerate(values) if type(value) in nameless)
        if isinstance(values[row], complex | np.complexfloating):
            raise ValueError(f"Complex data not supported: column {name!r}, row {row}")
        raise TypeError(
            f"column {name!r}: argument must be a string or a real number, got {type(values[row]).__name__} in "
            f"row {row}"
        )
    return "category", texts_of(values)


def is_missing(value: Any) -> bool:
    """Whether a Python object stands for no value."""
    if value is None or value is np.ma.masked:
        return True
    if isinstance(value, str | bytes):
        return not value
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    if isinstance(value, decimal.Decimal):
        return value.is_nan()
    if isinstance(value, numbers.Real):
        return bool(value != value)
    return type(value).__name__ in ("NAType", "NaTType", "Null")


def text_of(value: Any) -> str:
    """The name of a category; 3.0 and 3 are one."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float | np.floating | decimal.Decimal) and value == value and value % 1 == 0:
        return str(int(value))
    return str(value)


def texts_of(values: list[Any]) -> Array:
    """Names of categories, and None where one is missing."""
    out = np.empty(len(values), object)
    out[:] = [None if is_missing(value) else text_of(value) for value in values]
    return out


def _floats(values: list[Any], number: Any) -> Array:
    return np.array([np.nan if is_missing(value) else number(value) for value in values], np.float64)


def _seconds_of_day(value: datetime.time) -> float:
    return datetime.timedelta(
        hours=value.hour, minutes=value.minute, seconds=value.second, microseconds=value.microsecond
    ).total_seconds()


def _naive(value: Any) -> Any:
    """A point in time by the clock of UTC, as NumPy takes it."""
    if type(value).__name__ == "Period":
        value = value.to_timestamp()
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def _has_name(kind: type) -> bool:
    """Whether the text of a value says what it is."""
    if issubclass(kind, complex | np.complexfloating | dict | list | tuple | set | frozenset | np.ndarray):
        return False
    return any(getattr(kind, method) is not getattr(object, method) for method in ("__str__", "__repr__"))
