"""Columns of words: categories, dates, and numbers that are not written as numbers should be."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence

import numpy as np

from fastdl.tables.column import Column

MISSING = frozenset({"", "?", "-", "na", "n/a", "nan", "null", "none"})
DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?Z?")
# 1,5 and 1.234,5 and 12,345 and 1'000: what people write and float() doesn't read.
GROUPED = re.compile(r"[-+]?\d{1,3}([.,' \u00a0\u2019]\d{3})+([.,]\d+)?|[-+]?\d+,\d+")
STRAY = 0.05  # of the words: fewer that are no numbers, in a column of numbers, are slips


def to_number(cell: str) -> float | None:
    """The number in a cell, NaN for a missing one, None for text."""
    cell = cell.strip()
    if cell.lower() in MISSING:
        return float("nan")
    if "_" in cell:
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def typed_text(name: str, text: Sequence[str], where: Callable[[int], str]) -> Column:
    """A column of words as what it means.

    Parameters
    ----------
    name : str
    text : sequence of str
        The cells.
    where : callable of a row
        File and line, for messages.

    Raises
    ------
    ValueError
        If the words are numbers with decimal commas or thousands separators.
    """
    there = {word for word in text if word.lower() not in MISSING}
    odd = {word for word in there if to_number(word) is None}
    grouped = {word for word in odd if GROUPED.fullmatch(word)}
    if grouped and len(grouped) == len(odd):
        row = next(row for row, word in enumerate(text) if word in grouped)
        raise ValueError(
            f"{where(row)}: column {name!r} holds {text[row]!r}: write numbers like 1234.5, with a point, not a comma,"
            " and without thousands separators"
        )
    if all(DATE.fullmatch(word) for word in there):
        days = [None if word.lower() in MISSING else word.rstrip("Z") for word in text]
        try:
            dates = np.array(days, "datetime64[us]")
        except ValueError as error:
            raise ValueError(f"column {name!r}: {error}") from error
        seconds = np.where(np.isnat(dates), np.nan, dates.astype(np.int64) / 1e6)
        return Column(name, "date", seconds)
    if not odd or len(odd) < STRAY * len(there):
        slips = [row for row, word in enumerate(text) if word in odd]
        if slips:
            warnings.warn(
                f"{where(slips[0])}: column {name!r} holds {text[slips[0]]!r} among numbers; it counts as missing, as"
                f" do {len(slips) - 1} more such cells",
                stacklevel=2,
            )
        values = [to_number(word) for word in text]
        return Column(name, "number", np.array([np.nan if v is None or np.isinf(v) else v for v in values]))
    cells = [None if word.lower() in MISSING else word for word in text]
    return Column(name, "category", np.array([*cells, None], object)[:-1])
