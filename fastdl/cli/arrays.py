"""Tables of arrays: .npz files, and the data set that comes with the package."""

from __future__ import annotations

import os
import zipfile
import zlib

import numpy as np

from fastdl.cli.columns import Stored
from fastdl.cli.tables import Request, Table, find_name
from fastdl.cli.words import listed
from fastdl.tables.column import Column

# What zipfile and NumPy say of files that are cut off, damaged, or locked by a password.
BROKEN = (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError, RuntimeError, SyntaxError, OSError)
X_NAMES, Y_NAMES = ("X", "x", "data"), ("y", "Y", "target")


def read_npz(path: str, request: Request) -> Table:
    """Read the arrays X and y of a .npz file; --target may name another array than y."""
    if os.path.getsize(path) == 0:
        raise ValueError(f"{path}: the file is empty")
    wanted = request.target if request.known is None else request.known.target
    try:
        arrays = np.load(path, allow_pickle=False)
        if not isinstance(arrays, np.lib.npyio.NpzFile):
            raise ValueError(f"{path}: not a .npz file but a single array; save X and y by numpy.savez")
        with arrays:
            there = listed(arrays.files) or "nothing"
            x_name = next((name for name in X_NAMES if name in arrays), None)
            if x_name is None:
                raise ValueError(f"{path}: there is no array 'X'; the file has {there}")
            y_name = None
            if request.with_target:
                # A model may come from a table whose target has another name than the array.
                asked = () if wanted is None else (wanted,)
                names = asked if asked and request.known is None else (*asked, *Y_NAMES)
                y_name = next((name for name in names if name in arrays), None)
                if y_name is None:
                    raise ValueError(
                        f"{path}: there is no array {wanted or 'y'!r} for the target; the file has {there}"
                    )
            x = _array(arrays, x_name, path)
            y = None if y_name is None else _array(arrays, y_name, path)
    except BROKEN as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise  # the file can't be read, whatever is in it
        raise ValueError(f"{path}: not a whole .npz file ({error})") from error
    except ValueError as error:
        if "pickle" in str(error):
            raise ValueError(f"{path}: not a .npz file; save X and y by numpy.savez") from error
        raise
    return from_arrays(path, x, y, y_name)


def _array(arrays: np.lib.npyio.NpzFile, name: str, path: str) -> np.ndarray:
    try:
        array: np.ndarray = arrays[name]
    except ValueError as error:
        if "object" not in str(error).lower():
            raise ValueError(f"{path}: the array {name!r} can't be read ({error})") from error
        raise ValueError(
            f"{path}: the array {name!r} holds Python objects; make it one of numbers (or of text, for the target)"
        ) from error
    return array


def from_arrays(
    source: str, x: np.ndarray, y: np.ndarray | None, y_name: str | None = "y", target: str | None = None
) -> Table:
    """A table of the columns x0, x1, ... and, if a target is wanted, y."""
    if x.ndim < 2 or x.dtype.kind not in "fiub":
        hint = "; for a single column: X.reshape(-1, 1)" if x.ndim == 1 else ""
        raise ValueError(
            f"{source}: X must hold numbers, a row of them for each row, got {x.dtype} of shape {x.shape}{hint}"
        )
    if 0 in x.shape:
        raise ValueError(f"{source}: X has {'no rows' if not len(x) else 'no columns'} (shape {x.shape})")
    whole = x.reshape(len(x), -1)  # images and the like become rows
    kind = "boolean" if whole.dtype.kind == "b" else "number"
    columns = []
    for place in range(whole.shape[1]):
        values = np.ascontiguousarray(whole[:, place]).astype(np.float64)
        columns.append(Stored(f"x{place}", Column(f"x{place}", kind, values)))  # type: ignore[arg-type]
    table = Table(source, columns, len(whole), named=False)
    if y is not None:
        columns.append(_target_column(source, np.asarray(y), len(whole), y_name or "y"))
        table.target = find_name(table.names, target, source) if target is not None else len(columns) - 1
    return table


def _target_column(source: str, y: np.ndarray, rows: int, name: str) -> Stored:
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.shape != (rows,):
        raise ValueError(f"{source}: {name} must have one value for each of the {rows} rows of X, got shape {y.shape}")
    if y.dtype.kind in "US":
        text = [str(value) for value in (np.char.decode(y, "utf-8") if y.dtype.kind == "S" else y)]
        return Stored(name, text=text, digits=False)
    if y.dtype.kind not in "fiub":
        raise ValueError(f"{source}: {name} must hold numbers or text, got {y.dtype}")
    return Stored(name, Column(name, "boolean" if y.dtype.kind == "b" else "number", y.astype(np.float64)))
