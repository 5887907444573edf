"""Parquet files, by pyarrow."""

from __future__ import annotations

from importlib import import_module

import numpy as np

from fastdl.cli.tables import Column, Table, find_name
from fastdl.tables import Frame


def read_parquet(path: str, target: str | None, with_target: bool) -> Table:
    """Read a table; its columns have the kinds that the file says."""
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise ImportError(f'{path}: .parquet files need pyarrow: pip install "fastdl-nn[tabular]"') from error
    try:
        frame = Frame.of(parquet.read_table(path))
    except arrow.ArrowInvalid as error:
        raise ValueError(f"{path}: not a whole .parquet file ({error})") from error
    if not frame.columns or not frame.rows:
        raise ValueError(f"{path}: there are no rows")
    columns = []
    for column in frame.columns:
        if column.kind == "category":
            text = ["" if value is None else value for value in column.values]
            columns.append(Column(column.name, text=text, word=next(filter(None, text), "")))
        elif column.kind == "date":
            stamps = (column.values * 1e6).astype("datetime64[us]").astype(str)
            text = ["" if np.isnan(value) else stamp for value, stamp in zip(column.values, stamps, strict=True)]
            columns.append(Column(column.name, text=text, word=next(filter(None, text), "")))
        else:
            whole = column.kind == "boolean" and not column.missing.any()
            columns.append(Column(column.name, column.values.astype(bool) if whole else column.values))
    kept = None
    if with_target:
        kept = len(columns) - 1 if target is None else find_name(frame.names, target, path)
    return Table(path, columns, frame.rows, True, kept)
