"""Lines of a text file as rows of cells: which delimiter, which quotes."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from fastdl.cli.words import shown

# In the order of preference where several fit: a comma may stand for a decimal point, blanks may follow a comma.
DELIMITERS = ("\t", ";", ",", "|")
BLANKS = " "
ONE = "\x1f"  # the delimiter of a file of one column: no text holds it
TWICE = "a quote within a quoted cell is written twice"
csv.field_size_limit(2**31 - 1)


class Row(NamedTuple):
    """A row, and the first and the last of its lines."""

    line: int
    last: int
    cells: list[str]


def find_delimiter(head: list[str], fits: Callable[[list[str]], bool] | None = None) -> str:
    """The delimiter that cuts the first lines into equally many cells, or the very first into such as `fits` takes."""
    lines = [line for line in head if line.strip()]
    if fits is not None:
        cut = any(delimiter in line for line in lines[:1] for delimiter in DELIMITERS)
        for delimiter in (*DELIMITERS, BLANKS, *([] if cut else [ONE])):
            first = first_cells(lines, delimiter)
            if (len(first) > 1 or delimiter == ONE) and fits(first):
                return delimiter
    for delimiter in DELIMITERS:
        rows = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
        widths = {len(cells) for cells in rows[:-1] or rows}  # a quoted cell of the last may go on after the sample
        if len(widths) == 1 and widths != {1}:
            return delimiter
    if not any(delimiter in line for line in lines for delimiter in DELIMITERS):
        widths = {len(line.split()) for line in lines}
        return BLANKS if len(widths) == 1 and widths != {1} else ONE
    # Nothing fits: the likeliest, so that the line that breaks the rule can be named.
    return max(DELIMITERS, key=lambda delimiter: sum(line.count(delimiter) for line in lines))


def first_cells(lines: list[str], delimiter: str) -> list[str]:
    """The cells of the first row, whose quotes may not be closed here."""
    if delimiter == BLANKS:
        return lines[0].split() if lines else []
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    return [cell.strip() for cell in next(reader, [])]


def stripped(row: Row) -> Row:
    """A row without blanks around its cells."""
    return row._replace(cells=[cell.strip() for cell in row.cells])


def split_rows(
    lines: Iterable[str], delimiter: str, source: str, above: int = 0, begun: bool = False, strict: bool = True
) -> Iterator[Row]:
    """The cells of each line that isn't blank; blanks behind a cell are still there.

    Parameters
    ----------
    lines : iterable of str
    delimiter : str
    source : str
        The file, for messages.
    above : int
        Lines above the first.
    begun : bool
        Whether there is a row above. A blank line between rows of one column is a missing value.
    strict : bool
        Whether quotes have to be closed: not in a sample.
    """
    if delimiter == BLANKS:
        for number, line in enumerate(lines, start=above + 1):
            refuse_nul(line, source, number, delimiter)
            if cells := line.split():
                yield Row(number, number, cells)
        return
    recent: list[str] = []  # the lines of the row that is being read
    padded = re.compile(rf'"[ \t]+(?=[{re.escape(delimiter)}\r\n]|$)')

    def remembered() -> Iterator[str]:
        for number, line in enumerate(lines, start=above + 1):
            refuse_nul(line, source, number, delimiter)
            if '" ' in line:
                line = padded.sub('"', line)  # blanks between a closing quote and the delimiter mean nothing
            recent.append(line)
            yield line

    reader = csv.reader(remembered(), delimiter=delimiter, skipinitialspace=True, strict=strict)
    blank: list[Row] = []
    try:
        for cells in reader:
            last = above + reader.line_num
            row = Row(last - len(recent) + 1, last, cells)
            if len(cells) < 2 and len(recent) == 1 and not recent[0].strip():
                if delimiter == ONE and begun:
                    blank.append(Row(last, last, [""]))
            else:
                yield from blank
                blank.clear()
                begun = True
                yield row
            recent.clear()
    except csv.Error as error:
        first = above + reader.line_num - len(recent) + 1
        raise ValueError(f"{source}: {quoting(recent, delimiter, first) or f'line {first}: {error}'}") from error


def quoting(lines: list[str], delimiter: str, first: int) -> str | None:
    """What is wrong with the quotes of a row that begins in line `first`."""
    opened = ""
    column = 1
    fresh = True  # at the start of a cell, where a quote opens one
    for number, line in enumerate(lines, start=first):
        text, place = line.rstrip("\r\n"), 0
        while place < len(text):
            letter, following = text[place], text[place + 1 : place + 2]
            if letter == '"' and opened and following == '"':
                place += 1
            elif letter == '"' and opened:
                if following not in ("", delimiter):
                    rest = shown(text[max(0, place - 20) : place + 20].strip())
                    return f"{opened}, and goes on behind the closing one in line {number}: {rest}; {TWICE}"
                opened = ""
            elif letter == '"' and fresh:
                opened = f"line {number}, column {column}: a quote opens a cell"
            elif letter == delimiter and not opened:
                column += 1
            fresh = letter == delimiter or (fresh and letter == " ")
            place += 1
    return f"{opened} and is never closed; {TWICE}" if opened else None


def refuse_nul(line: str, source: str, number: int, delimiter: str) -> None:
    """Refuse what no text holds."""
    if "\0" in line:
        column = 1 if delimiter == BLANKS else line[: line.index("\0")].count(delimiter) + 1
        raise ValueError(
            f"{source}: line {number}, column {column} holds a NUL byte, which no text does: the file is damaged, or"
            " not in UTF-8"
        )
