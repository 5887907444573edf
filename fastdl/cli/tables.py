"""Tables, read from a file: what `train`, `predict` and `evaluate` start from."""

from __future__ import annotations

import difflib
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fastdl.cli.words import typed_text
from fastdl.tables import Frame
from fastdl.tables.column import Column as Typed

TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".dat", ".data")
READABLE = ".csv, .csv.gz, .parquet, .npz, or the word digits"


@dataclass
class Column:
    """One column: numbers, NaN where one is missing, or text; `word` is the first text, `text` all of it if wanted."""

    name: str
    values: np.ndarray | None = None
    text: list[str] | None = None
    word: str = ""


@dataclass
class Table:
    """Named columns of the same length.

    `named` tells whether the names come from the file; else they are x0, x1, ... and only positions mean anything.
    `target` is the position of the target column, None where no target was asked for. `lines` holds, for text files,
    the line of each row.
    """

    source: str
    columns: list[Column]
    rows: int
    named: bool
    target: int | None = None
    lines: Sequence[int] | None = None

    @property
    def names(self) -> list[str]:
        """The names of the columns, in their order."""
        return [column.name for column in self.columns]

    def where(self, row: int) -> str:
        """A row as one finds it in the file."""
        return f"row {row}" if self.lines is None else f"line {self.lines[row]}"

    def frame(self, positions: Sequence[int]) -> Frame:
        """The columns at `positions`, as a model takes them; what is neither number nor word is refused by line."""
        return Frame([self._meant(self.columns[position]) for position in positions], self.named)

    def _meant(self, column: Column) -> Typed:
        """A column with the kind that its cells have."""
        if column.values is None:
            assert column.text is not None
            return typed_text(column.name, column.text, lambda row: f"{self.source}: {self.where(row)}")
        if column.values.dtype.kind == "b":
            return Typed(column.name, "boolean", column.values.astype(np.float64))
        values = column.values.astype(np.float64)
        endless = np.flatnonzero(np.isinf(values))
        if endless.size:
            raise ValueError(
                f"{self.source}: column {column.name!r} holds an infinite number in {self.where(int(endless[0]))}:"
                " leave the cell empty, or leave the column out with --drop"
            )
        return Typed(column.name, "number", values)

    def refuse_missing(self, column: Column) -> None:
        """Refuse a target with gaps or infinities, and say where."""
        values = column.values
        if values is None or values.dtype.kind != "f":
            return
        bad = np.flatnonzero(~np.isfinite(values))
        if not bad.size:
            return
        kind = "misses a number" if np.isnan(values[bad[0]]) else "holds an infinite number"
        more = f" (and in {bad.size - 1} more row{'s' * (bad.size > 2)})" if bad.size > 1 else ""
        raise ValueError(
            f"{self.source}: column {column.name!r} {kind} in {self.where(int(bad[0]))}{more}: fill the gaps,"
            " or remove those rows"
        )

    def find(self, key: str) -> int:
        """The position of the column that `key` names, by its name or, failing that, by its number from 0."""
        return find_name(self.names, key, self.source)


def find_name(names: Sequence[str], key: str, source: str) -> int:
    """The position of `key` among `names`; a number counts from 0, a negative one from the end."""
    matches = [position for position, name in enumerate(names) if name == key]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise ValueError(f"{source}: {len(matches)} columns are called {key!r}; give the one you mean by its number")
    try:
        position = int(key)
    except ValueError:
        near = difflib.get_close_matches(key, names, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        raise ValueError(f"{source}: there is no column {key!r}; {hint}the columns are {shown}") from None
    if not -len(names) <= position < len(names):
        raise ValueError(f"{source}: there is no column {position}; there are {len(names)}, counted from 0")
    return position % len(names)


def read_table(data: str, target: str | None = None, with_target: bool = True) -> Table:
    """Read `data`: the word digits, or a file.

    Parameters
    ----------
    data : str
        `digits`, or the path of a .csv, .csv.gz or .npz file.
    target : str, optional
        The target column, by name or number; by default the last one.
    with_target : bool, default=True
        False where no target is wanted, as in `predict`.
    """
    if data == "digits" and not os.path.exists(data):
        from fastdl import datasets

        x, y = datasets.load_digits()
        return from_arrays("digits", x, y, target, with_target, y_name="digit")
    name = os.path.basename(data).lower().removesuffix(".gz")
    if not os.path.exists(data):
        hint = "; did you mean digits?" if difflib.get_close_matches(data, ["digits"], cutoff=0.7) else ""
        raise FileNotFoundError(f"there is no file {data}{hint}")
    if os.path.isdir(data):
        raise IsADirectoryError(f"{data} is a folder; DATA must be {READABLE}")
    if name.endswith(".npz"):
        return read_npz(data, target, with_target)
    if name.endswith(TEXT_SUFFIXES):
        from fastdl.cli.delimited import read_delimited

        return read_delimited(data, target, with_target)
    if name.endswith((".parquet", ".pq")):
        from fastdl.cli.parquet import read_parquet

        return read_parquet(data, target, with_target)
    raise ValueError(f"{data}: unknown kind of file; DATA must be {READABLE}")


def read_npz(path: str, target: str | None, with_target: bool) -> Table:
    """Read the arrays X and y of a .npz file; --target may name another array than y."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            x_key = next((key for key in ("X", "x", "data") if key in arrays), None)
            y_key = target if target is not None else next((k for k in ("y", "Y", "target") if k in arrays), None)
            keys = ", ".join(arrays.files) or "nothing"
            if x_key is None:
                raise ValueError(f"{path}: there is no array X; the file has {keys}")
            if with_target and (y_key is None or y_key not in arrays):
                raise ValueError(f"{path}: there is no array {y_key or 'y'!r} for the target; the file has {keys}")
            x = arrays[x_key]
            y = arrays[y_key] if with_target else None
    except (zipfile.BadZipFile, EOFError) as error:
        raise ValueError(f"{path}: not a whole .npz file ({error})") from error
    return from_arrays(path, x, y, None, with_target, y_name=y_key if with_target else None)


def from_arrays(
    source: str, x: np.ndarray, y: np.ndarray | None, target: str | None, with_target: bool, y_name: str | None = "y"
) -> Table:
    """A table of the columns x0, x1, ... and, if a target is wanted, y."""
    if x.ndim < 2 or x.dtype.kind not in "fiub":
        raise ValueError(f"{source}: X must hold numbers, one row a line, got {x.dtype} of shape {x.shape}")
    # Images and the like become rows; float16 and the wide types become float64, which the network reads as they are.
    whole = np.ascontiguousarray(x.reshape(len(x), -1))
    if (whole.dtype.kind == "f" and whole.dtype.itemsize not in (4, 8)) or not whole.dtype.isnative:
        whole = whole.astype(np.float64)
    columns = [Column(f"x{place}", whole[:, place]) for place in range(whole.shape[1])]
    table = Table(source, columns, len(whole), named=False)
    if with_target and y is not None:
        columns.append(_target_column(source, np.asarray(y), len(whole), y_name or "y"))
        table.target = find_name(table.names, target, source) if target is not None else len(columns) - 1
    if table.rows == 0:
        raise ValueError(f"{source}: there are no rows")
    return table


def _target_column(source: str, y: np.ndarray, rows: int, name: str) -> Column:
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.shape != (rows,):
        raise ValueError(f"{source}: {name} must have one value for each of the {rows} rows of X, got shape {y.shape}")
    if y.dtype.kind in "US":
        text = [str(value) for value in (np.char.decode(y, "utf-8") if y.dtype.kind == "S" else y)]
        return Column(name, text=text, word=text[0] if text else "")
    if y.dtype.kind not in "fiub":
        raise ValueError(f"{source}: {name} must hold numbers or text, got {y.dtype}")
    return Column(name, y.astype(np.float64) if y.dtype.kind == "f" else y)
