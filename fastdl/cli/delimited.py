"""Text files: which delimiter, is there a header, which columns are numbers and which are words."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from array import array
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import IO

import numpy as np

from fastdl.cli.tables import Column, Table, find_name
from fastdl.cli.words import MISSING, to_number

# In the order of preference where several fit: a comma may stand for a decimal point, blanks may follow a comma.
DELIMITERS = ("\t", ";", ",")
SAMPLE = 64
BLOCK = 4096

Row = tuple[int, list[str]]  # the line's number, its cells


def read_delimited(path: str, target: str | None, with_target: bool) -> Table:
    """Read a text file, packed by gzip or not, into a table."""
    try:
        words: frozenset[int] = frozenset()
        table = None
        while table is None:  # once more with the text of each column that turned out to hold words
            reader = Reader(path, target, with_target, words)
            with open_text(path) as file:
                table = reader.read(file, fast=not words)
            words = reader.words
    except csv.Error as error:
        raise ValueError(f"{path}: {error}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: {wrong_encoding(path)}") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path}: not a whole gzip file ({error})") from error
    return table


def open_text(path: str) -> IO[str]:
    """Open a text file; whether it is packed, and whether it is UTF-16, is read from its first bytes."""
    raw = open_bytes(path)
    start = raw.peek(2)[:2]
    encoding = "utf-16" if start in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return io.TextIOWrapper(raw, encoding=encoding, newline="")


def open_bytes(path: str) -> io.BufferedReader:
    """Open a file, unpacked if it was packed by gzip."""
    with open(path, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    if packed:
        return io.BufferedReader(gzip.open(path, "rb"))
    return open(path, "rb")


def wrong_encoding(path: str) -> str:
    """Where a file stops being UTF-8, and what it may be."""
    with open_bytes(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8-sig")
            except UnicodeDecodeError as error:
                before = line[: error.start].decode("utf-8-sig")
                column = max(map(before.count, DELIMITERS)) + 1
                guess = line.decode("cp1252", "replace").strip()[:60]
                return (
                    f"not UTF-8 text: line {number}, column {column} has the byte 0x{line[error.start]:02x}; if it"
                    f" should read {guess!r}, convert it: iconv -f cp1252 -t utf-8 FILE > NEW.csv"
                )
    return "not UTF-8 text; save it as UTF-8"


class Reader:
    """Reads one file: NumPy's parser takes the blocks of plain numbers, Python's all from the first other cell on."""

    def __init__(self, path: str, target: str | None, with_target: bool, words: frozenset[int] = frozenset()) -> None:
        self.path, self.target, self.with_target = path, target, with_target
        self.words = words  # columns whose text is kept from the first line on
        self.lines = array("q")  # of each row
        self.columns: list[ColumnReader] = []

    def read(self, file: IO[str], fast: bool) -> Table | None:
        """The table; None when the text of columns in `words`, or of the target, is needed and was not kept."""
        head = list(islice(file, SAMPLE))
        head[:1] = [line.removeprefix("#") for line in head[:1]]  # NumPy's savetxt puts one before its header
        delimiter = find_delimiter(head)
        sample = list(split_rows(head, delimiter))
        if not sample:
            raise ValueError(f"{self.path}: the file is empty")
        end_of_header, first = sample[0][0], [cell.strip() for cell in sample[0][1]]
        named = is_header(first, [cells for _, cells in sample[1:]])
        names = header_names(self.path, first) if named else [f"x{place}" for place in range(len(first))]
        kept = None
        if self.with_target:
            kept = len(names) - 1 if self.target is None else find_name(names, self.target, self.path)
        self.columns = [ColumnReader(name, place == kept or place in self.words) for place, name in enumerate(names)]
        above = end_of_header if named else 0
        rest: Iterator[str] = chain(head[above:], file)
        plain = 0
        if fast:
            rest, above = self._read_plain(rest, delimiter, above)
            plain = len(self.lines)
        self._read_cells(rest, delimiter, above)
        if not self.lines:
            raise ValueError(f"{self.path}: there is a header but no rows")
        wordy = frozenset(place for place, column in enumerate(self.columns) if column.word is not None)
        if any(self.columns[place].text is None for place in wordy) or (plain and kept in wordy):
            self.words = wordy
            return None
        columns = [column.finish() for column in self.columns]
        return Table(self.path, columns, len(self.lines), named, kept, self.lines)

    def _read_plain(self, lines: Iterator[str], delimiter: str | None, above: int) -> tuple[Iterator[str], int]:
        """Read blocks of nothing but numbers; return the lines that remain, and how many are above them."""
        while block := list(islice(lines, BLOCK)):
            values = plain_numbers(block, delimiter, len(self.columns))
            if values is None:
                return chain(block, lines), above
            numbers = range(above + 1, above + len(block) + 1)
            full = len(values) == len(block)
            self.lines.extend(n for n, line in zip(numbers, block, strict=True) if full or line.strip())
            for column, numbers_of_column in zip(self.columns, values.T, strict=True):
                column.numbers.append(numbers_of_column)
            above += len(block)
        return iter(()), above

    def _read_cells(self, lines: Iterator[str], delimiter: str | None, above: int) -> None:
        """Read the lines cell by cell."""
        for block in blocks(split_rows(lines, delimiter)):
            for line, cells in block:
                if len(cells) != len(self.columns):
                    raise ValueError(
                        f"{self.path}: line {above + line} has {len(cells)} values, expected {len(self.columns)}"
                    )
                self.lines.append(above + line)
            for column, down in zip(self.columns, zip(*(cells for _, cells in block), strict=True), strict=True):
                column.add(down)


def plain_numbers(block: list[str], delimiter: str | None, width: int) -> np.ndarray | None:
    """The numbers in lines (rows, width), or None if anything else is there."""
    if not any(line.strip() for line in block):
        return np.empty((0, width))
    try:
        values = np.loadtxt(block, delimiter=delimiter, comments=None, ndmin=2)
    except ValueError:
        return None
    return values if values.shape[1] == width else None


class ColumnReader:
    """Collects one column, block by block: as numbers while all cells are numbers or missing, then as text."""

    def __init__(self, name: str, keep_text: bool) -> None:
        self.name = name
        self.word: str | None = None
        self.numbers: list[np.ndarray] = []
        # Kept from the start where it may be wanted: "01" and "1" are different words but the same number.
        self.text: list[str] | None = [] if keep_text else None

    def add(self, cells: tuple[str, ...]) -> None:
        """Take the next cells."""
        if self.text is not None:
            self.text.extend(cell.strip() for cell in cells)
        if self.word is not None:
            return
        try:
            # float() takes 1_000 for a number, which in a table it is not.
            if "_" in "".join(cells):
                raise ValueError
            values = np.fromiter(map(float, cells), np.float64, len(cells))
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

    def finish(self) -> Column:
        """The whole column."""
        if self.word is not None:
            return Column(self.name, text=self.text, word=self.word)
        return Column(self.name, np.concatenate(self.numbers))


def find_delimiter(head: list[str]) -> str | None:
    """The delimiter that cuts the first lines into equally many cells; None for blanks."""
    lines = [line for line in head if line.strip()]
    for delimiter in DELIMITERS:
        rows = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
        widths = {len(cells) for cells in rows[:-1] or rows}  # a quoted cell of the last may go on after the sample
        if len(widths) == 1 and widths != {1}:
            return delimiter
    if len({len(line.split()) for line in lines}) == 1 and not any(d in line for line in lines for d in DELIMITERS):
        return None
    # Nothing fits: the likeliest, so that the line that breaks the rule can be named.
    return max(DELIMITERS, key=lambda delimiter: sum(line.count(delimiter) for line in lines))


def split_rows(lines: Iterable[str], delimiter: str | None) -> Iterator[Row]:
    """The cells of each line that isn't blank."""
    if delimiter is None:
        for number, line in enumerate(lines, start=1):
            cells = line.split()
            if cells:
                yield number, cells
        return
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    for cells in reader:
        if cells and (len(cells) > 1 or cells[0].strip()):
            yield reader.line_num, cells


def blocks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """The rows, some thousands at a time: text takes far more memory than the numbers in it."""
    while block := list(islice(rows, BLOCK)):
        yield block


def is_header(first: list[str], below: list[list[str]]) -> bool:
    """Whether the first line holds names: some word stands above numbers, or the names are 0, 1, 2, ... themselves."""
    if not below:
        return all(to_number(cell) is None for cell in first)
    words = [place for place, cell in enumerate(first) if to_number(cell) is None]
    for place in words:
        column = [cells[place] for cells in below if place < len(cells) and cells[place].strip().lower() not in MISSING]
        if 2 * sum(to_number(cell) is not None for cell in column) > len(column):
            return True
    numbers = [cell for place, cell in enumerate(first) if place not in words]
    counted = len(numbers) > 1 and numbers in ([str(n + start) for n in range(len(numbers))] for start in (0, 1))
    if not words:
        return counted and len(numbers) > 3
    # Words above words: names differ from all that stands below them, and no number stands beside them.
    fresh = all(first[place] not in [cells[place].strip() for cells in below if place < len(cells)] for place in words)
    return fresh and (counted or not numbers)


def header_names(path: str, first: list[str]) -> list[str]:
    """The names in a header; nameless columns get x and their position."""
    names = [name or f"x{place}" for place, name in enumerate(first)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{path}: several columns are called {', '.join(map(repr, twice))}; names must differ")
    return names
