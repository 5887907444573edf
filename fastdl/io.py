"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from os import PathLike
from typing import IO, TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from fastdl.program import Array


def write_atomically(path: str | PathLike[str], content: bytes | Callable[[IO[bytes]], None]) -> None:
    """Write a file, or let `content` write it, by way of a temporary one beside it: sync, rename, sync the folder."""
    import tempfile  # here, and not above, so that `import fastdl` stays light; likewise elsewhere
    from pathlib import Path

    path = Path(path)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            if callable(content):
                content(file)
            else:
                file.write(content)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp's own mode is private
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_tensors(path: str | PathLike[str], arrays: Mapping[str, Array], metadata: dict[str, str]) -> None:
    """Write arrays as a safetensors file."""
    from safetensors.numpy import save

    write_atomically(path, save({name: np.ascontiguousarray(array) for name, array in arrays.items()}, metadata))


def read_tensors(path: str | PathLike[str]) -> tuple[dict[str, Array], dict[str, str]]:
    """Arrays and metadata of a safetensors file, whose sizes are checked before anything is allocated."""
    from safetensors import SafetensorError, safe_open

    with open(path, "rb"):
        pass  # an OSError that names the file, where safetensors would say less
    try:
        with safe_open(os.fspath(path), framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (SafetensorError, TypeError, AttributeError) as error:  # the latter two: element types that NumPy lacks
        raise ValueError(f"{path}: not a safetensors file, or a damaged one: {error}") from error
