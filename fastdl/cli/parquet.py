"""Parquet files, by pyarrow."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from fastdl.cli.columns import Stored
from fastdl.cli.header import header_names
from fastdl.cli.tables import Request, Table
from fastdl.tables.column import Column
from fastdl.tables.frame import Frame


def pyarrow(path: str) -> tuple[Any, Any]:
    """The modules pyarrow and pyarrow.parquet."""
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise ImportError(f'{path}: .parquet files need pyarrow: pip install "fastdl-nn[tabular]"') from error


def read_parquet(path: str, request: Request) -> Table:
    """Read a table; its columns have the kinds that the file says."""
    arrow, parquet = pyarrow(path)
    if os.path.getsize(path) == 0:
        raise ValueError(f"{path}: the file is empty")
    try:
        with open(path, "rb") as file:
            stored = parquet.read_table(file)
    except (arrow.ArrowException, EOFError) as error:
        raise ValueError(f"{path}: not a whole .parquet file ({reason(error)})") from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise ValueError(f"{path}: not a whole .parquet file ({reason(error)})") from error
    header_names(path, stored.column_names)
    try:
        frame = Frame.of(stored)
    except (TypeError, ValueError, arrow.ArrowException) as error:
        raise ValueError(f"{path}: {error}") from error
    if not frame.columns or not frame.rows:
        raise ValueError(f"{path}: there are no rows")
    columns = [stored_column(column) for column in frame.columns]
    return Table(path, columns, frame.rows, True, request.target_of(frame.names, path, True))


def reason(error: Exception) -> str:
    """What pyarrow says, without the name that it gave the open file."""
    return str(error).rpartition("'<Buffer>': ")[2]


def stored_column(column: Column) -> Stored:
    """A column of the file."""
    if column.kind != "category":
        return Stored(column.name, column)
    return Stored(column.name, text=["" if value is None else value.strip() for value in column.values], digits=False)
