"""What a model expects of a further file: its columns by the kinds that the training gave them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fastdl.cli.columns import Wanted
from fastdl.cli.console import note, warn
from fastdl.cli.dates import is_date
from fastdl.cli.tables import Table, find_name, nearest
from fastdl.cli.words import is_missing, listed, shown, to_number, to_truth
from fastdl.tables import Frame, Model
from fastdl.tables.column import Column

if TYPE_CHECKING:
    from fastdl.cli.task import Task


class Expected:
    """The columns of the training.

    Parameters
    ----------
    task : Task
    kinds : sequence of str
        Of each feature: "number", "boolean", "date", "category", or "unused".
    categories : sequence of list of str
        Those that the model tells apart, of each feature; empty where it is no matter.
    """

    def __init__(self, task: Task, kinds: Sequence[Wanted], categories: Sequence[Sequence[str]] | None = None) -> None:
        self.task, self.kinds = task, list(kinds)
        self.categories = categories if categories is not None else [()] * len(self.kinds)

    @staticmethod
    def of_model(task: Task, model: Model) -> Expected:
        """What a trained model expects."""
        learned = model.preparation.encodings
        if len(learned) != len(task.features):
            raise ValueError(f"task.json has {len(task.features)} columns, but the model {len(learned)}")
        kinds = ["unused" if encoding.how == "dropped" else encoding.kind for encoding in learned]
        return Expected(task, kinds, [encoding.categories for encoding in learned])  # type: ignore[arg-type]

    @staticmethod
    def of_training(task: Task, frame: Frame) -> Expected:
        """What a table to validate on should be like."""
        return Expected(task, [column.kind for column in frame.columns])

    @property
    def target(self) -> str:
        """The name of the target."""
        return self.task.target

    @property
    def needed(self) -> list[str]:
        """The names of the features but those that the model leaves out."""
        return [name for name, kind in zip(self.task.features, self.kinds, strict=True) if kind != "unused"]

    # Before the file is read

    def fits(self, cells: Sequence[str]) -> bool:
        """Whether these may be the cells of the first row."""
        if self.task.named:
            return set(self.needed) <= set(cells)
        return len(cells) in (self.task.width, len(self.task.positions))

    def is_header(self, first: Sequence[str]) -> bool:
        """Whether the cells of the first row are names."""
        if self.task.named:
            # Of a row with none of the names, a message will say which are missing.
            return not set(self.task.features).isdisjoint(first) or not any(map(is_value, first))
        places = self._places(len(first))
        pairs = [(first[place], kind) for place, kind in zip(places or (), self.kinds, strict=False)]
        able = [could_be(cell, kind) for cell, kind in pairs if kind in ("number", "date", "boolean") and cell]
        return bool(able) and not any(able)

    def text_places(self, names: Sequence[str], named: bool) -> set[int]:
        """The columns whose text is wanted."""
        wordy = [kind not in ("number", "unused") for kind in self.kinds]
        if self.task.named:
            wanted = {name for name, text in zip(self.task.features, wordy, strict=True) if text}
            return {place for place, name in enumerate(names) if name in wanted}
        places = self._places(len(names)) or []
        return {place for place, text in zip(places, wordy, strict=True) if text} if places else set()

    def target_of(self, names: Sequence[str], source: str, named: bool) -> int:
        """Where the target is."""
        if self.task.named:
            if self.task.target not in names:
                near = nearest(self.task.target, names)
                hint = f"; did you mean {shown(near)}?" if near is not None else ""
                raise ValueError(
                    f"{source}: there is no column {shown(self.task.target)}, the target of the model{hint}; the"
                    f" columns are {listed(names, 12)}"
                )
            return names.index(self.task.target)
        if len(names) != self.task.width:
            raise ValueError(
                f"{source} has {len(names)} columns; with the target in place {self.task.place} (from 0) the model was"
                f" trained on {self.task.width}"
            )
        return find_name(names, str(self.task.place), source) if not named else self.task.place

    def _places(self, width: int) -> list[int] | None:
        """The columns of the features in a table without names; None if its width is wrong."""
        if width == self.task.width:
            return self.task.positions
        return list(range(width)) if width == len(self.task.positions) else None

    # When it has been read

    def frame(self, table: Table) -> Frame:
        """The features of a table, in the model's order and of its kinds."""
        places = self._find(table)
        there = [(place, kind) for place, kind in zip(places, self.kinds, strict=True) if place is not None]
        found = iter(table.frame([place for place, _ in there], [kind for _, kind in there]).columns)
        nothing = np.full(table.rows, np.nan)
        columns = []
        for name, place, known in zip(self.task.features, places, self.categories, strict=True):
            column = Column(name, "number", nothing) if place is None else next(found)
            if column.kind == "category" and known:
                column = recognized(column, known, table)
            columns.append(Column(name, column.kind, column.values))
        return Frame(columns, self.task.named)

    def _find(self, table: Table) -> Sequence[int | None]:
        """Which columns of a table the features are; None for one that is not there, and that the model leaves out."""
        task = self.task
        if not task.named:
            places = self._places(len(table.columns))
            if places is None:
                raise ValueError(
                    f"{table.source} has {len(table.columns)} columns, but the model was trained on"
                    f" {len(task.positions)} features without names, of {task.width} columns"
                )
            return places
        if not table.named:
            lack = "no names of columns" if table.lines is None else "no header"
            raise ValueError(
                f"{table.source} has {lack}, but the model finds its columns by name: {listed(task.features)}"
            )
        there = {name: place for place, name in enumerate(table.names)}
        others = set(there) - {*task.features, task.target}
        missing = [name for name in self.needed if name not in there]
        if missing:
            near = nearest(missing[0], sorted(others))
            hint = f"; is {shown(near)} meant to be {shown(missing[0])}?" if near is not None else ""
            raise ValueError(
                f"{table.source} lacks column{'s' * (len(missing) > 1)} {listed(missing)}, which the model needs{hint}"
            )
        extra = [name for name in table.names if name in others]
        if extra:
            what = f"columns {listed(extra)} are" if len(extra) > 1 else f"column {listed(extra)} is"
            note(f"{table.source}: {what} not used by the model")
        return [there.get(name) for name in task.features]


def is_value(cell: str) -> bool:
    """Whether a cell of the first row is surely no name."""
    return is_missing(cell) or to_number(cell) is not None or is_date(cell)


def could_be(cell: str, kind: Wanted) -> bool:
    """Whether a cell may hold a value of a kind."""
    if is_missing(cell) or kind == "category":
        return True
    return {"number": to_number(cell), "boolean": to_truth(cell), "date": is_date(cell) or None}[kind] is not None


def recognized(column: Column, known: Sequence[str], table: Table) -> Column:
    """Words as the model knows them: 1.0 as 1 where it knows only 1; those that it doesn't know are told."""
    names = frozenset(known)
    spelt = {word: spelling(word, names) for word in dict.fromkeys(column.values.tolist()) if word is not None}
    strange = [word for word, known_word in spelt.items() if known_word is None]
    if strange:
        rows = [row for row, word in enumerate(column.values) if word is not None and spelt[word] is None]
        more = f", as do {len(rows) - 1} more cells" if len(rows) > 2 else ", as does 1 more cell" * (len(rows) == 2)
        warn(
            f"{table.where(rows[0])}: column {shown(column.name)} holds {shown(column.values[rows[0]])}, which the"
            f" model has not learned; it counts as missing{more}"
        )
    if all(word == known_word for word, known_word in spelt.items()):
        return column
    words = [None if word is None else spelt[word] or word for word in column.values]
    return Column(column.name, "category", np.array([*words, None], object)[:-1])


def spelling(word: str, names: frozenset[str]) -> str | None:
    """A word as it is spelt among names; a number with and without .0 is the same."""
    if word in names:
        return word
    whole = word.rstrip("0").removesuffix(".") if "." in word else word
    return next((name for name in (whole, f"{whole}.0") if name in names and to_number(word) is not None), None)
