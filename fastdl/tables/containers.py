"""What holds a table: arrays, lists, mappings, and data frames of pandas, polars and pyarrow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.tables.column import Column, column_of
from fastdl.tables.frame import Frame
from fastdl.tables.objects import texts_of

if TYPE_CHECKING:
    from fastdl.program import Array


def frame_of(X: Any) -> Frame:
    """A table by columns.

    Parameters
    ----------
    X : mapping of str to array_like, 2-D array_like, structured array, or DataFrame or Table of pandas, polars, pyarrow
        Columns of numbers, booleans, dates, durations, text or categories; None, NaN, NaT, masked values and empty text
        are missing. Numbers that pandas or pyarrow call a category are one.

    Returns
    -------
    Frame

    Raises
    ------
    ValueError, TypeError
        If it is no table, or a column holds something else.
    """
    if hasattr(X, "toarray"):
        raise TypeError("X: sparse data was passed, but dense data is required: use X.toarray()")
    if isinstance(X, Mapping):
        return Frame([_of_any(str(name), values) for name, values in X.items()])
    library = library_of(X)
    if library == "polars" and hasattr(X, "collect"):
        raise TypeError("X: a LazyFrame holds no rows yet: use X.collect()")
    if library == "pandas" and hasattr(X, "columns"):
        return Frame([_of_pandas(str(name), X.iloc[:, place]) for place, name in enumerate(X.columns)])
    if library == "polars" and hasattr(X, "columns"):
        return Frame([_of_polars(name, X[name]) for name in X.columns])
    if library == "pyarrow" and hasattr(X, "column_names"):
        return Frame([_of_arrow(name, X.column(place)) for place, name in enumerate(X.column_names)])
    array = X if isinstance(X, np.ma.MaskedArray) else _array_of(X)
    if array.dtype.names is not None and array.ndim == 1:
        return Frame([column_of(name, array[name]) for name in array.dtype.names])
    if array.ndim != 2:
        hint = ". Reshape your data either using array.reshape(-1, 1) or array.reshape(1, -1)" if array.ndim < 2 else ""
        raise ValueError(f"X: Expected 2D array of rows and columns, got shape {array.shape}{hint}")
    return Frame([column_of(f"x{place}", array[:, place]) for place in range(array.shape[1])], named=False)


def _array_of(X: Any) -> Array:
    """An array; of rows that are lists one of objects, so that each column keeps its kind."""
    rows = isinstance(X, list | tuple) and len(X) and all(isinstance(row, list | tuple) for row in X)
    if not rows:
        return np.asarray(X)
    lengths = [len(row) for row in X]
    if min(lengths) != max(lengths):
        row, length = next((row, length) for row, length in enumerate(lengths) if length != lengths[0])
        raise ValueError(f"X: expected rows of one length, got {lengths[0]} values in row 0 and {length} in row {row}")
    array = np.empty((len(X), lengths[0]), object)
    for place, row in enumerate(X):
        array[place, :] = row
    return array


def library_of(values: Any) -> str:
    """Whose class it is of."""
    return type(values).__module__.partition(".")[0]


def _of_any(name: str, values: Any) -> Column:
    library = library_of(values)
    if library == "pandas" and hasattr(values, "array"):
        return _of_pandas(name, values)
    if library == "polars" and hasattr(values, "to_list"):
        return _of_polars(name, values)
    if library == "pyarrow" and hasattr(values, "to_pylist"):
        return _of_arrow(name, values)
    if library == "pandas" and str(getattr(values, "dtype", "")) == "category":
        return _of_categories(name, values)
    return column_of(name, values)


def _of_pandas(name: str, series: Any) -> Column:
    dtype = series.dtype
    if hasattr(dtype, "pyarrow_dtype"):
        return _of_arrow(name, series.array.__arrow_array__())
    if dtype.name == "category":
        return _of_categories(name, series)
    if getattr(dtype, "tz", None) is not None:
        return column_of(name, series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]"))
    if dtype.kind == "b":
        return column_of(name, series.to_numpy(object) if series.isna().any() else series.to_numpy(bool))
    if dtype.kind in "iuf":
        return column_of(name, series.to_numpy(np.float64, na_value=np.nan))
    if dtype.kind in "Mmc":
        return column_of(name, series.to_numpy())
    return column_of(name, series.astype(object).to_numpy(object))


def _of_polars(name: str, series: Any) -> Column:
    kind = series.dtype
    if kind.is_temporal() and str(kind) != "Time":
        return column_of(name, series.to_numpy())
    if kind.is_numeric() and not kind.is_decimal() and "128" not in str(kind):
        return column_of(name, series.to_numpy())
    return column_of(name, _objects(series.to_list()))


def _of_arrow(name: str, column: Any) -> Column:
    kind = str(column.type)
    if kind.startswith(("int", "uint", "float", "double", "halffloat", "timestamp", "date", "duration")):
        return column_of(name, column.to_numpy() if hasattr(column, "chunks") else column.to_numpy(False))
    values = _objects(column.to_pylist())
    return _of_categories(name, values) if kind.startswith("dictionary") else column_of(name, values)


def _objects(values: list[Any]) -> Array:
    return np.array([*values, None], object)[:-1]  # the None keeps NumPy from looking inside


def _of_categories(name: str, values: Any) -> Column:
    """Numbers that are called a category are one."""
    objects = np.asarray(values, object)
    found = column_of(name, objects)
    return Column(name, "category", texts_of(objects.tolist())) if found.kind == "number" else found
