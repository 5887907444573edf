"""What a training recorded: one number per quantity and epoch."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastdl.errors import check_int, unknown_name
from fastdl.figures import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["History"]

VALIDATION = "val_"
# What tells how the training went rather than how good the network is; drawn smaller.
DIAGNOSTICS = frozenset({"clipped", "grad_norm", "lr", "penalty"})


class History(Mapping[str, list[float]]):
    """The losses and metrics of a training, epoch by epoch.

    A read-only mapping from a name to a list with one float per epoch. `Trainer.fit` returns it and goes on filling it
    when it is called again.

    Attributes
    ----------
    epochs : int
        How many epochs have been recorded. Each list is that long.

    Notes
    -----
    Epochs count from 0 here, in the callbacks and in the files: `history["loss"][callback.best_epoch]` is the best
    epoch's. A quantity that an epoch did not have, such as the validation loss of a fit without validation data, is NaN
    there, so that all lists stay aligned.

    Examples
    --------
    >>> history = History()
    >>> history.append({"loss": 0.5, "val_loss": 0.75})
    >>> history.append({"loss": 0.25, "val_loss": 0.5})
    >>> history["val_loss"]
    [0.75, 0.5]
    >>> history
    History(2 epochs: loss=0.25, val_loss=0.5)
    """

    def __init__(self) -> None:
        self._columns: dict[str, list[float]] = {}
        self._epochs = 0

    @property
    def epochs(self) -> int:
        """How many epochs have been recorded."""
        return self._epochs

    def append(self, logs: Mapping[str, float]) -> None:
        """Record one more epoch.

        Parameters
        ----------
        logs : mapping of str to float
            What the epoch gave. A name that was not there before is NaN in the earlier epochs.
        """
        # All conversions come first: a bad value leaves the history as it was.
        values = {name: _number(name, value) for name, value in logs.items()}
        for name in values:
            self._columns.setdefault(name, [math.nan] * self._epochs)
        for name, column in self._columns.items():
            column.append(values.get(name, math.nan))
        self._epochs += 1

    def truncate(self, n: int) -> None:
        """Forget all but the first `n` epochs.

        Parameters
        ----------
        n : int
            How many epochs to keep; nothing happens when there are no more than that.
        """
        n = check_int("History.truncate: n", n, 0)
        for column in self._columns.values():
            del column[n:]
        self._epochs = min(self._epochs, n)
        if self._epochs == 0:
            self._columns.clear()

    def __getitem__(self, name: str) -> list[float]:
        if name in self._columns:
            return list(self._columns[name])  # whoever sorts or smooths it must not rewrite what happened
        if not self._columns:
            raise ValueError(f"history: there is no {name!r}, nothing was recorded yet")
        raise unknown_name("history", name, self._columns)

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def get(self, name: str, default: Any = None) -> Any:
        """The values of `name`, or `default` where nothing of that name was recorded."""
        return self[name] if name in self._columns else default

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, History):
            return NotImplemented
        # repr equality makes NaN equal to itself and tells every other float apart.
        return self._epochs == other._epochs and {name: repr(column) for name, column in self._columns.items()} == {
            name: repr(column) for name, column in other._columns.items()
        }

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        epochs = f"{self._epochs} epoch{'' if self._epochs == 1 else 's'}"
        last = ", ".join(f"{name}={column[-1]:.6g}" for name, column in self._columns.items())
        return f"History({epochs}: {last})" if last else f"History({epochs})"

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a table with one line per epoch.

        The first column is `epoch`, from 0. The numbers are written so that reading them gives the same floats.

        Parameters
        ----------
        path : path-like
            The file; one that is there is replaced.
        """
        import csv

        with open(path, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["epoch", *self._columns])
            # The module writes floats by repr: all their digits.
            writer.writerows(zip(range(self._epochs), *self._columns.values(), strict=True))

    def to_pandas(self) -> Any:
        """A pandas DataFrame, a column for each quantity, the index `epoch` from 0.

        Raises
        ------
        ImportError
            Without pandas.
        """
        try:
            pandas = import_module("pandas")
        except ImportError as error:
            raise ImportError('History.to_pandas needs pandas: pip install "fastdl-nn[tabular]"') from error
        return pandas.DataFrame(dict(self._columns), index=pandas.RangeIndex(self._epochs, name="epoch"))

    def plot(self, path: str | os.PathLike[str] | None = None) -> Figure:
        """Draw the curves: one panel per quantity, training and validation together, diagnostics below.

        Parameters
        ----------
        path : path-like, optional
            Where to save the picture too; the suffix says the format (.png, .svg, .pdf).

        Returns
        -------
        matplotlib.figure.Figure
            A figure that belongs to no window and to no pyplot state, so this works without a display and from any
            thread.
        """
        if self._epochs == 0:
            raise ValueError("there is nothing to plot: the history has no epochs yet")
        quantities = list(dict.fromkeys(name.removeprefix(VALIDATION) for name in self._columns))
        scores = [quantity for quantity in quantities if quantity not in DIAGNOSTICS]
        rows = [scores[start : start + 3] for start in range(0, len(scores), 3)]
        heights = [3.4] * len(rows)
        diagnostics = [quantity for quantity in quantities if quantity in DIAGNOSTICS]
        if diagnostics:
            rows.append(diagnostics)
            heights.append(2.0)
        width = max(6.5, 4.8 * len(rows[0]), 3.4 * len(rows[-1]))
        figure = new_figure("History.plot", width, 0.3 + sum(heights))
        bands = figure.subfigures(len(rows), 1, height_ratios=heights, squeeze=False)[:, 0]
        for band, row in zip(bands, rows, strict=True):
            for axes, quantity in zip(band.subplots(1, len(row), squeeze=False)[0], row, strict=True):
                self._draw(axes, quantity)
        if path is not None:
            figure.savefig(path, dpi=150)
        return figure

    def _draw(self, axes: Axes, quantity: str) -> None:
        """Draw one quantity's curves into `axes`."""
        from matplotlib.ticker import LogLocator, MaxNLocator

        curves = {
            label: self._columns[name]
            for label, name in (("training", quantity), ("validation", VALIDATION + quantity))
            if name in self._columns
        }
        # A marker where a line would show nothing: a single epoch, or one between two that are NaN.
        marker = "o" if self._epochs < 3 else None
        for label, values in curves.items():
            color = "0.45" if quantity in DIAGNOSTICS else "C0" if label == "training" else "C1"
            axes.plot(range(self._epochs), values, label=label, color=color, marker=marker, linewidth=1.8)
        finite = [value for values in curves.values() for value in values if math.isfinite(value)]
        # Losses fall by factors: on a linear axis the first epochs would flatten all that follows.
        if "loss" in quantity and finite and min(finite) > 0 and max(finite) > 10 * min(finite):
            axes.set_yscale("log", subs=[])
            axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axes.yaxis.set_major_formatter("{x:g}")
        axes.set_title(quantity.replace("_", " "), fontsize=11)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        axes.grid(True, which="major", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        if len(curves) > 1:
            axes.legend(frameon=False)


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name!r} must be a number, got {value!r}") from error
