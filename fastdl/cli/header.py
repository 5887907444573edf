"""Whether a text file's first row holds names, and which."""

from __future__ import annotations

import re
from collections import defaultdict

from fastdl.cli.lines import BLANKS, ONE, first_cells
from fastdl.cli.words import is_missing, shown, to_number

COMMENT = "#"
DECIMAL = re.compile(r"[-+]?\d*\.\d+(?:[eE][-+]?\d+)?")
EXCEL = "sep="  # how Excel tells a delimiter


def leading_comments(head: list[str]) -> int:
    """How many lines at the top begin with #."""
    return next((n for n, line in enumerate(head) if not line.startswith(COMMENT)), len(head))


def commented_names(lines: list[str], delimiter: str, below: list[list[str]]) -> list[str] | None:
    """The names in the last of the lines with a # that are on top; None where it is just a comment.

    NumPy's savetxt writes names so.
    """
    if not lines or not below or is_header(below[0], below[1:]):
        return None
    cells = first_cells([lines[-1].removeprefix(COMMENT)], delimiter if len(below[0]) > 1 else ONE)
    return cells if len(cells) == len(below[0]) and all(to_number(cell) is None for cell in cells) else None


def told_delimiter(head: list[str]) -> str | None:
    """The delimiter that a first line like sep=; tells."""
    first = head[0].rstrip("\r\n").strip('"') if head else ""
    found = first.removeprefix(EXCEL)
    return found if first.lower().startswith(EXCEL) and found in (";", ",", "\t", BLANKS, "|") else None


def is_header(first: list[str], below: list[list[str]]) -> bool:
    """Whether the first row holds names.

    It does where a word stands above numbers, where the names are 0, 1, 2, ..., or where all are words that do not
    occur below them; it does not where decimals are in it, unless they are in order, as wavelengths are.
    """
    if not below:
        return all(to_number(cell) is None for cell in first)
    words = [place for place, cell in enumerate(first) if to_number(cell) is None]
    decimals = [float(cell) for cell in first if DECIMAL.fullmatch(cell)]
    ordered = len(decimals) > 2 and decimals == sorted(set(decimals))
    if decimals and not ordered:
        return False
    for place in words:
        # A row of the same names again is no reason to take these for values: files were joined.
        there = [cells for cells in below if place < len(cells) and cells != first]
        column = [cells[place] for cells in there if not is_missing(cells[place])]
        if 2 * sum(to_number(cell) is not None for cell in column) > len(column) and first[place] not in column:
            return True
    numbers = [cell for place, cell in enumerate(first) if place not in words]
    counted = len(numbers) > 1 and numbers in ([str(n + start) for n in range(len(numbers))] for start in (0, 1))
    if not words:
        return counted and len(numbers) > 3
    # Words above words: names differ from all that stands below them, and no number stands beside them.
    fresh = all(first[place] not in [cells[place] for cells in below if place < len(cells)] for place in words)
    return fresh and (counted or len(decimals) == sum(map(bool, numbers)))


def header_names(where: str, first: list[str]) -> list[str]:
    """The names in a header; nameless columns get x and their place."""
    names = [name or f"x{place}" for place, name in enumerate(first)]
    places = defaultdict(list)
    for place, name in enumerate(names, start=1):
        places[name].append(place)
    for name, of_name in places.items():
        if len(of_name) > 1:
            counted = " and ".join(filter(None, (", ".join(map(str, of_name[:-1][:8])), str(of_name[-1]))))
            raise ValueError(f"{where}: columns {counted} are all called {shown(name)}; give each a name of its own")
    return names
