"""Text files of numbers: which delimiter, is there a header, which columns are numbers."""

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

# In the order of preference where several fit: a comma may stand for a decimal point, blanks may follow a comma.
DELIMITERS = ("\t", ";", ",")
MISSING = frozenset({"", "?", "-", "na", "n/a", "nan", "null", "none"})
SAMPLE = 64
BLOCK = 4096

Row = tuple[int, list[str]]  # the line's number, its cells


def read_delimited(path: str, target: str | None, with_target: bool) -> Table:
    """Read a text file, packed by gzip or not, into a table."""
    try:
        with open_text(path) as file:
            return _read(path, file, target, with_target)
    except csv.Error as error:
        raise ValueError(f"{path}: {error}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path}: not a whole gzip file ({error})") from error


def open_text(path: str) -> IO[str]:
    """Open a text file; whether it is packed is read from its first bytes, not from its name."""
    with open(path, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    raw = gzip.open(path, "rb") if packed else open(path, "rb")  # noqa: SIM115 - the wrapper below owns it
    return io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")


def _read(path: str, file: IO[str], target: str | None, with_target: bool) -> Table:
    head = list(islice(file, SAMPLE))
    delimiter = find_delimiter(head)
    rows = split_rows(chain(head, file), delimiter)
    sample = list(islice(rows, SAMPLE))
    if not sample:
        raise ValueError(f"{path}: the file is empty")
    first = [cell.strip() for cell in sample[0][1]]
    named = is_header(first, [cells for _, cells in sample[1:]])
    if named:
        sample = sample[1:]
        names = header_names(path, first)
    else:
        names = [f"x{place}" for place in range(len(first))]
    kept = None
    if with_target:
        kept = len(names) - 1 if target is None else find_name(names, target, path)
    columns = [ColumnReader(name, keep_text=place == kept) for place, name in enumerate(names)]
    lines = array("q")
    for block in blocks(chain(sample, rows)):
        for line, cells in block:
            if len(cells) != len(names):
                raise ValueError(f"{path}: line {line} has {len(cells)} values, expected {len(names)}")
            lines.append(line)
        for column, down in zip(columns, zip(*(cells for _, cells in block), strict=True), strict=True):
            column.add(down)
    if not lines:
        raise ValueError(f"{path}: there is a header but no rows")
    return Table(path, [column.finish() for column in columns], len(lines), named, kept, lines)


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


def find_delimiter(head: list[str]) -> str | None:
    """The delimiter that cuts the first lines into equally many cells; None for blanks."""
    lines = [line for line in head if line.strip()]
    for delimiter in DELIMITERS:
        # The last line of the sample may be cut inside a quoted cell.
        widths = {len(cells) for cells in csv.reader(lines, delimiter=delimiter, skipinitialspace=True)}
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
    counted = len(numbers) > 2 and numbers in ([str(n + start) for n in range(len(numbers))] for start in (0, 1))
    if not words:
        return counted and len(numbers) > 3
    # Words above words: names differ from all that stands below them, and no number stands beside them.
    fresh = all(first[place] not in [cells[place].strip() for cells in below if place < len(cells)] for place in words)
    return fresh and (counted or not numbers)


def header_names(path: str, first: list[str]) -> list[str]:
    """The names in a header; nameless columns get x and their position."""
    # NumPy's savetxt starts its header with "# ".
    names = [first[0].removeprefix("#").strip(), *first[1:]]
    names = [name or f"x{place}" for place, name in enumerate(names)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{path}: several columns are called {', '.join(map(repr, twice))}; names must differ")
    return names
