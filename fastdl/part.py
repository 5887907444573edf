"""The data of a fit or an evaluation, checked against the network before anything is changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl import data
from fastdl.errors import check_number
from fastdl.nn.embedding import Embedding
from fastdl.nn.lsuv import adapt_lsuv

if TYPE_CHECKING:
    from collections.abc import Sequence

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

    def head(self, most: int) -> Part:
        """A copy of its first rows."""
        rows = slice(most) if self.rows is None else self.rows[:most]
        weights = None if self.weights is None else self.weights[rows].copy()
        return Part(np.array(self.x[rows]), self.targets[rows].copy(), weights, None)

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
    net.first_layer().check(x)
    data.check_training_rows(x, name, scaled=net.scaler() is not None, codes=codes_of(net))
    return x


def codes_of(net: Network) -> Sequence[int]:
    """Which inputs are codes of categories, whose size says nothing."""
    first = net.first_layer()
    return first.columns if isinstance(first, Embedding) else ()


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


def prepare(
    net: Network,
    loss: Loss,
    seed: int,
    X: Any,
    y: Any,
    sample_weight: Any,
    class_weight: Any,
    fraction: float,
    validation_data: Sequence[Any] | None,
    least: int,
) -> tuple[Part, Part | None]:
    """The training and the validation part of a fit, whose network is built and adapted; on an error it is as it was.

    A `fraction` of the rows is held out, or `validation_data` is. The training part has at least `least` rows.
    """
    was_built = net.built
    check_number("validation_split", fraction, 0.0, 1.0, open_high=True)
    x = check_inputs(net, X, "X")
    if not was_built:
        net.first_layer().look(x)
    try:
        net.build((x.shape[1],), seed)
        if net.count_parameters() == 0:
            raise ValueError(f"{net.title()}: expected at least one trainable parameter, it has none")
        part, classes = check_part(net, loss, x, y, sample_weight, class_weight, net.classes_)
        training, validation = part.split(fraction, seed) if fraction else (part, None)
        if validation_data is not None:
            held_x = check_inputs(net, validation_data[0], "validation_data")
            weight = validation_data[2] if len(validation_data) == 3 else None
            validation, _ = check_part(net, loss, held_x, validation_data[1], weight, None, classes)
        if training.size < least:
            raise ValueError(f"drop_last: {training.size} rows hold no whole batch of {least}")
        scaler = net.scaler()
        if scaler is not None:
            scaler.adapt(training.x, training.rows)
        adapt_lsuv(net, training.x, training.rows)
    except BaseException:
        if not was_built:
            net.forget()
        raise
    net.head, net.classes_, net.training_rows = loss.head, classes, training.size
    return training, validation
