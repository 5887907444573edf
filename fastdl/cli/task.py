"""What a model is for: its columns and its target; kept as task.json."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from fastdl.cli.folder import write_json
from fastdl.cli.tables import Column, Table

FORMAT = 2
Kind = Literal["classification", "regression"]
# Whole numbers with at most so many different values are taken for classes, unless --task says otherwise.
FEW = 20
MANY = 10_000  # classes: above this the target is surely an identifier


@dataclass
class Task:
    """What `predict` must know besides the network.

    `named` tells whether the feature columns are found by their names; else they are those at `positions` of a table of
    `width` columns, of which the target was at `place`.
    """

    kind: Kind
    target: str
    features: list[str]
    positions: list[int]
    width: int
    named: bool
    place: int

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
            and type(task.place) is int
            and 0 <= task.place < task.width
        )
        if not good:
            raise ValueError("a value is not what fastdl writes")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path}: not a description written by fastdl train ({error})") from error
    return task


def describe_task(table: Table, drop: list[str], requested: str | None) -> tuple[Task, np.ndarray]:
    """The task of a table, and its target: labels, or numbers (float64).

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
        table.target,
    )
    if kind == "regression":
        assert column.values is not None
        y = column.values.astype(np.float64)
        if y.min() == y.max():
            raise ValueError(
                f"{table.source}: the target {column.name!r} is {y[0]:g} in every row; there is nothing to learn"
            )
        return task, y
    return task, labels_of(table, column)


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


def labels_of(table: Table, column: Column) -> np.ndarray:
    """The label of each row, text or numbers."""
    if column.values is None:
        assert column.text is not None
        for row, word in enumerate(column.text):
            if not word:
                raise ValueError(f"{table.source}: the target {column.name!r} is missing in {table.where(row)}")
        values: np.ndarray = np.array(column.text)
    else:
        table.refuse_missing(column)
        values = column.values
        if values.dtype.kind == "f" and np.array_equal(values, np.round(values)) and np.abs(values).max() < 2**53:
            values = values.astype(np.int64)
    labels = np.unique(values)
    if len(labels) < 2:
        raise ValueError(
            f"{table.source}: the target {column.name!r} is {labels[0]!s} in every row; there is nothing to learn"
        )
    if len(labels) > MANY or (len(labels) > FEW and 2 * len(labels) > table.rows):
        raise ValueError(
            f"{table.source}: the target {column.name!r} has {len(labels)} different values in {table.rows} rows, which"
            " is no classification; --target names another column"
        )
    return values


def target_values(table: Table, task: Task) -> np.ndarray:
    """The target of another table, of the same kind."""
    assert table.target is not None
    column = table.columns[table.target]
    if task.kind == "classification":
        if column.values is None:
            assert column.text is not None
            return np.array(column.text)
        table.refuse_missing(column)
        whole = np.array_equal(column.values, np.round(column.values))
        return column.values.astype(np.int64) if column.values.dtype.kind == "f" and whole else column.values
    if column.values is None:
        raise ValueError(f"{table.source}: the target {column.name!r} holds text (such as {column.word!r})")
    table.refuse_missing(column)
    return column.values.astype(np.float64)
