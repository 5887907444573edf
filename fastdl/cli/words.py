"""What a cell of text says: nothing, a number, yes or no, or something else."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

MISSING = frozenset({"", "?", "-", "--", ".", "na", "n/a", "n.a.", "nan", "null", "none", "#n/a", "<na>", "nat"})
TRUTH = {"true": 1.0, "false": 0.0}
BITS = {0.0: 0.0, 1.0: 1.0}
LONGEST = 60  # characters of a cell that are printed

SIGN = r"[-+\u2212\u2013]?\s?"
MONEY = r"(?:[$\u20ac\u00a3\u00a5\u20b9]|USD|EUR|GBP|CHF|JPY|Rs\.?)"
# What people write beside a number or around it, and float() does not read.
BESIDE = re.compile(rf"{SIGN}(?:{MONEY}\s?{SIGN})?(?P<core>.*?)\s?(?:[%\u2030]|{MONEY})?")
# 12 and 1.5 and 1,5 and ,5 and 1,5e3
CORE = r"(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?"
# 1,234.5 and 1.234,5 and 1 234 and 1'234 and 1_234 and 1,23,456
BLANKS = " \u00a0\u202f\u2009"
GROUPS = rf"\d{{1,3}}(?:[.,'\u2019_{BLANKS}]\d{{3}})+(?:[.,]\d+)?|\d{{1,2}}(?:,\d\d)+,\d{{3}}(?:\.\d+)?"
NUMBER = re.compile(rf"{CORE}|{GROUPS}")
CODE = re.compile(r"0\d+")  # 01 and 007, where the zeros mean something
UNIT = re.compile(rf"{SIGN}(?:{CORE}|{GROUPS})\s?[^\W\d_][^\d]{{0,9}}")


def is_missing(cell: str) -> bool:
    """Whether a cell stands for no value."""
    return cell.lower() in MISSING


def to_number(cell: str) -> float | None:
    """The number in a cell, NaN for a missing one, None for text."""
    cell = cell.strip()
    if cell.lower() in MISSING:
        return math.nan
    if "_" in cell:
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def is_code(word: str) -> bool:
    """Whether a word is digits behind a zero, as of a postcode, not of a quantity."""
    return CODE.fullmatch(word) is not None


def to_truth(word: str) -> float | None:
    """1 for true or 1, 0 for false or 0, in any case; None for anything else."""
    number = to_number(word)
    return TRUTH.get(word.lower()) if number is None else BITS.get(number)


def is_misspelt(word: str) -> bool:
    """Whether a word that is no number to `to_number` is one to people: 1,5 or 1'234 or 12 % or $5 or (12) or '5."""
    word = word.removeprefix("'")
    if word.startswith("(") and word.endswith(")"):
        word = word[1:-1]
    found = BESIDE.fullmatch(word)
    return found is not None and NUMBER.fullmatch(found["core"]) is not None


def has_unit(word: str) -> bool:
    """Whether a word is a number with letters behind it: 12 kg."""
    return UNIT.fullmatch(word) is not None


def are_codes(words: Iterable[str]) -> bool:
    """Whether words that look like 192.168.100.200 or 555 123 456 are addresses or telephone numbers.

    Amounts have as many groups of three digits as they need; these have the same number, all of them full.
    """
    split = [re.split(rf"[.{BLANKS}]", word) for word in words]
    sizes = {len(groups) for groups in split}
    if len(sizes) != 1 or not all(group.isdigit() for groups in split for group in groups):
        return False
    if sizes == {4} and all(int(group) < 256 for groups in split for group in groups):
        return True
    return min(sizes) > 2 and all(len(groups[0]) == 3 for groups in split)


def shown(text: str) -> str:
    """A cell as messages quote it."""
    return repr(text if len(text) <= LONGEST else text[: LONGEST - 4] + " ...")


def listed(names: Iterable[str], most: int = 8) -> str:
    """Some names, with the number of those that are left out."""
    every = list(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(map(shown, every[:most])) + more
