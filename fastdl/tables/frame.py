"""A table by columns, from whatever holds one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.tables.column import Column, column_of

if TYPE_CHECKING:
    from fastdl.program import Array


class Frame:
    """Columns of equal length.

    Parameters
    ----------
    columns : sequence of Column
    named : bool
        Whether the names mean anything; else columns are told apart by their places.
    """

    def __init__(self, columns: Sequence[Column], named: bool = True) -> None:
        self.columns = tuple(columns)
        self.named = named
        sizes = {len(column.values) for column in self.columns}
        if len(sizes) > 1:
            raise ValueError(f"X: expected columns of one length, got {sorted(sizes)} rows")
        counts = Counter(column.name for column in self.columns)
        twice = sorted(name for name, count in counts.items() if count > 1)
        if twice:
            raise ValueError(f"X: several columns are called {', '.join(map(repr, twice))}; names must differ")
        self.rows: int = sizes.pop() if sizes else 0

    @property
    def names(self) -> list[str]:
        """Names of the columns in their order."""
        return [column.name for column in self.columns]

    def __len__(self) -> int:
        return self.rows

    def require_rows(self) -> None:
        """Refuse a table without columns or rows."""
        if not self.columns:
            raise ValueError("X: 0 feature(s) (shape=(n, 0)) while a minimum of 1 is required.")
        if not self.rows:
            raise ValueError("X: Found array with 0 sample(s), while a minimum of 1 is required.")

    def take(self, rows: Array) -> Frame:
        """Some rows of it, by number or by a mask."""
        return Frame([column.take(rows) for column in self.columns], self.named)

    def replace(self, column: Column) -> Frame:
        """The same with one column exchanged by that of its name."""
        return Frame([column if column.name == old.name else old for old in self.columns], self.named)

    def categorical(self, columns: Sequence[Any]) -> Frame:
        """The same, with the columns of these names or places taken for categories."""
        names = self.names
        chosen = set()
        for key in columns:
            if key not in names and not (hasattr(key, "__index__") and -len(names) <= key < len(names)):
                raise ValueError(f"categorical_features: there is no column {key!r}")
            chosen.add(key if key in names else names[key])
        return Frame([column.as_category() if column.name in chosen else column for column in self.columns], self.named)

    @staticmethod
    def of(X: Any) -> Frame:
        """A table of any kind.

        Parameters
        ----------
        X : Frame, mapping of str to array_like, 2-D array_like, or DataFrame or Table of pandas, polars or pyarrow
            Columns of numbers, booleans, dates, text or categories; None, NaN, NaT and empty text are missing.

        Returns
        -------
        Frame

        Raises
        ------
        ValueError, TypeError
            If it is no table, or a column holds something else.
        """
        if isinstance(X, Frame):
            return X
        if hasattr(X, "toarray"):
            raise TypeError("X: sparse data was passed, but dense data is required: use X.toarray()")
        if isinstance(X, Mapping):
            return Frame([column_of(str(name), values) for name, values in X.items()])
        library = type(X).__module__.partition(".")[0]
        if library in READERS and hasattr(X, READERS[library][0]):
            return READERS[library][1](X)
        return _of_array(X)


def _of_array(X: Any) -> Frame:
    array = X if isinstance(X, np.ndarray) else np.asarray(X)
    if array.ndim != 2:
        hint = ". Reshape your data either using array.reshape(-1, 1) or array.reshape(1, -1)" if array.ndim < 2 else ""
        raise ValueError(f"X: Expected 2D array of rows and columns, got shape {array.shape}{hint}")
    return Frame([column_of(f"x{place}", array[:, place]) for place in range(array.shape[1])], named=False)


def _of_pandas(X: Any) -> Frame:
    def read(series: Any) -> Any:
        dtype = series.dtype
        if getattr(dtype, "tz", None) is not None:
            return series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]")
        if dtype.kind == "b":
            return series.to_numpy(object) if series.isna().any() else series.to_numpy(bool)
        if dtype.kind in "iuf" and dtype.name != "category":
            return series.to_numpy(np.float64, na_value=np.nan)
        if dtype.kind in "Mm":
            return series.to_numpy("datetime64[us]" if dtype.kind == "M" else "timedelta64[us]")
        return series.to_numpy() if dtype.kind == "c" else series.astype(object).to_numpy(object)

    return Frame([column_of(str(name), read(X.iloc[:, place])) for place, name in enumerate(X.columns)])


def _of_polars(X: Any) -> Frame:
    def read(series: Any) -> Any:
        if series.dtype.is_numeric() and not series.dtype.is_decimal():
            return series.to_numpy()
        if series.dtype.is_temporal() and str(series.dtype) != "Time":
            return series.to_numpy()
        return np.array([*series.to_list(), None], object)[:-1]  # the None keeps NumPy from looking inside

    return Frame([column_of(name, read(X[name])) for name in X.columns])


def _of_pyarrow(X: Any) -> Frame:
    def read(column: Any) -> Any:
        kind = str(column.type)
        if kind.startswith(("int", "uint", "float", "double", "halffloat", "timestamp", "date")):
            return column.to_numpy()
        return np.array([*column.to_pylist(), None], object)[:-1]

    return Frame([column_of(name, read(X.column(place))) for place, name in enumerate(X.column_names)])


READERS: dict[str, tuple[str, Callable[[Any], Frame]]] = {
    "pandas": ("iloc", _of_pandas),
    "polars": ("columns", _of_polars),
    "pyarrow": ("column_names", _of_pyarrow),
}
