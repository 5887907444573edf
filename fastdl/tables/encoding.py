"""How one column becomes numbers: what was learned of it, and how values become columns of a matrix."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fastdl.tables.column import Column

if TYPE_CHECKING:
    from fastdl.program import Array

How = Literal["number", "boolean", "date", "pair", "one-hot", "codes", "dropped"]
DAY, WEEK, YEAR = 86400.0, 7 * 86400.0, 365.2425 * 86400.0
RARE = 1  # categories that occur no more often share the code of those never seen


@dataclass(slots=True)
class Encoding:
    """What a column becomes.

    Attributes
    ----------
    name, kind : str
        Of the column.
    how : {"number", "boolean", "date", "pair", "one-hot", "codes", "dropped"}
    categories : list of str
        Each in the order of its column or code; code 0 is for all others and for missing ones.
    gaps : bool
        Whether a further column tells where a value is missing.
    note : str
        Why it is dropped.
    """

    name: str
    kind: str
    how: How
    categories: list[str] = field(default_factory=list)
    gaps: bool = False
    note: str = ""

    def config(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    @property
    def detail(self) -> str:
        """In words, for a table of columns."""
        if self.how == "dropped":
            return f"left out: {self.note}"
        if self.how in ("one-hot", "codes"):
            return f"{self.how} of {len(self.categories)} categories"
        if self.how == "pair":
            return f"{self.categories[0]} or {self.categories[1]}"
        return "number, and whether it is missing" if self.gaps else self.how

    @property
    def widths(self) -> tuple[int, int, int]:
        """Columns of quantities, of flags and of codes that it becomes."""
        numbers = {"number": 1, "date": 7}.get(self.how, 0)
        flags = {"boolean": 1, "pair": 1, "one-hot": len(self.categories)}.get(self.how, 0) + self.gaps
        return numbers, flags, int(self.how == "codes")

    def numbers(self, column: Column) -> list[Array]:
        """Columns of quantities, float64, NaN where a value is missing."""
        if self.how == "number":
            return [column.values]
        if self.how != "date":
            return []
        turns = [column.values / period % 1.0 for period in (DAY, WEEK, YEAR)]  # 0 to the bit where there are only days
        waves = [wave(2.0 * np.pi * turn) for turn in turns for wave in (np.sin, np.cos)]
        return [column.values, *waves]

    def flags(self, column: Column) -> list[Array]:
        """Columns that say yes or no: -1 and 1 of two values with 0 where it is missing, else 0 and 1."""
        found: list[Array] = []
        if self.how == "boolean":
            found.append(np.nan_to_num(2.0 * column.values - 1.0))
        elif self.how == "pair":
            found.append(2.0 * self._is(column, 1) - 1.0 + self._is_other(column))
        elif self.how == "one-hot":
            codes = self.codes(column)
            found += [(codes == code).astype(np.float64) for code in range(1, len(self.categories) + 1)]
        if self.gaps:
            found.append(column.missing.astype(np.float64))
        return found

    def codes(self, column: Column) -> Array:
        """Number of each row's category from 1, 0 for one that is missing or was never seen."""
        places = {category: code for code, category in enumerate(self.categories, start=1)}
        return np.array([places.get(value, 0) for value in column.values], np.float64)

    def _is(self, column: Column, place: int) -> Array:
        return np.array([value == self.categories[place] for value in column.values], np.float64)

    def _is_other(self, column: Column) -> Array:
        """1 for a value that is neither of the two, so that the sum in `flags` is 0."""
        return np.array([value not in self.categories for value in column.values], np.float64)

    def convert(self, column: Column) -> Column:
        """A column of another kind as one of this, where values allow it; else it is refused by name."""
        if column.kind == self.kind or self.how == "dropped":  # of which nothing is used
            return column
        if column.missing.all():
            empty: Array = np.full(len(column.values), np.nan)
            return Column(self.name, self.kind, np.full(len(empty), None) if self.kind == "category" else empty)  # type: ignore[arg-type]
        if self.kind == "category" and column.kind != "date":
            return column.as_category()
        if self.kind in ("number", "boolean") and column.kind in ("number", "boolean"):
            values = column.values
            if self.kind == "boolean" and not np.isin(values[~np.isnan(values)], (0.0, 1.0)).all():
                raise ValueError(f"column {self.name!r}: expected true or false, got other numbers")
            return Column(self.name, self.kind, values)  # type: ignore[arg-type]
        raise ValueError(
            f"column {self.name!r}: expected values of kind {self.kind}, as in training, got {column.kind}"
        )


def encode(column: Column, one_hot: int, most: int) -> Encoding:
    """Look at the training values of a column and choose.

    Parameters
    ----------
    column : Column
    one_hot : int
        Categories up to so many are one-hot, more become codes.
    most : int
        Categories of which each is told apart; of more, the commonest are.
    """
    missing = column.missing
    there = column.values[~missing]
    if not len(there):
        return Encoding(column.name, column.kind, "dropped", note="no value is there")
    if column.kind == "category":
        counts = Counter(there.tolist())
        if len(counts) > 2:
            return _of_categories(column.name, counts, one_hot, most)
        categories = sorted(counts)
        if len(categories) == 1:
            if not missing.any():
                return Encoding(column.name, "category", "dropped", note=f"always {categories[0]}")
            return Encoding(column.name, "category", "one-hot", categories)
        return Encoding(column.name, "category", "pair", categories)
    constant = bool(there.min() == there.max())
    if constant and not missing.any():
        return Encoding(column.name, column.kind, "dropped", note=f"always {there[0]:g}")
    how: How = column.kind
    return Encoding(column.name, column.kind, how, gaps=bool(missing.any()) and column.kind != "boolean")


def _of_categories(name: str, counts: Counter[str], one_hot: int, most: int) -> Encoding:
    if len(counts) <= one_hot:
        return Encoding(name, "category", "one-hot", sorted(counts))
    common = [category for category, count in counts.most_common(most) if count > RARE]
    if not common:
        return Encoding(name, "category", "dropped", note="every value is another, as of a name or a number of a row")
    return Encoding(name, "category", "codes" if one_hot < most else "one-hot", sorted(common))
