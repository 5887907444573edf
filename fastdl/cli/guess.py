"""What a column of text means, where nothing but its own cells can tell."""

from __future__ import annotations

import math
from collections import Counter

from fastdl.cli.cells import Cells
from fastdl.cli.console import warn
from fastdl.cli.dates import is_clock, is_date, is_doubtful, is_spelt
from fastdl.cli.words import TRUTH, are_codes, has_unit, is_code, is_misspelt, to_number
from fastdl.tables.column import Column

STRAY = 0.05  # of the cells: fewer that are no numbers, in a column of numbers, are slips
HALF = 0.5  # of the cells: where so many are numbers, taking all for words is told
AMBIGUOUS = {
    "doubtful": "which is the day and which the month? Write dates like 2024-01-31",
    "spelt": "if they are dates, write them like 2024-01-31",
    "clock": "if they are times, write hours or seconds as a number",
    "unit": "if they are quantities, write the numbers alone",
}


class Sorts:
    """How many of a column's cells are numbers, dates, and so on.

    Attributes
    ----------
    of : dict of str to str
        For each word "number", "misspelt", "date", "truth", "doubtful", "spelt", "clock",
        "unit" or "word".
    codes : bool
        Whether all are digits, some behind a zero: as postcodes are, of which 01 is not 1.
    """

    def __init__(self, cells: Cells) -> None:
        self.of = {word: sort_of(word) for word in cells.counts}
        misspelt = [word for word, sort in self.of.items() if sort == "misspelt"]
        if misspelt and are_codes(misspelt):
            self.of.update(dict.fromkeys(misspelt, "word"))
        self.codes = any(map(is_code, self.of)) and all(word.isdigit() for word in self.of)
        self._shares: Counter[str] = Counter()
        for word, sort in self.of.items():
            self._shares[sort] += cells.counts[word]
        self.total = self._shares.total()

    def share(self, *sorts: str) -> float:
        """The part of the cells that are of these sorts."""
        return sum(self._shares[sort] for sort in sorts) / max(self.total, 1)

    def all_but_slips(self, *sorts: str) -> bool:
        """Whether the cells are of these sorts, or so few are not that these must be slips."""
        return self.share(*sorts) > 1.0 - STRAY


def sort_of(word: str) -> str:
    """What a word looks like by itself."""
    if to_number(word) is not None:
        return "number"
    if word.lower() in TRUTH:
        return "truth"
    tests = {
        "date": is_date,
        "misspelt": is_misspelt,
        "doubtful": is_doubtful,
        "spelt": is_spelt,
        "clock": is_clock,
        "unit": has_unit,
    }
    return next((sort for sort, test in tests.items() if test(word)), "word")


def guess(cells: Cells, digits: bool = True) -> Column:
    """A column of the kind that its cells have.

    Parameters
    ----------
    cells : Cells
    digits : bool
        Whether digits make a number; where a file itself calls them text they don't.

    Raises
    ------
    ValueError
        If the words are numbers with decimal commas or thousands separators, dates that don't exist, or infinite.
    """
    sorts = Sorts(cells)
    if not cells.counts:
        return cells.numbers()
    if sorts.share("truth") == 1.0:
        return cells.truths()
    if sorts.all_but_slips("date"):
        return cells.dates()
    if sorts.share("number") == 1.0 and sorts.codes:
        return cells.categories()
    if sorts.all_but_slips("number", "misspelt") and (digits or sorts.share("misspelt") >= HALF):
        return cells.numbers()
    if digits:
        tell_of_words(cells, sorts)
    return cells.categories()


def tell_of_words(cells: Cells, sorts: Sorts) -> None:
    """Say so where what is taken for categories may have been meant as something else."""
    for what, kinds in (("numbers", ("number", "misspelt")), ("dates", ("date",))):
        if sorts.share(*kinds) >= HALF:
            odd = next(word for word, sort in sorts.of.items() if sort not in kinds)
            share = math.floor(100.0 * sorts.share(*kinds))
            warn(f"{cells.at(odd)}, and {share} % of its cells are {what}; it is taken for categories")
            return
    for sort, advice in AMBIGUOUS.items():
        if sorts.all_but_slips(sort):
            word = next(word for word, sort_of_word in sorts.of.items() if sort_of_word == sort)
            warn(f"{cells.at(word)} and the like, which are taken for categories: {advice}")
