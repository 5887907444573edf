"""What the experiments share: the data, seeds, and how an outcome becomes a table and a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import fastdl as fdl
from fastdl import datasets
from fastdl.figures import new_figure

SEEDS = range(5)
TRAINING = 1000  # of the 1797 digits; the others test


class Skipped(Exception):
    """An experiment lacks its data; the text says what to do."""


@dataclass
class Outcome:
    """Numbers by variant: `values[variant]` has a row for each seed and a column for each quantity."""

    quantities: list[str]
    values: dict[str, list[list[float]]] = field(default_factory=dict)
    curves: dict[str, list[list[float]]] = field(default_factory=dict)  # by variant: a curve for each seed
    axes: tuple[str, str] = ("epoch", "test accuracy")

    def add(self, variant: str, values: list[float], curve: list[float]) -> None:
        """One seed of a variant."""
        self.values.setdefault(variant, []).append([float(value) for value in values])
        self.curves.setdefault(variant, []).append([float(value) for value in curve])

    def as_json(self) -> dict[str, Any]:
        """All of it; four digits of the curves."""
        rounded = {name: [np.round(curve, 4).tolist() for curve in curves] for name, curves in self.curves.items()}
        return {"quantities": self.quantities, "values": self.values, "axes": self.axes, "curves": rounded}


def digits(seed: int) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Training and test rows of the bundled digits, drawn by the seed."""
    X, y = datasets.load_digits()
    order = np.argsort(fdl.kernels.random_uniform(len(X), seed))
    training, test = order[:TRAINING], order[TRAINING:]
    return (X[training], y[training]), (X[test], y[test])


def fit(
    make: Callable[[], Any], seed: int, epochs: int, data: Any = None, batch_size: int = 50, **options: Any
) -> fdl.Trainer:
    """A network trained on the digits, tested after each epoch; a training that explodes ends where it was."""
    (X, y), test = data or digits(seed)
    trainer = fdl.Trainer(make(), seed=seed, metrics=["accuracy"], **options)
    try:
        trainer.fit(X, y, epochs=epochs, batch_size=batch_size, validation_data=test, progress=False)
    except fdl.NonFiniteError:
        print(f"seed {seed}: exploded in epoch {trainer.epoch}")
    return trainer


def table(outcome: Outcome) -> str:
    """Mean and spread (the sample's standard deviation) over the seeds, as Markdown."""
    lines = [f"| | {' | '.join(outcome.quantities)} |", f"|---|{'---|' * len(outcome.quantities)}"]
    for variant, rows in outcome.values.items():
        mean = np.mean(rows, axis=0)
        spread = np.std(rows, axis=0, ddof=1) if len(rows) > 1 else np.zeros(len(mean))
        cells = (f"{m:.4g} ± {s:.2g}" for m, s in zip(mean, spread, strict=True))
        lines.append(f"| {variant} | {' | '.join(cells)} |")
    seeds = len(next(iter(outcome.values.values())))
    return "\n".join([*lines, "", f"Mean ± standard deviation over {seeds} seeds."])


def picture(outcome: Outcome, path: Path) -> None:
    """The mean curve of each variant, and the range over the seeds as a shade."""
    figure = new_figure("the guide", 6.4, 3.6)
    axes = figure.add_subplot()
    for variant, curves in outcome.curves.items():
        length = min(map(len, curves))
        if not length:
            continue
        rows = np.array([curve[:length] for curve in curves])
        epochs = np.arange(1, length + 1)
        (line,) = axes.plot(epochs, rows.mean(axis=0), label=variant)
        axes.fill_between(epochs, rows.min(axis=0), rows.max(axis=0), color=line.get_color(), alpha=0.15, linewidth=0)
    axes.set(xlabel=outcome.axes[0], ylabel=outcome.axes[1])
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize="small")
    figure.savefig(path, metadata={"Date": None})
