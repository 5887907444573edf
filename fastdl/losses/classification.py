"""Losses over a softmax: one class a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.errors import as_array, check_number
from fastdl.kernels.loss import SUM_TOLERANCE
from fastdl.losses.loss import Loss, places, real_targets, refuse_rows

if TYPE_CHECKING:
    from fastdl.program import Array, Buffer


def class_numbers(y: Any, rows: int, outputs: int, classes: Array | None, name: str) -> tuple[Array, Array]:
    """Labels as int32 (rows, 1), and the class that each output stands for."""
    labels = as_array("y", y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.shape != (rows,):
        raise ValueError(f"y: expected a label for each of {rows} rows, shape ({rows},), got {labels.shape}")
    if outputs < 2:
        raise ValueError(
            f"loss: {name} expects an output for each class, at least 2, the network has {outputs}; "
            "for one output there is 'binary_cross_entropy'"
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
    place, known = places(labels, classes, outputs, f"{outputs} outputs")
    return place.astype(np.int32).reshape(-1, 1), known


class CrossEntropy(Loss):
    """Softmax cross-entropy: log(sum_j exp(x_j)) - sum_j t_j x_j, where t is 1 at the label and 0 elsewhere.

    Labels are 0 .. outputs - 1, or anything else that sorts, such as strings or booleans, with one class an output. Or
    y holds the probabilities t themselves: floats of shape (n, outputs), at least 0, whose rows sum to 1 within 1e-3.

    Parameters
    ----------
    label_smoothing : float
        e in [0, 1]: t becomes (1 - e) t + e / outputs (Szegedy et al. 2016), in training and evaluation alike.
    """

    name, head, labels, inspected = "cross_entropy", "softmax", True, ("label_smoothing",)

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = check_number("label_smoothing", label_smoothing, 0.0, 1.0)

    def prepare(self, y: Any, rows: int, outputs: int, classes: Array | None) -> tuple[Array, Array | None]:
        """Labels as int32 (rows, 1), or probabilities, smoothed by now, as float32 (rows, outputs)."""
        given = as_array("y", y)
        if given.dtype.kind != "f" or given.ndim != 2 or given.shape[1] < 2:
            return class_numbers(given, rows, outputs, classes, self.name)
        p = real_targets(given, rows, outputs, f"{outputs} outputs")
        refuse_rows(p < 0, p, "probabilities of at least 0")
        refuse_rows(~(np.abs(p.sum(axis=1, dtype=np.float64) - 1.0) <= SUM_TOLERANCE), p, "probabilities that sum to 1")
        if self.label_smoothing:
            p = ((1.0 - self.label_smoothing) * p + self.label_smoothing / outputs).astype(np.float32)
        return p, np.arange(outputs) if classes is None else classes

    def kernel_for(self, targets: Buffer) -> str:
        """By what `prepare` made of y."""
        return "softmax_cross_entropy" if len(targets.shape) == 1 else "softmax_cross_entropy_probabilities"

    def parameters(self) -> Array:
        """The smoothing of labels."""
        return np.array([self.label_smoothing], np.float32)


class Focal(Loss):
    """Focal loss over a softmax: -(1 - p)^gamma log p, p the probability of the label (Lin et al. 2017).

    Rows that are well classified count less, so that rare or hard ones count more. Labels are those of `CrossEntropy`.

    Parameters
    ----------
    gamma : float
        At least 0; 0 gives the cross-entropy.
    """

    name, head, labels, inspected, kernel = "focal", "softmax", True, ("gamma",), "focal"

    def __init__(self, gamma: float = 2.0) -> None:
        self.gamma = check_number("gamma", gamma, 0.0, float(np.finfo(np.float32).max))

    def prepare(self, y: Any, rows: int, outputs: int, classes: Array | None) -> tuple[Array, Array | None]:
        """Labels as int32 (rows, 1)."""
        return class_numbers(y, rows, outputs, classes, self.name)

    def parameters(self) -> Array:
        """The exponent."""
        return np.array([self.gamma], np.float32)
