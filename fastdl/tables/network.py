"""The network of a model on a table: RealMLP."""

from __future__ import annotations

import math
from typing import Any

from fastdl import init, nn, optim, schedule
from fastdl.nn import Layer, Sequential
from fastdl.tables.preparation import Preparation
from fastdl.tables.settings import Settings


def make_network(settings: Settings, preparation: Preparation, outputs: int) -> Sequential:
    """Embeddings, a factor for each feature, and blocks of Dense, activation and dropout, unbuilt.

    The paper's weights are in NTK parametrisation, y = x w / sqrt(n) with w of N(0, 1) and one rate for all. Adam's
    steps do not depend on the scale of gradients, so that this is the same as weights of N(0, 1/n) with the rate
    divided by sqrt(n), and costs nothing. Decay is multiplied by sqrt(n), since it goes with the rate. It acts on all
    that is learned but the biases of the dense layers.
    """
    layers: list[Layer] = []
    sizes, width = preparation.sizes, preparation.width
    if sizes:
        first, dim = width - len(sizes), settings.embedding
        columns = list(range(first, width))
        layers.append(nn.Embedding(columns, dim, sizes=sizes, init=init.Gaussian(1.0 / math.sqrt(dim))))
        width = first + dim * len(sizes)
    if settings.waves and preparation.numbers:
        layers.append(
            nn.PeriodicEmbedding(preparation.numbers, settings.waves, lr_factor=settings.embedding_lr, decay=1.0)
        )
        width += preparation.numbers * layers[-1].mixtures  # type: ignore[attr-defined]
    layers.append(nn.FeatureScale(lr_factor=settings.scale_lr, decay=1.0))
    for units in settings.hidden:
        layers += [make_dense(settings, width, units), make_activation(settings)]
        if settings.dropout > 0.0:
            layers.append(nn.Dropout(settings.dropout * schedule.FlatCos()))
        width = units
    layers.append(make_dense(settings, width, outputs, zero=settings.zero_last))
    return Sequential(*layers)


def make_dense(settings: Settings, inputs: int, units: int, zero: bool = False) -> Layer:
    """A Dense in the terms of the paper."""
    root = math.sqrt(inputs)
    return nn.Dense(
        units,
        init="zeros" if zero else "lecun",
        bias_init="zeros" if zero else init.Gaussian(1.0),
        lr_factor=1.0 / root,
        bias_lr_factor=settings.bias_lr,
        decay=root,
    )


def make_activation(settings: Settings) -> Layer:
    """The activation, learned by each unit or not."""
    if settings.parametric:
        return nn.ParametricActivation(settings.activation, lr_factor=settings.activation_lr, decay=1.0)
    return nn.Activation(settings.activation)


def make_optimizer(settings: Settings) -> Any:
    """Adam with coslog4, and with a decay that falls by FlatCos if one is wanted."""
    options: dict[str, Any] = {"lr": settings.lr, "betas": (0.9, settings.beta2)}
    if settings.weight_decay > 0.0:
        return optim.AdamW(**options, weight_decay=settings.weight_decay * schedule.FlatCos())
    return optim.Adam(**options)
