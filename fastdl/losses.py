"""Losses: what targets they take, and the ops that compute them with their gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastdl.errors import as_array, by_name
from fastdl.kernels import loss
from fastdl.kernels.gather import Rows, record_gather, record_labels

if TYPE_CHECKING:
    from fastdl.program import Array, Buffer, Recorder


class Loss:
    """Base class.

    Attributes
    ----------
    name : str
        As in `Trainer(loss=name)`.
    head : str
        What turns raw outputs into predictions.
    """

    name: ClassVar[str] = ""
    head: ClassVar[str] = "linear"

    def prepare(self, y: Any, rows: int, outputs: int, classes: Array | None) -> tuple[Array, Array | None]:
        """Targets as a matrix that the gather can read, and the class that each output stands for."""
        raise NotImplementedError

    def record_targets(self, recorder: Recorder, source: Rows) -> Buffer:
        """Record the gather of a batch's targets."""
        raise NotImplementedError

    def target_columns(self, outputs: int) -> int:
        """Columns of prepared targets."""
        raise NotImplementedError

    def record(
        self,
        recorder: Recorder,
        values: Buffer,
        dx: Buffer | None,
        x: Buffer,
        targets: Buffer,
        total: Array,
        weights: Any,
    ) -> None:
        """Record each row's loss, and the gradient of their weighted mean unless dx is None."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class CrossEntropy(Loss):
    """Softmax cross-entropy of integer labels: log(sum_j exp(x_j)) - x_label.

    Labels are 0 .. outputs - 1, or anything else that sorts, such as strings or booleans, with one class an output.
    """

    name, head = "cross_entropy", "softmax"

    def prepare(self, y: Any, rows: int, outputs: int, classes: Array | None) -> tuple[Array, Array | None]:
        """Labels as int32 (rows, 1)."""
        labels = as_array("y", y)
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels[:, 0]
        if labels.shape != (rows,):
            raise ValueError(f"y: expected a label for each of {rows} rows, shape ({rows},), got {labels.shape}")
        if outputs < 2:
            raise ValueError(
                f"loss: cross_entropy expects an output for each class, at least 2, the network has {outputs}"
            )
        if labels.dtype.kind == "f":
            if not np.isfinite(labels).all() or not np.array_equal(labels, np.trunc(labels)):
                raise ValueError("y: expected integer labels, got fractions or NaN; for regression use loss='mse'")
            labels = labels.astype(np.int64)
        if labels.dtype.kind in "iu":
            if classes is not None and classes.dtype.kind not in "iu":
                raise ValueError(f"y: expected labels such as {classes.tolist()[0]!r}, as before, got integers")
            if labels.size and (labels.min() < 0 or labels.max() >= outputs):
                raise ValueError(
                    f"y: expected labels 0 .. {outputs - 1} for {outputs} outputs, got {labels.min()} .. {labels.max()}"
                )
            known = np.arange(outputs) if classes is None else classes
            return np.ascontiguousarray(labels, np.int32).reshape(-1, 1), known
        if labels.dtype.kind not in "bUSO":
            raise TypeError(f"y: expected labels, got dtype {labels.dtype}")
        if labels.dtype.kind == "O":
            labels = labels.astype(str)
        known = np.unique(labels) if classes is None else classes
        if classes is None and len(known) != outputs:
            raise ValueError(f"y: expected {outputs} different labels for {outputs} outputs, got {len(known)}")
        place = np.searchsorted(known, labels)
        wrong = known[np.minimum(place, len(known) - 1)] != labels
        if wrong.any():
            raise ValueError(f"y: unknown label {labels[wrong].tolist()[0]!r}, expected one of {known.tolist()}")
        return place.astype(np.int32).reshape(-1, 1), known

    def target_columns(self, outputs: int) -> int:
        """One label a row."""
        return 1

    def record_targets(self, recorder: Recorder, source: Rows) -> Buffer:
        """Record the gather of the labels."""
        labels = recorder.vector(np.int32)
        recorder.add(record_labels, y=labels, source=source)
        return labels

    def record(
        self,
        recorder: Recorder,
        values: Buffer,
        dx: Buffer | None,
        x: Buffer,
        targets: Buffer,
        total: Array,
        weights: Any,
    ) -> None:
        """Record the kernel."""
        recorder.add(loss.record_cross_entropy, loss=values, dx=dx, x=x, labels=targets, total=total, weights=weights)


class MSE(Loss):
    """Squared error, the mean over rows and outputs. y of shape (n,) meets one output by reshaping."""

    name, head = "mse", "linear"

    def prepare(self, y: Any, rows: int, outputs: int, classes: Array | None) -> tuple[Array, Array | None]:
        """Targets as float32 (rows, outputs)."""
        target = as_array("y", y)
        if target.dtype.kind not in "fiub":
            raise TypeError(f"y: expected real numbers, got dtype {target.dtype}")
        if target.ndim == 1 and outputs == 1:
            target = target.reshape(-1, 1)
        if target.shape != (rows, outputs):
            raise ValueError(
                f"y: expected shape {(rows, outputs)} for {rows} rows and {outputs} outputs, got {target.shape}"
            )
        if not np.isfinite(target).all():
            row = int(np.argwhere(~np.isfinite(target))[0][0])
            raise ValueError(f"y: expected finite numbers, got {target[row].tolist()} in row {row}")
        with np.errstate(over="ignore"):
            rounded = np.ascontiguousarray(target, np.float32)
        if not np.isfinite(rounded).all():
            raise ValueError(f"y: expected numbers that float32 holds, got {np.abs(target).max():g}; scale the targets")
        return rounded, None

    def target_columns(self, outputs: int) -> int:
        """A target for each output."""
        return outputs

    def record_targets(self, recorder: Recorder, source: Rows) -> Buffer:
        """Record the gather of the targets."""
        target = recorder.matrix(source.cols)
        recorder.add(record_gather, y=target, source=source)
        return target

    def record(
        self,
        recorder: Recorder,
        values: Buffer,
        dx: Buffer | None,
        x: Buffer,
        targets: Buffer,
        total: Array,
        weights: Any,
    ) -> None:
        """Record the kernel."""
        recorder.add(loss.record_mse, loss=values, dx=dx, x=x, target=targets, total=total, weights=weights)


KINDS: dict[str, type[Loss]] = {kind.name: kind for kind in (CrossEntropy, MSE)}


def loss_of(value: Any) -> Loss:
    """A loss from itself or its name."""
    found: Loss = by_name("loss", value, KINDS, Loss)
    return found
