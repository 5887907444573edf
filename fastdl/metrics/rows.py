"""Metrics that are means over rows of what a kernel says of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fastdl.kernels import loss
from fastdl.kernels._loss import record_loss
from fastdl.metrics.metric import RowMetric

if TYPE_CHECKING:
    from fastdl.losses import Loss
    from fastdl.program import Buffer, Recorder


class Accuracy(RowMetric):
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


class Error(RowMetric):
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
