"""What each layer computes in inference."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl import nn
from fastdl.export.graph import Node, apply, cast, constant
from fastdl.quantiles import levels_of

if TYPE_CHECKING:
    from fastdl.nn.network import Network
    from fastdl.program import Array

SELU_LAMBDA, SELU_FLOOR = 1.05070098735548049342, 1.75809934084737685994


def graph_of(network: Network, x: Node) -> Node:
    """The outputs of a built network for a batch x of any floats.

    Raises
    ------
    ValueError
        If the network is not built.
    TypeError
        If a layer is a user's own: what it computes is known to its author alone.
    """
    network.require_built("an export")
    if network.scaler() is None:
        x = cast(x, "float32")
    return export_layer(network, x)


def heads_of(network: Network, raw: Node) -> dict[str, Node]:
    """Raw outputs, and the probabilities if the network has some."""
    if network.head == "softmax":
        return {"output": raw, "probabilities": apply("softmax", raw)}
    if network.head == "sigmoid":
        return {"output": raw, "probabilities": sigmoid(raw)}
    levels = levels_of(network.head)
    if levels:
        order = np.argsort(levels).tolist()
        return {"output": apply("quantiles", raw, order=order, targets=network.widths[1] // len(levels))}
    return {"output": raw}


def export_layer(layer: nn.Layer, x: Node) -> Node:
    """The output of any layer."""
    for kind in type(layer).__mro__:
        if kind in LAYERS:
            return LAYERS[kind](layer, x)
    raise TypeError(f"{layer.title()}: only layers of fastdl can be exported, and this one is {type(layer).__name__}")


def chain(layer: Any, x: Node) -> Node:
    """Layers one behind the other."""
    for child in layer.layers:
        x = export_layer(child, x)
    return x


def dense(layer: Any, x: Node) -> Node:
    """x w + b."""
    w = layer.params["weight"]
    if layer.weight_norm:
        v = w.astype(np.float64)
        length = np.sqrt(np.square(v).sum(axis=0))
        w = (v * (layer.params["gain"] / np.where(length > 0.0, length, 1.0))).astype(np.float32)
    y = x @ w
    return y + layer.params["bias"] if layer.bias else y


def batch_norm(layer: Any, x: Node) -> Node:
    """By the running statistics, folded into one factor and one summand."""
    mean, var = (layer.state[name].astype(np.float64) for name in ("running_mean", "running_var"))
    factor = layer.params["gamma"] / np.sqrt(var + layer.eps)
    centre = layer.params["beta"] - mean * factor
    if np.abs(mean * factor).max(initial=0.0) < 100.0:
        return x * factor.astype(np.float32) + centre.astype(np.float32)
    return (x - mean.astype(np.float32)) * factor.astype(np.float32) + layer.params["beta"]  # centre would lose digits


def layer_norm(layer: Any, x: Node) -> Node:
    """(x - mean) / sqrt(var + eps) gamma + beta, in float64 as the kernel does."""
    wide = cast(x, "float64")
    h = wide - apply("mean", wide)
    h = h / apply("sqrt", apply("mean", h * h) + np.array(layer.eps))
    return cast(h, "float32") * layer.params["gamma"] + layer.params["beta"]


def rms_norm(layer: Any, x: Node) -> Node:
    """x / sqrt(mean of squares + eps) gamma."""
    wide = cast(x, "float64")
    h = wide / apply("sqrt", apply("mean", wide * wide) + np.array(layer.eps))
    return cast(h, "float32") * layer.params["gamma"]


def scaler(layer: Any, x: Node) -> Node:
    """(x - offset) factor in float64."""
    return cast((cast(x, "float64") - layer.state["offset"]) * layer.state["factor"], "float32")


def robust_scaler(layer: Any, x: Node) -> Node:
    """The same, softly bounded."""
    y = (cast(x, "float64") - layer.state["offset"]) * layer.state["factor"]
    return cast(smooth_clip(y, layer.clip), "float32")


def smooth_clip(x: Node, clip: float) -> Node:
    """x / sqrt(1 + (x / clip)^2), float64."""
    r = x / np.array(clip)
    return x / apply("sqrt", r * r + np.array(1.0))


def embedding(layer: Any, x: Node) -> Node:
    """The columns that pass, then the rows of the tables."""
    features = layer.__dict__["_out_shape"][0] - sum(layer.dim) + len(layer.columns)
    passing = [j for j in range(features) if j not in layer.columns]
    parts = [columns(x, passing)] if passing else []
    for column in layer.columns:
        parts.append(apply("rows", constant(layer.params[f"table_{column}"]), columns(x, [column])))
    return apply("concat", *parts)


def columns(x: Node, chosen: list[int]) -> Node:
    """Some features."""
    return apply("columns", x, columns=chosen)


def feature_scale(layer: Any, x: Node) -> Node:
    """x factor."""
    return x * layer.params["factor"]


def periodic(layer: Any, x: Node) -> Node:
    """What passes, then x, z_0, z_1 ..."""
    frequency, phase, weight, bias = (layer.params[name] for name in ("frequency", "phase", "weight", "bias"))
    n, m = frequency.shape[1], bias.shape[0]
    features = layer.__dict__["_out_shape"][0] - m * n
    numbers = columns(x, list(range(n))) if features > n else x
    mixtures: list[Node] = [constant(bias[q][None]) for q in range(m)]
    for h in range(len(frequency)):
        turns = numbers * frequency[h] + phase[h]
        wave = cast(apply("cos", cast(turns, "float64") * np.array(2.0 * np.pi)), "float32")
        mixtures = [z + wave * weight[h, q] for q, z in enumerate(mixtures)]
    passing = [columns(x, list(range(n, features)))] if features > n else []
    return apply("concat", *passing, numbers, *mixtures)


def residual(layer: Any, x: Node) -> Node:
    """Branch and shortcut."""
    return chain(layer, x) + (x if layer.shortcut is None else dense(layer.shortcut, x))


def parallel(layer: Any, x: Node) -> Node:
    """Branches, merged."""
    branches = [export_layer(branch, x) for branch in layer.layers]
    if layer.merge == "concat":
        return apply("concat", *branches) if len(branches) > 1 else branches[0]
    total = branches[0]
    for branch in branches[1:]:
        total = total + branch
    return total * (1.0 / len(branches)) if layer.merge == "mean" else total


def nothing(layer: Any, x: Node) -> Node:
    """What is only there in training."""
    return x


def sigmoid(x: Node) -> Node:
    """1 / (1 + e^-x), by way of tanh, which overflows nowhere."""
    return apply("tanh", x * 0.5) * 0.5 + 0.5


def softplus(x: Node) -> Node:
    """max(x, 0) + ln(1 + e^-|x|)."""
    return apply("maximum", x, 0.0) + apply("log", apply("exp", apply("abs", x) * -1.0) + 1.0)


def exponential_unit(x: Node, slope: float, floor: float) -> Node:
    """Slope times x above 0, floor (e^x - 1) below."""
    below = (apply("exp", apply("minimum", x, 0.0)) - 1.0) * floor
    return apply("where", apply("less", 0.0, x), x * slope, below)


ACTIVATIONS: dict[str, Callable[[Node, float], Node]] = {
    "identity": lambda x, alpha: x,
    "relu": lambda x, alpha: apply("maximum", x, 0.0),
    "leaky_relu": lambda x, alpha: apply("where", apply("less", 0.0, x), x, x * alpha),
    "elu": lambda x, alpha: exponential_unit(x, 1.0, alpha),
    "selu": lambda x, alpha: exponential_unit(x, SELU_LAMBDA, SELU_FLOOR),
    "gelu": lambda x, alpha: x * (apply("erf", x * math.sqrt(0.5)) + 1.0) * 0.5,
    "silu": lambda x, alpha: x * sigmoid(x),
    "mish": lambda x, alpha: x * apply("tanh", softplus(x)),
    "tanh": lambda x, alpha: apply("tanh", x),
    "sigmoid": lambda x, alpha: sigmoid(x),
    "softplus": lambda x, alpha: softplus(x),
}


def activation(layer: Any, x: Node) -> Node:
    """f(x)."""
    options = layer.options()
    return ACTIVATIONS[options["kind"]](x, options.get("alpha", 0.0))


def parametric(layer: Any, x: Node) -> Node:
    """x + alpha (f(x) - x)."""
    alpha: Array = layer.params["alpha"]
    usual = {"leaky_relu": 0.01, "elu": 1.0}.get(layer.kind, 0.0)
    return x + (ACTIVATIONS[layer.kind](x, usual) - x) * alpha


LAYERS: dict[type, Callable[[Any, Node], Node]] = {
    nn.AlphaDropout: nothing,
    nn.BatchNorm: batch_norm,
    nn.Dense: dense,
    nn.Dropout: nothing,
    nn.Embedding: embedding,
    nn.FeatureScale: feature_scale,
    nn.GaussianNoise: nothing,
    nn.LayerNorm: layer_norm,
    nn.MinMaxScale: scaler,
    nn.Parallel: parallel,
    nn.ParametricActivation: parametric,
    nn.PeriodicEmbedding: periodic,
    nn.RMSNorm: rms_norm,
    nn.Residual: residual,
    nn.RobustScale: robust_scaler,
    nn.Sequential: chain,
    nn.Standardize: scaler,
    **dict.fromkeys(
        (
            *(nn.ELU, nn.GELU, nn.Identity, nn.LeakyReLU, nn.Mish, nn.ReLU, nn.SELU, nn.SiLU, nn.Sigmoid),
            *(nn.Softplus, nn.Tanh),
        ),
        activation,
    ),
}
