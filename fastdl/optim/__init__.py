"""Optimizers, gradient clipping and averages of the weights."""

from typing import Any

from fastdl.errors import by_name
from fastdl.optim.adadelta import Adadelta
from fastdl.optim.adagrad import Adagrad
from fastdl.optim.adam import Adam, AdamW
from fastdl.optim.adamax import Adamax
from fastdl.optim.averaging import EMA, SWA, Averaging, averaging_of
from fastdl.optim.clip import AdaptiveClip, Clip, ClipNorm, ClipValue, Tensor
from fastdl.optim.lion import Lion
from fastdl.optim.nadam import NAdam
from fastdl.optim.normalized_sgd import NormalizedSGD
from fastdl.optim.optimizer import Optimizer
from fastdl.optim.radam import RAdam
from fastdl.optim.rmsprop import RMSprop
from fastdl.optim.sgd import SGD

__all__ = [
    "EMA",
    "SGD",
    "SWA",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "AdaptiveClip",
    "Averaging",
    "Clip",
    "ClipNorm",
    "ClipValue",
    "Lion",
    "NAdam",
    "NormalizedSGD",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Tensor",
    "averaging_of",
]

KINDS: dict[str, type[Optimizer]] = {
    kind.kind: kind
    for kind in (SGD, NormalizedSGD, Adagrad, Adadelta, RMSprop, Adam, AdamW, Adamax, NAdam, RAdam, Lion)
}


def optimizer_of(value: Any) -> Optimizer:
    """An optimizer from itself, its name, or None for Adam."""
    found: Optimizer = Adam() if value is None else by_name("optimizer", value, KINDS, Optimizer)
    return found
