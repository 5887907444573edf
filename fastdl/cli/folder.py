"""The folder that a run leaves: it appears whole or not at all, and never takes the place of something else."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MODEL, HISTORY, METRICS, CURVES, TASK = "model.safetensors", "history.csv", "metrics.json", "curves.png", "task.json"
REPORT = "report.html"
FILES = frozenset({MODEL, HISTORY, METRICS, CURVES, TASK, REPORT})


class Output:
    """Where the results go.

    Parameters
    ----------
    out : str, optional
        The folder that was asked for; by default a fresh one is named after the data.
    data : str
        What is trained on.
    force : bool
        Whether results that are there already may be replaced.
    """

    def __init__(self, out: str | None, data: str, force: bool) -> None:
        self.numbered = out is None and not force
        self.force = force
        # normpath: a trailing slash or dot would hide the name that the temporary folder is made of.
        self.path = Path(os.path.normpath(out) if out is not None else f"fastdl-{_stem(data)}")
        if not self.numbered:
            self._check_free()
        self._check_writable()

    def _check_free(self) -> None:
        """Refuse to replace anything but, with --force, the results of an earlier run."""
        if not os.path.lexists(self.path):
            return
        if not self.path.is_dir() or self.path.is_symlink():
            raise FileExistsError(f"{self.path} is there already and is no folder")
        there = {entry.name for entry in self.path.iterdir()}
        foreign = sorted(there - FILES)
        if foreign:
            raise FileExistsError(f"{self.path} holds files that are not fastdl's ({foreign[0]}); choose another --out")
        if there and not self.force:
            raise FileExistsError(f"{self.path} is there already; choose another --out, or replace it with --force")

    def _check_writable(self) -> None:
        """Find out before the training, not after it, whether a folder can be made here."""
        parent = self.path.absolute().parent
        while not parent.exists():
            parent = parent.parent
        try:
            _make_fresh(parent, "fastdl-probe").rmdir()
        except OSError as error:
            raise type(error)(f"no folder can be made in {parent}: {error.strerror}") from error

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """Give a temporary folder to write to, which becomes `path` in the end, or vanishes if that fails."""
        parent = self.path.absolute().parent
        parent.mkdir(parents=True, exist_ok=True)
        folder = _make_fresh(parent, self.path.name)
        try:
            yield folder
            self._put_in_place(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # has moved by now, unless something failed

    def _put_in_place(self, folder: Path) -> None:
        if self.numbered:
            base, number = self.path, 1
            while True:
                try:
                    # Another run may take the name between any check and this: mkdir decides, and rename onto an empty
                    # folder replaces it.
                    self.path.mkdir()
                    break
                except FileExistsError:
                    number += 1
                    self.path = base.with_name(f"{base.name}-{number}")
        else:
            self._check_free()
            if self.path.is_dir() and any(self.path.iterdir()):
                old = _make_fresh(folder.parent, self.path.name)
                os.rename(self.path, old)
                try:
                    os.rename(folder, self.path)
                except OSError:
                    os.rename(old, self.path)
                    raise
                shutil.rmtree(old)
                return
        os.rename(folder, self.path)


def write_json(path: str | os.PathLike[str], facts: Mapping[str, Any]) -> None:
    """Write an object with a line for each of its values; numbers that JSON doesn't have become null."""
    lines = (
        f"  {json.dumps(name)}: {json.dumps(None if _is_no_number(value) else value, ensure_ascii=False)}"
        for name, value in facts.items()
    )
    Path(path).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def _is_no_number(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _make_fresh(parent: Path, name: str) -> Path:
    """An empty folder with a hidden name of its own, with the permissions that folders get here."""
    number = 0
    while True:
        folder = parent / f".{name}.{os.getpid()}-{number}.tmp"
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            number += 1


def _stem(data: str) -> str:
    """The name of a data file without its folder and its suffixes."""
    name = os.path.basename(data)
    for suffix in (".gz", ".csv", ".tsv", ".txt", ".dat", ".data", ".npz", ".parquet", ".pq"):
        name = name.removesuffix(suffix)
    return name or "run"
