"""A column as a file has it, and what it becomes as one of a kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fastdl.cli.cells import INFINITE, Cells
from fastdl.cli.console import warn
from fastdl.cli.dates import are_compact, to_text
from fastdl.cli.guess import guess
from fastdl.cli.words import shown
from fastdl.tables.column import Column, Kind

Wanted = Kind | Literal["any", "unused"]
Where = Callable[[int], str]  # a row -> its file and line


@dataclass
class Stored:
    """A column before anybody has said what it means.

    Attributes
    ----------
    name : str
    typed : Column or None
        Its values, where the file tells their kind or they are numbers all.
    text : sequence of str or None
        Its cells; one of the two is there.
    digits : bool
        Whether digits in text may be numbers: not where the file itself calls them text.
    """

    name: str
    typed: Column | None = None
    text: Sequence[str] | None = None
    digits: bool = True

    def cells(self, where: Where) -> Cells:
        """Its text, of which there must be some."""
        assert self.text is not None
        return Cells(self.name, self.text, where)

    def of_kind(self, kind: Wanted, where: Where) -> Column:
        """The column as one of a kind, "any" that it seems to be of; what can't be read so is refused by line."""
        if kind == "unused":
            rows = len(self.typed.values if self.typed is not None else self.text or ())
            return Column(self.name, "number", np.full(rows, np.nan))
        if self.typed is not None:
            return convert(self.typed, kind, where)
        cells = self.cells(where)
        if kind == "any":
            return guess(cells, self.digits)
        read = {"number": cells.numbers, "boolean": cells.truths, "date": cells.dates, "category": cells.categories}
        return read[kind]()


def convert(column: Column, kind: Wanted, where: Where) -> Column:
    """Values of one kind as those of another."""
    if column.kind in ("number", "boolean"):
        endless = np.flatnonzero(np.isinf(column.values))
        if endless.size:
            raise ValueError(f"{where(int(endless[0]))}: column {shown(column.name)} {INFINITE}")
    if kind == "any" and column.kind == "number" and are_compact(column.values):
        first = int(np.flatnonzero(~np.isnan(column.values))[0])
        warn(
            f"{where(first)}: column {shown(column.name)} holds {column.values[first]:.0f} and the like, which are"
            " taken for numbers: if they are dates, write them like 2024-01-31"
        )
    if kind in ("any", column.kind):
        return column
    if kind == "category":
        if column.kind != "date":
            return column.as_category()
        texts = [text or None for text in to_text(column.values.tolist())]
        return Column(column.name, "category", np.array([*texts, None], object)[:-1])
    there = np.flatnonzero(~np.isnan(column.values))
    wrong = there
    if kind == "number" and column.kind == "boolean":
        wrong = there[:0]
    elif kind == "boolean" and column.kind == "number":
        wrong = there[~np.isin(column.values[there], (0.0, 1.0))]
    if wrong.size:
        expected = {"number": "a number", "boolean": "true or false", "date": "a date"}[kind]
        raise ValueError(
            f"{where(int(wrong[0]))}: column {shown(column.name)} holds a {column.kind}, where {expected} is expected,"
            " as in training"
        )
    return Column(column.name, kind, column.values)  # type: ignore[arg-type]
