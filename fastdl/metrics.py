"""Metrics: means over rows of what a kernel says of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastdl.errors import by_name
from fastdl.kernels import loss
from fastdl.kernels._loss import record_loss

if TYPE_CHECKING:
    from fastdl.losses import Loss
    from fastdl.program import Buffer, Recorder


class Metric:
    """Base class.

    Attributes
    ----------
    name : str
        As in the history, with "val_" in front for validation data.
    """

    name: ClassVar[str] = ""

    def goes_with(self, of: Loss) -> bool:
        """Whether it means something beside this loss."""
        raise NotImplementedError

    def check(self, of: Loss) -> None:
        """Refuse a loss that it does not go with."""
        if not self.goes_with(of):
            raise ValueError(f"metrics: {self.name!r} does not go with the loss {of.name or of!r}")

    def record(self, recorder: Recorder, values: Buffer, x: Buffer, targets: Buffer, of: Loss) -> None:
        """Record each row's value."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Accuracy(Metric):
    """Fraction of rows whose largest output is the label's, or that of the largest target probability.

    With binary cross-entropy: fraction of outputs above 0 (p > 1/2) where the target is above 1/2, and not elsewhere.
    """

    name = "accuracy"

    def goes_with(self, of: Loss) -> bool:
        """With losses of classes."""
        return of.head in ("softmax", "sigmoid")

    def record(self, recorder: Recorder, values: Buffer, x: Buffer, targets: Buffer, of: Loss) -> None:
        """Record hits and misses."""
        recorder.add(loss.record_hits, hits=values, x=x, target=targets, each=of.head == "sigmoid")


class Error(Metric):
    """Mean over rows and outputs of how far an output is from its target."""

    def goes_with(self, of: Loss) -> bool:
        """With losses whose outputs estimate the targets."""
        return of.estimates

    def record(self, recorder: Recorder, values: Buffer, x: Buffer, targets: Buffer, of: Loss) -> None:
        """Record the errors."""
        if targets.shape != x.shape:
            raise ValueError(f"metrics: {self.name!r} expects a target for each of {x.shape[1]} outputs")
        total = np.ones(2)
        recorder.add(record_loss, kind=self.name, loss=values, dx=None, x=x, target=targets, total=total)


class MSE(Error):
    """Mean squared error over rows and outputs."""

    name = "mse"


class MAE(Error):
    """Mean absolute error over rows and outputs."""

    name = "mae"


KINDS: dict[str, type[Metric]] = {kind.name: kind for kind in (Accuracy, MSE, MAE)}


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
