"""What flows through a network in one step: activations forwards, gradients backwards, and how far the weights move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastdl.kernels import batchnorm_stats, global_norm
from fastdl.nn.activation import ElementWise

if TYPE_CHECKING:
    from fastdl.nn.network import Network
    from fastdl.program import Array
    from fastdl.step import TrainingStep

DEAD = frozenset({"relu"})  # activations whose zero passes no gradient on
ENDS = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}  # of those that saturate
MARGIN = 0.01  # of the distance between the ends: what is nearer to one than this is saturated


class Signal(NamedTuple):
    """One layer in one step. What a layer does not have is NaN.

    Attributes
    ----------
    step : int
        Its number, from 0.
    layer : str
        Place in the network, such as "3" or "2.0".
    kind : str
        Such as "Dense", or the layer's own name.
    mean, std : float
        Of all its outputs in the batch.
    dead : float
        Of a ReLU: fraction of the units that are 0 in every row.
    saturated : float
        Of tanh and sigmoid: fraction of the outputs within a hundredth of the range from an end.
    grad_norm : float
        Euclidean norm of the loss's gradient with respect to its parameters, penalties included, before clipping.
    weight_norm : float
        Of its parameters, before the step.
    update_ratio : float
        Norm of the parameters' change by the norm of the parameters.
    """

    step: int
    layer: str
    kind: str
    mean: float
    std: float
    dead: float
    saturated: float
    grad_norm: float
    weight_norm: float
    update_ratio: float


def measure(network: Network, step: TrainingStep, rows: int, number: int) -> list[Signal]:
    """Signals of a step that was made for diagnosis and has run on a batch; update ratios are not known yet."""
    outputs = dict(step.outputs)
    found = []
    for prefix, layer in network.walk():
        place = prefix.rstrip(".")
        buffer = outputs.get(f"layer {place} ({layer.title()})")
        if buffer is None:
            continue
        y = buffer.view[:rows]
        kind = layer.kind if isinstance(layer, ElementWise) else ""
        means, variances = batchnorm_stats(y)  # of all its units together: by the law of total variance
        gradients = [step.memory.gradients[id(parameter)] for parameter in layer.parameters_.values()]
        weights = [parameter.value for parameter in layer.parameters_.values()]
        found.append(
            Signal(
                number,
                place,
                layer.title(),
                float(means.mean()),
                float(np.sqrt(variances.mean() + means.var())),
                float((y.max(axis=0) <= 0.0).mean()) if kind in DEAD else np.nan,
                saturated(y, *ENDS[kind]) if kind in ENDS else np.nan,
                norm(gradients),
                norm(weights),
                np.nan,
            )
        )
    return found


def with_updates(signals: list[Signal], network: Network, before: dict[str, Array]) -> list[Signal]:
    """The same with their update ratios, now that the step has been made.

    `before` has copies of the parameters from before it, and has how far they moved from now on: new memory costs more.
    """
    layers = {prefix.rstrip("."): (prefix, layer) for prefix, layer in network.walk()}
    found = []
    for signal in signals:
        prefix, layer = layers[signal.layer]
        moved = [before[prefix + name] for name in layer.parameters_]
        for start, parameter in zip(moved, layer.parameters_.values(), strict=True):
            np.subtract(parameter.value, start, out=start)
        distance = norm(moved)
        ratio = distance / signal.weight_norm if signal.weight_norm > 0.0 else np.nan
        found.append(signal._replace(update_ratio=ratio))
    return found


def saturated(y: Array, low: float, high: float) -> float:
    """Fraction of the numbers near one of the ends."""
    margin = MARGIN * (high - low)
    return float(((y < low + margin) | (y > high - margin)).mean())


def norm(arrays: list[Any]) -> float:
    """Euclidean norm of all together, in float64; NaN for none."""
    return global_norm(arrays) if arrays else np.nan
