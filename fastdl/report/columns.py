"""The columns of the table: what became of them, what is missing, and what each is worth."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from fastdl.report import pictures
from fastdl.report.answers import folds, rows_of, together
from fastdl.report.numbers import counted, fixed, plain
from fastdl.report.page import Figure, figures, folded, remark, table
from fastdl.report.text import named, safe, shortened, user
from fastdl.tables.importance import importance_within

if TYPE_CHECKING:
    from fastdl.tables.model import Model

MOST_BARS = 25
LONGEST_CELL = 120.0
LONGEST = 60.0  # letters of a name, which may stand in several lines
MOST_LINES = 100  # of the table of columns that are shown unasked
FEW = 12  # columns of one kind and use that are listed one by one
UNITS = {  # score: what is lost, in what unit, and in how many digits behind the point
    "accuracy": ("accuracy lost, in percent points", 100.0, 2),
    "r2": ("R2 lost", 1.0, 3),
    "rmse": ("RMSE gained", 1.0, None),
}


def importances(model: Model) -> tuple[str, bool]:
    """What it costs to shuffle a column, as HTML; and whether Ctrl-C did not prevent it."""
    members = folds(model)[0]
    part = rows_of(members[0])
    if len(part) < 2:
        return remark("There is a single row to measure it by, and one row can't be shuffled."), True
    try:
        found = importance_within(model, together(members), part, seed=0)
    except KeyboardInterrupt:
        return remark("Left out: the measurement was interrupted."), False
    best = sorted(found.losses.items(), key=lambda item: -item[1][0])[:MOST_BARS]
    heading, factor, digits = UNITS[found.score]
    names = [
        f'<bdi title="{safe(name)}">{safe(text)}</bdi>'
        for (name, _), text in zip(best, shortened([named(name) for name, _ in best], LONGEST), strict=True)
    ]
    values = {}
    for name, (_, (mean, std)) in zip(names, best, strict=True):
        lost, spread = (
            plain(factor * value, 3) if digits is None else fixed(factor * value, digits) for value in (mean, std)
        )
        text = lost + f" \u00b1 {spread}" * (found.repeats > 1)
        values[name] = (factor * mean, factor * std, text)
    rows = counted(found.rows, "training row" if members[0].held is None else "validation row")
    note = f"{heading[0].upper()}{heading[1:]} when a column is shuffled, on {rows}"
    note += " of the first fold" * (len(model.members) > len(members))
    note += f"; mean and deviation of {found.repeats} shuffles." if found.repeats > 1 else "; one shuffle each."
    if len(found.losses) < found.columns:
        note += f" Tried were the {len(found.losses)} of {found.columns} columns that move the outputs most."
    if len(best) < len(found.losses):
        note += f" Shown are the first {len(best)} of {len(found.losses)}."
    return figures([Figure("Permutation importance", pictures.bars(values, heading), note)]), True


def column_table(model: Model, missing: Mapping[str, int]) -> str:
    """Kind and use of each column; many that are alike are folded into one line.

    Parameters
    ----------
    model : Model
    missing : mapping of str to int
        How many values of a column are missing, where any are.
    """
    # That a number is used as a number says nothing.
    described = [(name, kind, re.sub("^number", "scaled", use)) for name, kind, use in model.preparation.describe()]
    alike: dict[tuple[str, str, int], list[str]] = {}
    for name, kind, use in described:
        # Those with gaps differ in how many they have, and constants in their value.
        group = ("left out: always the same" if use.startswith("left out: always ") else use, missing.get(name, 0))
        alike.setdefault((kind, *group), []).append(name)
    rows, done = [], set()
    for name, kind, use in described:
        gaps = missing.get(name, 0)
        group_use = "left out: always the same" if use.startswith("left out: always ") else use
        names = alike[kind, group_use, gaps]
        if len(names) <= FEW:
            rows.append((user(name, LONGEST_CELL), kind, user(use, LONGEST_CELL), f"{gaps:,}" if gaps else ""))
        elif (kind, group_use, gaps) not in done:
            done.add((kind, group_use, gaps))
            summary = f"{len(names)} columns, {user(names[0], LONGEST)} \u2026 {user(names[-1], LONGEST)}"
            inside = folded(summary, ", ".join(user(name, LONGEST) for name in names))
            rows.append((inside, kind, user(group_use), f"{gaps:,}" if gaps else ""))
    head = ("column", "kind", "use", "missing")
    caption = f"{len(described):,} columns, and what the network gets of them"
    first = table(caption, head, rows[:MOST_LINES], numbers=1)
    if len(rows) <= MOST_LINES:
        return first
    return first + folded("The other columns", table("", head, rows[MOST_LINES:], numbers=1))
