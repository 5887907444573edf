"""Tables, read from a file: what `train`, `predict` and `evaluate` start from."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from fastdl.cli.columns import Stored, Wanted
from fastdl.cli.words import listed, shown, to_number
from fastdl.tables import Frame

TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".dat", ".data")
PARQUET_SUFFIXES = (".parquet", ".pq")
READABLE = ".csv, .csv.gz, .tsv, .parquet, .npz, or the word digits"


class Reading(Protocol):
    """What is known of a file's columns before it is read."""

    def fits(self, cells: Sequence[str]) -> bool:
        """Whether these may be the cells of its first row."""
        ...

    def is_header(self, first: Sequence[str]) -> bool:
        """Whether the cells of the first row are names."""
        ...

    def text_places(self, names: Sequence[str], named: bool) -> set[int]:
        """The columns whose text is wanted."""
        ...

    def target_of(self, names: Sequence[str], source: str, named: bool) -> int:
        """Where the target is."""
        ...

    @property
    def target(self) -> str:
        """Its name."""
        ...


@dataclass
class Request:
    """What of a file is wanted.

    Attributes
    ----------
    target : str, optional
        The target column, by name or number; by default the last one.
    with_target : bool
        False where no target is wanted, as in `predict`.
    known : Reading, optional
        What a model expects of the columns; by default they are looked at.
    """

    target: str | None = None
    with_target: bool = True
    known: Reading | None = None

    @property
    def fits(self) -> Callable[[list[str]], bool] | None:
        """A test of the first row's cells."""
        return None if self.known is None else self.known.fits

    def is_header(
        self, first: list[str], below: list[list[str]], looks_so: Callable[[list[str], list[list[str]]], bool]
    ) -> bool:
        """Whether the first row holds names: surely where one is the target's, which no number is."""
        if self.known is not None:
            return self.known.is_header(first)
        asked = self.target is not None and to_number(self.target) is None and self.target in first
        return asked or looks_so(first, below)

    def text_places(self, names: list[str], named: bool) -> set[int]:
        """The columns whose text is wanted, besides that of the target."""
        return set() if self.known is None else self.known.text_places(names, named)

    def target_of(self, names: list[str], source: str, named: bool) -> int | None:
        """Where the target is; None where none is wanted."""
        if not self.with_target:
            return None
        if self.known is not None:
            return self.known.target_of(names, source, named)
        return len(names) - 1 if self.target is None else find_name(names, self.target, source)


@dataclass
class Table:
    """Columns of the same length.

    `named` tells whether the names come from the file; else they are x0, x1, ... and only places mean anything.
    `target` is the place of the target column, None where no target was asked for. `lines` holds, for text files, the
    line of each row.
    """

    source: str
    columns: list[Stored]
    rows: int
    named: bool
    target: int | None = None
    lines: Sequence[int] | None = field(default=None, repr=False)

    @property
    def names(self) -> list[str]:
        """The names of the columns, in their order."""
        return [column.name for column in self.columns]

    def where(self, row: int) -> str:
        """A row as one finds it in the file."""
        return f"{self.source}: " + (f"row {row}" if self.lines is None else f"line {self.lines[row]}")

    def frame(self, positions: Sequence[int], kinds: Sequence[Wanted] | None = None) -> Frame:
        """The columns at `positions`, as a model takes them: of these kinds, or of those that they seem to be."""
        wanted = ["any"] * len(positions) if kinds is None else kinds
        found = [
            self.columns[place].of_kind(kind, self.where)  # type: ignore[arg-type]
            for place, kind in zip(positions, wanted, strict=True)
        ]
        return Frame(found, self.named)

    def find(self, key: str) -> int:
        """The place of the column that `key` names, by its name or, failing that, by its number from 0."""
        return find_name(self.names, key, self.source)


def find_name(names: Sequence[str], key: str, source: str) -> int:
    """The place of `key` among `names`; a number counts from 0, a negative one from the end."""
    matches = [position for position, name in enumerate(names) if name == key]
    if matches:
        return matches[0]
    try:
        position = int(key)
    except ValueError:
        near = nearest(key, names)
        hint = f"did you mean {shown(near)}? " if near is not None else ""
        nameless = list(names) == [f"x{place}" for place in range(len(names))]
        what = "the columns have no names, and are called" if nameless else "the columns are"
        raise ValueError(f"{source}: there is no column {shown(key)}; {hint}{what} {listed(names, 12)}") from None
    if not -len(names) <= position < len(names):
        raise ValueError(
            f"{source}: there is no column {position}; there are {len(names)}, counted from 0: {listed(names, 12)}"
        )
    return position % len(names)


def nearest(key: str, names: Sequence[str]) -> str | None:
    """The name that was probably meant."""
    plain = {name.strip().casefold(): name for name in reversed(names)}
    near = difflib.get_close_matches(key.strip().casefold(), plain, n=1, cutoff=0.6)
    return plain[near[0]] if near else None


def read_table(data: str, target: str | None = None, with_target: bool = True, known: Reading | None = None) -> Table:
    """Read `data`: the word digits, or a file.

    Parameters
    ----------
    data : str
        `digits`, or the path of a file.
    target : str, optional
        The target column, by name or number; by default the last one.
    with_target : bool, default=True
        False where no target is wanted, as in `predict`.
    known : Reading, optional
        What is known of the columns.
    """
    request = Request(target, with_target, known)
    if data == "digits" and not os.path.exists(data):
        from fastdl import datasets
        from fastdl.cli.arrays import from_arrays

        x, y = datasets.load_digits()
        return from_arrays("digits", x, y if with_target else None, "digit", None if known else target)
    name = os.path.basename(data).lower().removesuffix(".gz")
    if not os.path.exists(data):
        hint = "; did you mean digits?" if difflib.get_close_matches(data, ["digits"], cutoff=0.7) else ""
        raise FileNotFoundError(f"there is no file {data}{hint}")
    if os.path.isdir(data):
        raise IsADirectoryError(f"{data} is a folder; DATA must be {READABLE}")
    if not os.path.isfile(data):
        raise ValueError(f"{data} is a pipe or a device, and files are read twice; write it to a file first")
    if name.endswith(".npz"):
        from fastdl.cli.arrays import read_npz

        return read_npz(data, request)
    if name.endswith(TEXT_SUFFIXES):
        from fastdl.cli.delimited import read_delimited

        return read_delimited(data, request)
    if name.endswith(PARQUET_SUFFIXES):
        from fastdl.cli.parquet import read_parquet

        return read_parquet(data, request)
    raise ValueError(f"{data}: unknown kind of file; DATA must be {READABLE}")
