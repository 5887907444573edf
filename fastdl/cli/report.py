"""What a run tells: its scores, as a table and as a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from fastdl.history import History

# How a score is called in the table, and how its number is written.
LABELS = {"accuracy": "accuracy", "log_loss": "log loss", "rmse": "RMSE", "mae": "MAE", "r2": "R2"}


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
        cells.append([LABELS[name], *(_number(name, scores.get(name)) for scores in columns.values())])
    widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in cells]
    return "\n".join([lines[0], "-" * (sum(widths) + 2 * len(widths) - 2), *lines[1:]])


def facts_table(facts: Sequence[tuple[str, str]]) -> str:
    """Names and values, one pair a line."""
    width = max(len(name) for name, _ in facts)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in facts)


def _number(name: str, value: float | None) -> str:
    if value is None or math.isnan(value):
        return ""
    if name == "accuracy":
        return f"{100 * value:.2f} %"
    if name == "r2":
        return f"{round(value, 4) + 0.0:.4f}"  # the sum makes no minus of a rounded zero
    return plain(value)


def plain(value: float) -> str:
    """Four digits, without an exponent where that is readable: 68080, not 6.808e+04."""
    if 1e-4 <= abs(value) < 1e9:
        return np.format_float_positional(value, precision=4, unique=False, fractional=False, trim="-")
    return f"{value:.4g}"


def save_curves(path: Path, history: History, title: str, best_epoch: int | None) -> None:
    """Draw the curves, with a line at the epoch whose weights were kept."""
    figure = history.plot()
    if best_epoch is not None:
        for axes in figure.axes:
            axes.axvline(best_epoch, color="0.4", linestyle=":", linewidth=1.2, label="best epoch", zorder=0)
            if axes.get_legend() is not None:
                axes.legend(frameon=False)
    figure.suptitle(title)
    figure.savefig(path, dpi=150)
