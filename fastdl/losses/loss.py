"""What a loss is, and the checks of targets that several share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastdl.errors import as_array
from fastdl.kernels._loss import record_loss
from fastdl.kernels._rows import Rows
from fastdl.kernels.gather import record_gather, record_labels

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
    estimates : bool
        Whether each raw output is an estimate of its target, in the target's own unit.
    labels : bool
        Whether targets are labels, as a rule.
    """

    name: ClassVar[str] = ""
    head: str = "linear"
    inspected: ClassVar[tuple[str, ...]] = ()  # constructor arguments
    kernel: ClassVar[str] = ""
    labels: ClassVar[bool] = False
    estimates: bool = False

    def prepare(self, y: Any, rows: int, outputs: int, classes: Array | None) -> tuple[Array, Array | None]:
        """Targets as a matrix that the gather can read, int32 for labels, else float32; and the classes, if any."""
        raise NotImplementedError

    def target_columns(self, outputs: int) -> int:
        """Columns of prepared targets, as a rule."""
        return 1 if self.labels else outputs

    def record_targets(self, recorder: Recorder, source: Rows, labels: bool) -> Buffer:
        """Record the gather of a batch's targets: int32 (B,) for labels, else float32 (B, columns)."""
        if labels:
            target = recorder.vector(np.int32)
            recorder.add(record_labels, y=target, source=source)
        else:
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
        """Record each row's loss, and the gradient of their weighted mean unless dx is None."""
        recorder.add(
            record_loss,
            kind=self.kernel_for(targets),
            loss=values,
            dx=dx,
            x=x,
            target=targets,
            total=total,
            weights=weights,
            parameters=self.parameters(),
        )

    def kernel_for(self, targets: Buffer) -> str:
        """Which kernel takes these targets."""
        return self.kernel

    def parameters(self) -> Array | None:
        """What the kernel is told beside its arrays, float32."""
        return None

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.inspected)
        return f"{type(self).__name__}({inside})"


def real_targets(y: Any, rows: int, columns: int, why: str) -> Array:
    """Finite targets as float32 (rows, columns); y of shape (n,) meets one column by reshaping."""
    target = as_array("y", y)
    if target.dtype.kind not in "fiub":
        raise TypeError(f"y: expected real numbers, got dtype {target.dtype}")
    if target.ndim == 1 and columns == 1:
        target = target.reshape(-1, 1)
    if target.shape != (rows, columns):
        raise ValueError(f"y: expected shape {(rows, columns)} for {rows} rows and {why}, got {target.shape}")
    if not np.isfinite(target).all():
        row = int(np.argwhere(~np.isfinite(target))[0][0])
        raise ValueError(f"y: expected finite numbers, got {target[row].tolist()} in row {row}")
    with np.errstate(over="ignore"):
        rounded = np.ascontiguousarray(target, np.float32)
    if not np.isfinite(rounded).all():
        raise ValueError(f"y: expected numbers that float32 holds, got {np.abs(target).max():g}; scale the targets")
    return rounded


def refuse_rows(bad: Array, y: Array, expected: str) -> None:
    """Name the first row in which something is wrong.   bad: (rows,) or (rows, columns)   y: (rows, columns)."""
    rows = bad.any(axis=1) if bad.ndim == 2 else bad
    if rows.any():
        row = int(rows.argmax())
        raise ValueError(f"y: expected {expected}, got {y[row].tolist()} in row {row}")


def places(labels: Array, classes: Array | None, count: int, why: str) -> tuple[Array, Array]:
    """Which of the sorted classes each label is, int64, and the classes; these are found if they are not given."""
    if labels.dtype.kind not in "bUSO":
        raise TypeError(f"y: expected labels, got dtype {labels.dtype}")
    if labels.dtype.kind == "O":
        labels = labels.astype(str)
    known = np.unique(labels) if classes is None else classes
    if classes is None and len(known) != count:
        raise ValueError(f"y: expected {count} different labels for {why}, got {len(known)}")
    place = np.searchsorted(known, labels)
    wrong = known[np.minimum(place, len(known) - 1)] != labels
    if wrong.any():
        raise ValueError(f"y: unknown label {labels[wrong].tolist()[0]!r}, expected one of {known.tolist()}")
    return place, known
