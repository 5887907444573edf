"""The loss of yes or no, for one question or several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.errors import as_array
from fastdl.losses.loss import Loss, places, real_targets, refuse_rows

if TYPE_CHECKING:
    from fastdl.program import Array


class BinaryCrossEntropy(Loss):
    """Cross-entropy of a sigmoid, the mean over outputs: -t log p - (1 - t) log(1 - p) with p = 1 / (1 + exp(-x)).

    With one output, y has shape (n,) and holds 0 and 1, probabilities between them, or two other labels such as strings
    or booleans, of which the one that sorts last is 1. With several outputs, each is a question of its own, and y of
    shape (n, outputs) holds numbers in [0, 1].
    """

    name, head, kernel = "binary_cross_entropy", "sigmoid", "binary_cross_entropy"

    def prepare(self, y: Any, rows: int, outputs: int, classes: Array | None) -> tuple[Array, Array | None]:
        """Targets as float32 (rows, outputs), and the labels of 0 and 1 if there is one output."""
        target = as_array("y", y)
        if outputs == 1 and target.ndim == 2 and target.shape[1] == 1:
            target = target[:, 0]
        if outputs == 1 and target.dtype.kind not in "fiu":
            if target.shape != (rows,):
                raise ValueError(f"y: expected a label for each of {rows} rows, shape ({rows},), got {target.shape}")
            if classes is not None and classes.dtype.kind in "iu":
                raise ValueError(f"y: expected labels such as {classes.tolist()[0]!r}, as before, got {target.dtype}")
            target, classes = places(target, classes, 2, "one output")
        elif outputs == 1 and classes is not None and classes.dtype.kind not in "iu":
            raise ValueError(f"y: expected labels such as {classes.tolist()[0]!r}, as before, got numbers")
        p = real_targets(target, rows, outputs, "1 output" if outputs == 1 else f"{outputs} outputs")
        refuse_rows((p < 0) | (p > 1), p, "targets in [0, 1]")
        if outputs > 1:
            return p, None
        return p, np.arange(2) if classes is None else classes
