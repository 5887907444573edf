"""Losses of real targets. y of shape (n,) meets one output by reshaping, never by broadcasting."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.errors import as_array, check_number
from fastdl.losses.loss import Loss, real_targets, refuse_rows
from fastdl.quantiles import head_of

if TYPE_CHECKING:
    from fastdl.program import Array


class Regression(Loss):
    """A loss of a real target for each output."""

    estimates = True

    def prepare(self, y: Any, rows: int, outputs: int, classes: Array | None) -> tuple[Array, Array | None]:
        """Targets as float32 (rows, outputs)."""
        return real_targets(y, rows, outputs, f"{outputs} outputs"), None


class MSE(Regression):
    """Squared error, the mean over rows and outputs."""

    name, kernel = "mse", "mse"


class MAE(Regression):
    """Absolute error, the mean over rows and outputs; its gradient is 0 where an output equals its target."""

    name, kernel = "mae", "mae"


class Huber(Regression):
    """Huber's (1964) loss: d^2 / 2 for errors |d| <= delta, else delta (|d| - delta / 2); the mean over outputs.

    Parameters
    ----------
    delta : float
        Above 0, in the unit of the targets.
    """

    name, kernel, inspected = "huber", "huber", ("delta",)

    def __init__(self, delta: float = 1.0) -> None:
        tiny, huge = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)
        self.delta = check_number("delta", delta, 0.0, huge, open_low=True)
        if self.delta < tiny:
            raise ValueError(f"delta: expected a number that float32 holds, got {delta!r}")

    def parameters(self) -> Array:
        """Where squared error ends."""
        return np.array([self.delta], np.float32)


class Poisson(Regression):
    """Poisson loss of counts: exp(x) - t x, the mean over outputs. Outputs x are logarithms of rates.

    `predict` gives these logarithms: np.exp of them are the expected counts. Targets are at least 0.
    """

    name, kernel, estimates = "poisson", "poisson", False

    def prepare(self, y: Any, rows: int, outputs: int, classes: Array | None) -> tuple[Array, Array | None]:
        """Counts as float32 (rows, outputs)."""
        targets, _ = super().prepare(y, rows, outputs, classes)
        refuse_rows(targets < 0, targets, "counts of at least 0")
        return targets, None


class Quantile(Regression):
    """Pinball loss (Koenker, Bassett 1978): q (t - x) below the target, (1 - q) (x - t) above; the mean over outputs.

    Parameters
    ----------
    levels : float or iterable of float
        q, each in (0, 1), none twice: 0.5 is the median. The network has an output for each target and level: column
        j m + i is level i of target j, with m levels. One target of m levels has just m outputs.

    Notes
    -----
    Quantiles of one target that cross are sorted in predictions (Chernozhukov, Fernandez-Val and Galichon 2010), which
    never makes them worse; training and `evaluate` see them as they are.
    """

    name, kernel, inspected = "quantile", "quantile", ("levels",)

    def __init__(self, levels: float | Iterable[float]) -> None:
        given = list(levels) if isinstance(levels, Iterable) else [levels]
        checked = (check_number("levels", q, 0.0, 1.0, open_low=True, open_high=True) for q in given)
        self.levels = tuple(float(q) for q in checked)
        rounded = np.array(self.levels, np.float32)
        if not self.levels or len(np.unique(rounded)) < len(rounded) or rounded.min() <= 0 or rounded.max() >= 1:
            raise ValueError(f"levels: expected one or more different numbers in (0, 1), got {given}")
        self.estimates = len(self.levels) == 1
        self.head = head_of(self.levels)

    def prepare(self, y: Any, rows: int, outputs: int, classes: Array | None) -> tuple[Array, Array | None]:
        """Targets as float32 (rows, outputs / levels)."""
        target = as_array("y", y)
        columns = 1 if target.ndim == 1 else target.shape[-1]
        count = len(self.levels)
        if columns * count != outputs:
            raise ValueError(
                f"loss: quantile with {count} levels expects {columns * count} outputs for {columns} "
                f"target{'s' * (columns != 1)}, the network has {outputs}"
            )
        return real_targets(target, rows, columns, f"{outputs} outputs of {count} levels"), None

    def target_columns(self, outputs: int) -> int:
        """One for all levels."""
        return outputs // len(self.levels)

    def parameters(self) -> Array:
        """The levels."""
        return np.array(self.levels, np.float32)
