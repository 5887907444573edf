"""Metrics: means over rows of what a kernel says of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastdl.errors import by_name
from fastdl.kernels import loss

if TYPE_CHECKING:
    from fastdl.losses import Loss
    from fastdl.program import Buffer, Recorder


class Metric:
    """Base class.

    Attributes
    ----------
    name : str
        As in the history, with "val_" in front for validation data.
    head : str
        The kind of loss that it goes with.
    """

    name: ClassVar[str] = ""
    head: ClassVar[str] = ""

    def check(self, of: Loss) -> None:
        """Refuse a loss that it does not go with."""
        if of.head != self.head:
            raise ValueError(f"metrics: {self.name!r} does not go with the loss {of.name!r}")

    def record(self, recorder: Recorder, values: Buffer, x: Buffer, targets: Buffer) -> None:
        """Record each row's value."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Accuracy(Metric):
    """Fraction of rows whose largest output is the label's."""

    name, head = "accuracy", "softmax"

    def record(self, recorder: Recorder, values: Buffer, x: Buffer, targets: Buffer) -> None:
        """Record hits and misses."""
        recorder.add(loss.record_hits, hits=values, x=x, labels=targets)


class MSE(Metric):
    """Mean squared error over rows and outputs."""

    name, head = "mse", "linear"

    def record(self, recorder: Recorder, values: Buffer, x: Buffer, targets: Buffer) -> None:
        """Record squared errors."""
        total = np.ones(2)
        recorder.add(loss.record_mse, loss=values, dx=None, x=x, target=targets, total=total, weights=None)


KINDS: dict[str, type[Metric]] = {kind.name: kind for kind in (Accuracy, MSE)}


def metrics_of(values: Any) -> list[Metric]:
    """Metrics from objects or names, none twice."""
    if isinstance(values, str | Metric):
        values = [values]
    if not hasattr(values, "__iter__"):
        raise TypeError(f"metrics: expected a list of names, got {type(values).__name__}")
    found: list[Metric] = [by_name("metrics", value, KINDS, Metric) for value in values]
    names = [metric.name for metric in found]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"metrics: {name!r} is there twice")
    return found
