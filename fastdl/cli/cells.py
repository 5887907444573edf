"""A column of text, read as numbers, as dates, as yes and no, or as words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from fastdl.cli.console import warn
from fastdl.cli.dates import to_seconds
from fastdl.cli.words import is_missing, is_misspelt, shown, to_number, to_truth
from fastdl.tables.column import Column, Kind

MISSPELT = (
    "write numbers like 1234.5: with a point, not a comma, without thousands separators, and with nothing beside them,"
    " no % and no currency"
)
INFINITE = "holds an infinite number: leave such cells empty"


class Cells:
    """The cells of a column, stripped, and where they stand.

    Parameters
    ----------
    name : str
    text : sequence of str
    where : callable of a row
        File and line, for messages.
    """

    def __init__(self, name: str, text: Sequence[str], where: Callable[[int], str]) -> None:
        self.name, self.text, self.where = name, text, where
        self.counts = Counter(text)
        for word in [word for word in self.counts if is_missing(word)]:
            del self.counts[word]

    def at(self, word: str) -> str:
        """Where a word stands first."""
        return f"{self.where(self.text.index(word))}: column {shown(self.name)} holds {shown(word)}"

    def numbers(self) -> Column:
        """As numbers. Other words are missing values, and are told; 1,5 and the like, and infinity, are refused."""
        values = {word: to_number(word) for word in self.counts}
        for word, value in values.items():
            if value is None and is_misspelt(word):
                raise ValueError(f"{self.at(word)}: {MISSPELT}")
            if value is not None and math.isinf(value):
                raise ValueError(f"{self.where(self.text.index(word))}: column {shown(self.name)} {INFINITE}")
        return self._column("number", values, "a number")

    def dates(self) -> Column:
        """As dates. Other words are missing values, and are told; impossible dates are refused."""
        values = {}
        for word in self.counts:
            try:
                values[word] = to_seconds(word)
            except ValueError as error:
                raise ValueError(f"{self.at(word)}, but there is no such day or time") from error
        return self._column("date", values, "a date like 2024-01-31")

    def truths(self) -> Column:
        """As yes and no. Other words are missing values, and are told."""
        values = {word: to_truth(word) for word in self.counts}
        return self._column("boolean", values, "true or false")

    def categories(self) -> Column:
        """As words."""
        words = [None if is_missing(word) else word for word in self.text]
        return Column(self.name, "category", np.array([*words, None], object)[:-1])

    def _column(self, kind: Kind, values: dict[str, float | None], expected: str) -> Column:
        strange = [word for word, value in values.items() if value is None]
        if strange and len(strange) == len(values):
            others = ", and no other cell holds one" if self.counts.total() > 1 else ""
            raise ValueError(f"{self.at(strange[0])}, where {expected} is expected{others}")
        if strange:
            more = sum(self.counts[word] for word in strange) - 1
            others = f", as do{'es' * (more == 1)} {more} more such cell{'s' * (more > 1)}" if more else ""
            warn(f"{self.at(strange[0])}, where {expected} is expected; it counts as missing{others}")
        found = [values.get(word) for word in self.text]
        return Column(self.name, kind, np.array([math.nan if value is None else value for value in found], np.float64))
