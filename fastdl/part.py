"""The data of a fit or an evaluation, checked against the network before anything is changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl import data

if TYPE_CHECKING:
    from fastdl.losses import Loss
    from fastdl.nn.network import Network
    from fastdl.program import Array


@dataclass(frozen=True, slots=True)
class Form:
    """What a program has to know of its data: whether rows weigh differently, and what the targets look like."""

    weighted: bool
    labels: bool  # int32
    columns: int


@dataclass(slots=True)
class Part:
    """Inputs, targets, weights (None: all weigh the same), and which rows count (None: all)."""

    x: Array
    targets: Array
    weights: Array | None
    rows: Array | None

    @property
    def size(self) -> int:
        """Number of rows that count."""
        return self.x.shape[0] if self.rows is None else len(self.rows)

    @property
    def form(self) -> Form:
        """What a program for these data has to know of them."""
        return Form(self.weights is not None, self.targets.dtype == np.int32, self.targets.shape[1])

    def split(self, fraction: float, seed: int) -> tuple[Part, Part]:
        """The training and the validation part, drawn by the seed."""
        training, held = data.split(self.size, fraction, seed)
        rows = np.arange(self.x.shape[0]) if self.rows is None else self.rows
        return (
            Part(self.x, self.targets, self.weights, rows[training]),
            Part(self.x, self.targets, self.weights, rows[held]),
        )


def check_inputs(net: Network, X: Any, name: str) -> Array:
    """X as rows that the gather can read, fit for this network if that is built."""
    features = None if net.input_shape is None else net.input_shape[0]
    x = data.as_rows(X, features, net.expects)
    data.check_training_rows(x, name, scaled=net.scaler() is not None)
    return x


def check_part(
    net: Network, loss: Loss, x: Array, y: Any, sample_weight: Any, class_weight: Any, classes: Array | None
) -> tuple[Part, Array | None]:
    """Checked data for a built network, and the class that each output stands for."""
    try:
        rows = len(y)
    except TypeError:
        raise TypeError(f"y: expected an array, got {type(y).__name__}") from None
    if rows != x.shape[0]:
        raise ValueError(f"y: expected a target for each of {x.shape[0]} rows of X, got {rows}")
    targets, classes = loss.prepare(y, rows, net.widths[1], classes)
    weights = data.row_weights(sample_weight, class_weight, y, rows, classes)
    counting = None
    if weights is not None and not (weights > 0).all():
        counting = np.flatnonzero(weights)  # rows of weight 0 take no part, so that they can't change a bit
    return Part(x, targets, weights, counting), classes
