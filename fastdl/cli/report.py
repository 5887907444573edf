"""What a run tells: its scores, as a table and as a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from fastdl.history import History
from fastdl.report.numbers import LABELS, score_text
from fastdl.report.text import clean


def score_table(columns: Mapping[str, Mapping[str, float]]) -> str:
    """The scores as text.

    Parameters
    ----------
    columns : mapping of str to mapping of str to float
        For each column's heading its scores; a score that a column lacks is left empty.
    """
    names = [name for name in LABELS if any(name in scores for scores in columns.values())]
    cells = [["", *columns]]
    for name in names:
        cells.append([LABELS[name], *(score_text(name, scores.get(name, math.nan)) for scores in columns.values())])
    widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in cells]
    return "\n".join([lines[0], "-" * (sum(widths) + 2 * len(widths) - 2), *lines[1:]])


def facts_table(facts: Sequence[tuple[str, str]]) -> str:
    """Names and values, one pair a line."""
    width = max(len(name) for name, _ in facts)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in facts)


def save_curves(path: Path, history: History, title: str, best_epoch: int | None) -> None:
    """Draw the curves, with a line at the epoch whose weights were kept."""
    figure = history.plot()
    if best_epoch is not None:
        for axes in figure.axes:
            axes.axvline(best_epoch, color="0.4", linestyle=":", linewidth=1.2, label="best epoch", zorder=0)
            if axes.get_legend() is not None:
                axes.legend(frameon=False)
    figure.suptitle(clean(title), parse_math=False)  # a $ in a name begins no formula
    figure.savefig(path, dpi=150)
