"""A table by columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from fastdl.program import Array
    from fastdl.tables.column import Column


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
        """The same, with the columns of these names or places, or where a mask is true, taken for categories."""
        names = self.names
        if isinstance(columns, str) or not isinstance(columns, Iterable):
            raise TypeError(f"categorical_features: expected names or places of columns, got {columns!r}")
        columns = list(columns)
        if columns and all(isinstance(key, bool | np.bool_) for key in columns):
            if len(columns) != len(names):
                raise ValueError(f"categorical_features: expected {len(names)} of a mask, got {len(columns)}")
            columns = [place for place, yes in enumerate(columns) if yes]
        chosen = set()
        for key in columns:
            if key not in names and not (hasattr(key, "__index__") and -len(names) <= key < len(names)):
                raise ValueError(f"categorical_features: there is no column {key!r}")
            chosen.add(key if key in names else names[key])
        return Frame([column.as_category() if column.name in chosen else column for column in self.columns], self.named)

    @staticmethod
    def of(X: Any) -> Frame:
        """A table of any kind; see `fastdl.tables.containers.frame_of`."""
        if isinstance(X, Frame):
            return X
        from fastdl.tables.containers import frame_of

        return frame_of(X)
