"""What a model is for: its columns and its target; kept as task.json."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from fastdl.cli.folder import write_json
from fastdl.cli.tables import Table
from fastdl.cli.target import Kind, Target
from fastdl.cli.words import shown

FORMAT = 2


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


def describe_task(table: Table, drop: Sequence[str], requested: Kind | None) -> tuple[Task, np.ndarray]:
    """The task of a table, and its target: labels, or numbers (float64).

    Parameters
    ----------
    table : Table
        Read with its target.
    drop : sequence of str
        Columns to leave out, by name or number.
    requested : {"classification", "regression"}, optional
        By default text and few different whole numbers are classes, all else is a quantity.
    """
    assert table.target is not None
    name = table.columns[table.target].name
    dropped = {table.find(key) for key in drop}
    if table.target in dropped:
        raise ValueError(f"{table.source}: {shown(name)} is the target, it can't be dropped")
    positions = [place for place in range(len(table.columns)) if place != table.target and place not in dropped]
    if not positions:
        hint = "a file's columns are delimited by comma, semicolon, tab, bar or blanks"
        hint = "all others are dropped" if dropped else hint
        raise ValueError(f"{table.source}: there are no columns besides the target {shown(name)} ({hint})")
    kind, y = target_of(table).learn(requested)
    features = [table.columns[place].name for place in positions]
    return Task(kind, name, features, positions, len(table.columns), table.named, table.target), y


def target_of(table: Table) -> Target:
    """The target of a table."""
    assert table.target is not None
    return Target(table.columns[table.target], table.where)


def target_values(table: Table, task: Task, classes: np.ndarray | None) -> np.ndarray:
    """The target of another table, of the same kind; its labels must be among `classes`."""
    target = target_of(table)
    return target.numbers() if task.kind == "regression" or classes is None else target.known(classes)
