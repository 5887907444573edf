"""Text files: which delimiter, is there a header, which columns are numbers and which are text."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import chain, islice
from typing import IO

import numpy as np

from fastdl.cli.columns import Stored
from fastdl.cli.console import note, warn
from fastdl.cli.header import (
    COMMENT,
    commented_names,
    header_names,
    is_header,
    leading_comments,
    told_delimiter,
)
from fastdl.cli.lines import BLANKS, ONE, Row, find_delimiter, split_rows, stripped
from fastdl.cli.source import is_packed, open_text
from fastdl.cli.tables import Request, Table
from fastdl.cli.widths import check_widths, ragged
from fastdl.cli.words import is_code, listed, to_number
from fastdl.tables.column import Column

SAMPLE = 64
BLOCK = 4096


def read_delimited(path: str, request: Request) -> Table:
    """Read a text file, packed by gzip or not, into a table."""
    words: frozenset[int] = frozenset()
    while True:  # once more with the text of each column that turned out to hold words far below
        reader = Reader(path, request, words)
        with open_text(path) as file:
            table = reader.read(file)
        if table is not None:
            break
        words = reader.words
    if path.lower().endswith(".gz") and not is_packed(path):
        warn(f"{path} is called .gz, but it is not packed by gzip; it is read as plain text")
    return table


class Reader:
    """Reads one file: NumPy's parser takes the blocks of plain numbers, Python's all from the first other cell on."""

    def __init__(self, path: str, request: Request, words: frozenset[int] = frozenset()) -> None:
        self.path, self.request = path, request
        self.words = words  # columns whose text is kept from the first line on
        self.lines = array("q")  # of each row
        self.columns: list[ColumnReader] = []
        self.delimiter = ONE
        self.named = False
        self.header: list[str] = []  # its cells, where there is one of several columns
        self.trailing = False  # whether each line ends with a delimiter
        self.width = 0

    def read(self, file: IO[str]) -> Table | None:
        """The table; None when the text of columns in `words` is needed and was not kept."""
        head = list(islice(file, SAMPLE))
        above, names, sample = self._begin(head)
        target = self.request.target_of(names, self.path, self.named)
        kept = self.words | self.request.text_places(names, self.named) | wordy(sample, len(names))
        kept |= {target} if target is not None else set()
        self.columns = [ColumnReader(name, place in kept) for place, name in enumerate(names)]
        rest: Iterator[str] = chain(head[above:], file)
        if not kept - {target} and not self.trailing:
            rest, above = self._read_plain(rest, above, target)
        self._read_cells(rest, above)
        if not self.lines:
            raise ValueError(f"{self.path}: there is a header but no rows below it")
        late = frozenset(n for n, column in enumerate(self.columns) if column.text is None and column.word is not None)
        if late:
            self.words = self.words | late
            return None
        columns = [column.finish() for column in self.columns]
        return Table(self.path, columns, len(self.lines), self.named, target, self.lines)

    def _begin(self, head: list[str]) -> tuple[int, list[str], list[list[str]]]:
        """How many lines are above the rows, the names of the columns, and the cells of the first rows."""
        told = told_delimiter(head)
        comments = leading_comments(head)
        above = 1 if told else comments if comments < len(head) else 0
        body = head[above:]
        if comments == len(head) and head:  # a header as NumPy writes it, and nothing else
            body = [head[0].removeprefix(COMMENT), *head[1:]]
        self.delimiter = told or find_delimiter(body, self.request.fits)
        rows = split_rows(body, self.delimiter, self.path, above, strict=len(head) < SAMPLE)
        sample = [stripped(row) for row in rows]
        if not sample:
            raise ValueError(f"{self.path}: the file is empty")
        if len(head) == SAMPLE and len(sample) > 1:
            sample.pop()  # which may go on below
        pad_names(sample)
        check_widths(sample, self.path, self.delimiter)
        cells = [row.cells for row in sample]
        self.trailing = self._ends_with_delimiter(cells)
        if self.trailing:
            cells = [row[:-1] for row in cells]
        first, below = cells[0], cells[1:]
        commented = commented_names(head[:above], self.delimiter, cells) if comments and not told else None
        if commented is not None:
            self.named, line = True, above
            first, below = commented, cells
        else:
            self.named, line = self.request.is_header(first, below, is_header), sample[0].line
            above = sample[0].last if self.named else above
            if self.named and len(first) > 1:
                self.header = sample[0].cells
        self.width = len(first)
        nameless = [place for place, name in enumerate(first) if not name] if self.named else []
        if nameless and self.request.known is None and not self.words:
            called = listed(f"x{place}" for place in nameless)
            note(f"{self.path}: line {line}: a column without a name is called by its place, from 0: {called}")
        names = header_names(f"{self.path}: line {line}", first) if self.named else [f"x{n}" for n in range(self.width)]
        return above, names, below

    def _ends_with_delimiter(self, cells: list[list[str]]) -> bool:
        """Whether the last cells are empty because each line ends with a delimiter, and not for want of values."""
        if len(cells[0]) < 2 or len(cells) < 2 or any(row[-1] for row in cells):
            return False
        fits = self.request.fits
        return fits is None or self.request.is_header(cells[0], cells[1:], is_header) or not fits(cells[0])

    def _read_plain(self, lines: Iterator[str], above: int, target: int | None) -> tuple[Iterator[str], int]:
        """Read blocks of nothing but numbers; return the lines that remain, and how many are above them."""
        while block := list(islice(lines, BLOCK)):
            values = self._plain_numbers(block)
            text = None if values is None or target is None else self._plain_text(block, target)
            if values is None or (target is not None and text is None):
                return chain(block, lines), above
            numbers = range(above + 1, above + len(block) + 1)
            full = len(values) == len(block)
            self.lines.extend(n for n, line in zip(numbers, block, strict=True) if full or line.strip())
            for column, numbers_of_column in zip(self.columns, values.T, strict=True):
                column.numbers.append(numbers_of_column)
            if target is not None and text is not None:
                self.columns[target].text.extend(text)  # type: ignore[union-attr]
            above += len(block)
        return iter(()), above

    def _plain_numbers(self, block: list[str]) -> np.ndarray | None:
        """The numbers in lines (rows, width), or None if anything else is there."""
        if not any(line.strip() for line in block):
            return None if self.delimiter == ONE else np.empty((0, self.width))
        if self.delimiter == ONE and not all(line.strip() for line in block):
            return None  # where there is one column, a blank line is a missing value
        delimiter = None if self.delimiter == BLANKS else self.delimiter
        try:
            values = np.loadtxt(block, delimiter=delimiter, comments=None, ndmin=2)
        except ValueError:
            return None
        return values if values.shape[1] == self.width else None

    def _plain_text(self, block: list[str], place: int) -> list[str] | None:
        """The cells of one column in lines of nothing but numbers."""
        rows = [line for line in block if line.strip()]
        if self.delimiter == BLANKS:
            return [line.split()[place] for line in rows]
        if place == self.width - 1:  # as it mostly is
            return [line.rpartition(self.delimiter)[2].strip() for line in rows]
        return [line.split(self.delimiter, place + 1)[place].strip() for line in rows]

    def _read_cells(self, lines: Iterator[str], above: int) -> None:
        """Read the lines cell by cell."""
        rows = split_rows(lines, self.delimiter, self.path, above, begun=len(self.lines) > 0)
        width = self.width + self.trailing
        while block := list(islice(rows, BLOCK)):  # text takes far more memory than the numbers in it
            for row in block:
                if len(row.cells) != width:
                    raise ValueError(f"{self.path}: {ragged(row, width, self.delimiter)}")
                if row.cells[:1] == self.header[:1] and [cell.strip() for cell in row.cells] == self.header:
                    raise ValueError(f"{self.path}: line {row.line} has the names of the columns once more; remove it")
                if self.trailing and row.cells.pop().strip():
                    raise ValueError(
                        f"{self.path}: line {row.line} has a value behind the last delimiter, where the lines above end"
                    )
                self.lines.append(row.line)
            down = zip(*(row.cells for row in block), strict=True)
            for column, cells in zip(self.columns, down, strict=True):
                column.add(cells)


def pad_names(sample: list[Row]) -> None:
    """Give the names a last cell where all lines but theirs end with a delimiter."""
    names, rows = sample[0].cells, [row.cells for row in sample[1:]]
    if rows and all(len(cells) == len(names) + 1 and not cells[-1] for cells in rows):
        names.append("")


def wordy(sample: list[list[str]], width: int) -> frozenset[int]:
    """The places of columns in which some of the first cells are no plain numbers."""
    found = set()
    for place, cells in zip(range(width), zip(*sample, strict=True), strict=False):
        if any(to_number(cell) is None or (cell.startswith("0") and is_code(cell)) for cell in cells):
            found.add(place)
    return frozenset(found)


class ColumnReader:
    """Collects one column, block by block: as numbers while all cells are numbers or missing, or as text."""

    def __init__(self, name: str, keep_text: bool) -> None:
        self.name = name
        self.word: str | None = None
        self.numbers: list[np.ndarray] = []
        # Kept from the start where it may be wanted: "01" and "1" are different words but the same number.
        self.text: list[str] | None = [] if keep_text else None

    def add(self, cells: tuple[str, ...]) -> None:
        """Take the next cells."""
        if self.text is not None:
            self.text.extend(map(str.strip, cells))
            return
        if self.word is not None:
            return
        try:
            # float() takes 1_000 for a number, which in a table it is not.
            if "_" in "".join(cells):
                raise ValueError
            values = np.fromiter(map(float, [cell or "nan" for cell in cells]), np.float64, len(cells))
        except ValueError:
            values = np.empty(len(cells))
            for row, cell in enumerate(cells):
                number = to_number(cell)
                if number is None:
                    self.word = cell.strip()
                    self.numbers.clear()
                    return
                values[row] = number
        self.numbers.append(values)

    def finish(self) -> Stored:
        """The whole column."""
        if self.text is not None:
            return Stored(self.name, text=self.text)
        return Stored(self.name, Column(self.name, "number", np.concatenate(self.numbers)))
