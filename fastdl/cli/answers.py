"""Predictions as a file: text, packed text or Parquet, there whole or not at all."""

from __future__ import annotations

import csv
import gzip
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

from fastdl.cli.parquet import pyarrow
from fastdl.cli.tables import PARQUET_SUFFIXES
from fastdl.io import write_atomically

Rows = Iterator[list[Any]]  # the names, then the rows
OTHER = (".npz", ".npy", ".xlsx", ".xls", ".ods", ".json", ".zip")  # that nobody should find text in


def writer_for(out: str | None, force: bool) -> Callable[[Rows], None]:
    """What writes to `out`, standard output by default; what can't be written there is refused now."""
    if out is None:
        return lambda rows: write_text(sys.stdout, rows, ",")
    name = out.lower()
    if os.path.isdir(out):
        raise IsADirectoryError(f"{out} is a folder; --out must be a file")
    if os.path.lexists(out) and not force:
        raise FileExistsError(f"{out} is there already; choose another --out, or replace it with --force")
    folder = os.path.dirname(os.path.abspath(out))
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"there is no folder {folder} for --out")
    if name.endswith(OTHER):
        raise ValueError(f"--out: {out} would have to end in .csv, .csv.gz, .tsv or .parquet")
    if name.endswith(PARQUET_SUFFIXES):
        pyarrow(out)
        return lambda rows: write_atomically(out, lambda file: write_parquet(out, file, rows))
    delimiter = "\t" if name.removesuffix(".gz").endswith(".tsv") else ","
    packed = name.endswith(".gz")
    return lambda rows: write_atomically(out, lambda file: write_bytes(file, rows, delimiter, packed))


def write_text(file: IO[str], rows: Iterable[list[Any]], delimiter: str) -> None:
    """Write CSV."""
    csv.writer(file, lineterminator="\n", delimiter=delimiter).writerows(rows)


def write_bytes(file: IO[bytes], rows: Iterable[list[Any]], delimiter: str, packed: bool) -> None:
    """Write CSV, packed or not."""
    # Without the name and the time, so that equal answers are equal files.
    inner = gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) if packed else file
    text = io.TextIOWrapper(inner, encoding="utf-8", newline="")
    write_text(text, rows, delimiter)
    text.flush()
    text.detach()
    if packed:
        inner.close()


def write_parquet(path: str, file: IO[bytes], rows: Rows) -> None:
    """Write Parquet."""
    arrow, parquet = pyarrow(path)
    names = next(rows)
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    parquet.write_table(arrow.table([list(column) for column in columns], names=names), file)
