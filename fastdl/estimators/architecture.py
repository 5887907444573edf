"""The network of an estimator: hidden layers in a row, and an output layer."""

from __future__ import annotations

import copy
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl import nn
from fastdl.errors import unknown_name
from fastdl.estimators.parameters import hidden_sizes, per_layer
from fastdl.nn.activation import KINDS as ACTIVATIONS

if TYPE_CHECKING:
    from fastdl.program import Array

NORMS = {"batch": nn.BatchNorm, "layer": nn.LayerNorm, "rms": nn.RMSNorm}


def activation_of(value: Any) -> nn.Layer:
    """A new layer of a kind: a name (scikit-learn's "logistic" is a sigmoid) or a layer to copy."""
    if isinstance(value, nn.Layer):
        return copy.deepcopy(value)
    if not isinstance(value, str) or value not in (*ACTIVATIONS, "logistic"):
        raise unknown_name("activation", value, (*ACTIVATIONS, "logistic"))
    return nn.Activation("sigmoid" if value == "logistic" else value)


def norm_of(value: Any) -> nn.Layer:
    """A new layer from "batch", "layer", "rms", or a layer to copy."""
    if isinstance(value, nn.Layer):
        return copy.deepcopy(value)
    if not isinstance(value, str) or value not in NORMS:
        raise unknown_name("norm", value, NORMS)
    return NORMS[value]()


def make_network(estimator: Any, outputs: int) -> tuple[nn.Sequential, list[nn.Dense]]:
    """An unbuilt network with the estimator's parameters, and its dense layers in order.

    A hidden layer is Dense, norm, activation, dropout. With `residual`, each but the first is a residual block.
    """
    sizes = hidden_sizes(estimator.hidden_layer_sizes)
    init = "zeros" if estimator.init is None else estimator.init  # `initial_weights` sees to the rest
    choices = zip(
        sizes,
        per_layer("activation", estimator.activation, len(sizes)),
        per_layer("norm", estimator.norm, len(sizes)),
        per_layer("dropout", estimator.dropout, len(sizes)),
        strict=True,
    )
    layers: list[nn.Layer] = []
    denses: list[nn.Dense] = []
    for size, activation, norm, dropout in choices:
        denses.append(nn.Dense(size, init=copy.deepcopy(init)))
        block: list[nn.Layer] = [denses[-1]]
        if norm is not None:
            block.append(norm_of(norm))
        block.append(activation_of(activation))
        if not isinstance(dropout, int | float) or dropout:
            block.append(nn.Dropout(dropout))
        layers.extend([nn.Residual(*block)] if estimator.residual and layers else block)
    denses.append(nn.Dense(outputs, init=copy.deepcopy(init)))
    return nn.Sequential(*layers, denses[-1]), denses


def is_plain(estimator: Any) -> bool:
    """Whether the network is one that scikit-learn knows, too."""
    drops = estimator.dropout if isinstance(estimator.dropout, list | tuple) else [estimator.dropout]
    norms = estimator.norm if isinstance(estimator.norm, list | tuple) else [estimator.norm]
    return not estimator.residual and all(norm is None for norm in norms) and not any(drops)


def initial_weights(estimator: Any, sizes: list[int], random: Any, dtype: Any) -> tuple[list[Array], list[Array]]:
    """Weights and biases as scikit-learn draws them: uniform with Glorot's (2010) limits, layer by layer.

    The limit is sqrt(6 / (n_in + n_out)), of weights and biases alike, and sqrt(2 / ...) with the logistic activation.
    """
    kinds = per_layer("activation", estimator.activation, len(sizes) - 2)
    kinds.append(kinds[-1] if kinds else estimator.activation)
    coefs, intercepts = [], []
    for n_in, n_out, kind in zip(sizes, sizes[1:], kinds, strict=False):
        limit = sqrt((2.0 if isinstance(kind, str) and kind == "logistic" else 6.0) / (n_in + n_out))
        coefs.append(random.uniform(-limit, limit, (n_in, n_out)).astype(dtype, copy=False))
        intercepts.append(random.uniform(-limit, limit, n_out).astype(dtype, copy=False))
    return coefs, intercepts


def published(denses: list[nn.Dense], dtype: Any) -> tuple[list[Array], list[Array]]:
    """`coefs_` and `intercepts_`: live views in float32, else copies that refuse to be written to."""
    coefs, intercepts = ([dense.params[name] for dense in denses] for name in ("weight", "bias"))
    if dtype == np.float32:
        return coefs, intercepts
    copies = [array.astype(dtype) for array in (*coefs, *intercepts)]
    return frozen(copies[: len(coefs)]), frozen(copies[len(coefs) :])


def frozen(arrays: list[Array]) -> list[Array]:
    """These arrays, read-only: who writes into one would expect the network to change, and it would not."""
    for array in arrays:
        array.flags.writeable = False
    return arrays


def take(denses: list[nn.Dense], coefs: Any, intercepts: Any) -> None:
    """Let the network have these weights and biases, of any real type; all are checked before any is taken."""
    for name, given in (("coefs_", coefs), ("intercepts_", intercepts)):
        if len(given) != len(denses):
            raise ValueError(f"{name}: expected {len(denses)} arrays, one for each layer, got {len(given)}")
    pairs = []
    for i, dense in enumerate(denses):
        for name, key, value in (("coefs_", "weight", coefs[i]), ("intercepts_", "bias", intercepts[i])):
            array, to = np.asarray(value), dense.params[key]
            if array.shape != to.shape:
                raise ValueError(f"{name}[{i}]: expected shape {to.shape}, got {array.shape}")
            pairs.append((to, array))
    with np.errstate(over="ignore"):
        for to, array in pairs:
            to[...] = array
