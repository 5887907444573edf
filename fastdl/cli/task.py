"""What a model is for: its columns, its target, its classes or the target's scale; kept as task.json."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from fastdl import kernels
from fastdl.cli.folder import write_json
from fastdl.cli.tables import Column, Table

FORMAT = 1
Kind = Literal["classification", "regression"]
# Whole numbers with at most so many different values are taken for classes, unless --task says otherwise.
FEW = 20
MANY = 10_000  # classes: above this the target is surely an identifier


@dataclass
class Task:
    """What `predict` must know besides the network.

    `named` tells whether the feature columns are found by their names; else they are those at `positions` of a table of
    `width` columns. A regression's network gives (target - mean) / std.
    """

    kind: Kind
    target: str
    features: list[str]
    positions: list[int]
    width: int
    named: bool
    classes: list[Any] = field(default_factory=list)
    mean: float = 0.0
    std: float = 1.0

    @property
    def outputs(self) -> int:
        """The units of the last layer."""
        return len(self.classes) or 1

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the description as JSON."""
        write_json(path, {"format": FORMAT, **asdict(self)})


def load_task(path: str | os.PathLike[str]) -> Task:
    """Read and check a description; the file may come from anywhere."""
    try:
        with open(path, encoding="utf-8") as file:
            facts = json.load(file)
        if facts.pop("format") != FORMAT:
            raise ValueError(f"format must be {FORMAT}")
        task = Task(**facts)
        names = [task.target, *task.features]
        good = (
            task.kind in ("classification", "regression")
            and all(isinstance(name, str) for name in names)
            and all(type(place) is int and 0 <= place < task.width for place in task.positions)
            and len(task.positions) == len(task.features) > 0
            and isinstance(task.named, bool)
            and all(isinstance(label, str | int | float) for label in task.classes)
            and (len(task.classes) > 1) == (task.kind == "classification")
            and math.isfinite(task.mean)
            and 0 < task.std < math.inf
        )
        if not good:
            raise ValueError("a value is not what fastdl writes")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path}: not a description written by fastdl train ({error})") from error
    return task


def describe_task(table: Table, drop: list[str], requested: str | None) -> tuple[Task, np.ndarray]:
    """The task of a table, and its target: class numbers (int64), or the values (float64).

    Parameters
    ----------
    table : Table
        Read with its target.
    drop : list of str
        Columns to leave out, by name or number.
    requested : {"classification", "regression"}, optional
        By default text and few different whole numbers are classes, all else is a quantity.
    """
    assert table.target is not None
    column = table.columns[table.target]
    dropped = {table.find(name) for name in drop}
    if table.target in dropped:
        raise ValueError(f"{table.source}: {column.name!r} is the target, it can't be dropped")
    positions = [place for place in range(len(table.columns)) if place != table.target and place not in dropped]
    if not positions:
        raise ValueError(
            f"{table.source}: there are no columns besides the target {column.name!r}"
            " (a file's columns are delimited by comma, semicolon, tab or blanks)"
        )
    kind = choose_kind(table, column, requested)
    task = Task(
        kind,
        column.name,
        [table.columns[place].name for place in positions],
        positions,
        len(table.columns),
        table.named,
    )
    if kind == "regression":
        assert column.values is not None
        y = column.values.astype(np.float64)
        if y.min() == y.max():
            raise ValueError(
                f"{table.source}: the target {column.name!r} is {y[0]:g} in every row; there is nothing to learn"
            )
        return task, y
    labels, codes = classes_of(table, column)
    task.classes = labels
    return task, codes


def choose_kind(table: Table, column: Column, requested: str | None) -> Kind:
    """Classification or regression."""
    if column.values is None:
        if requested == "regression":
            raise ValueError(
                f"{table.source}: the target {column.name!r} holds text (such as {column.word!r}),"
                " and regression needs numbers"
            )
        return "classification"
    table.refuse_missing(column)
    if requested is not None:
        return "classification" if requested == "classification" else "regression"
    if column.values.dtype.kind == "b":
        return "classification"
    if column.values.dtype.kind == "f" and not np.array_equal(column.values, np.round(column.values)):
        return "regression"
    distinct = len(np.unique(column.values))
    return "classification" if distinct <= FEW and 2 * distinct <= table.rows else "regression"


def classes_of(table: Table, column: Column) -> tuple[list[Any], np.ndarray]:
    """The labels in their order, and the number of each row's label."""
    if column.values is None:
        assert column.text is not None
        for row, word in enumerate(column.text):
            if not word:
                raise ValueError(f"{table.source}: the target {column.name!r} is missing in {table.where(row)}")
        values: np.ndarray = np.array(column.text)
    else:
        values = column.values
        if values.dtype.kind == "f" and np.array_equal(values, np.round(values)) and np.abs(values).max() < 2**53:
            values = values.astype(np.int64)
    labels, codes = np.unique(values, return_inverse=True)
    if len(labels) < 2:
        raise ValueError(
            f"{table.source}: the target {column.name!r} is {labels[0]!s} in every row; there is nothing to learn"
        )
    if len(labels) > MANY or (len(labels) > FEW and 2 * len(labels) > table.rows):
        raise ValueError(
            f"{table.source}: the target {column.name!r} has {len(labels)} different values in {table.rows} rows, which"
            " is no classification; --target names another column"
        )
    return labels.tolist(), codes.astype(np.int64)


def split_rows(y: np.ndarray, kind: Kind, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows to train on and those to validate on, by chance; each class gives its share and keeps one to train."""
    rows = len(y)
    if fraction == 0:
        return np.arange(rows), np.arange(0)
    if rows < 2:
        raise ValueError(
            f"there {'is' if rows == 1 else 'are'} {rows} row, too few to validate on; use --validation-split 0"
        )
    shuffled = np.asarray(kernels.permutation(rows, seed)).astype(np.int64)
    groups = y[shuffled] if kind == "classification" else np.zeros(rows, np.int64)
    order = np.argsort(groups, kind="stable")
    sizes = np.bincount(groups)
    share = np.minimum(np.round(sizes * fraction).astype(np.int64), np.maximum(sizes - 1, 0))
    if not share.any():
        share[np.argmax(sizes)] = min(1, sizes.max() - 1)
    rank = np.arange(rows) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    chosen = np.zeros(rows, bool)
    chosen[shuffled[order]] = rank < np.repeat(share, sizes)
    if not chosen.any():
        raise ValueError("every class has a single row, none is left to validate on; use --validation-split 0")
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)
