"""Losses: what targets they take, and the ops that compute them with their gradient."""

from __future__ import annotations

from typing import Any

from fastdl.errors import by_name, unknown_name
from fastdl.losses.binary import BinaryCrossEntropy
from fastdl.losses.classification import CrossEntropy, Focal
from fastdl.losses.custom import Custom
from fastdl.losses.loss import Loss
from fastdl.losses.regression import MAE, MSE, Huber, Poisson, Quantile

__all__ = [
    "MAE",
    "MSE",
    "BinaryCrossEntropy",
    "CrossEntropy",
    "Focal",
    "Huber",
    "Loss",
    "Poisson",
    "Quantile",
    "loss_of",
]

KINDS: dict[str, type[Loss]] = {
    kind.name: kind for kind in (CrossEntropy, BinaryCrossEntropy, MSE, MAE, Huber, Poisson, Focal)
}


def loss_of(value: Any) -> Loss:
    """A loss from itself, its name, or a function of targets and outputs."""
    if isinstance(value, str) and value == Quantile.name:
        raise ValueError("loss: 'quantile' needs levels, such as losses.Quantile([0.1, 0.5, 0.9])")
    if isinstance(value, str) and value not in KINDS:
        raise unknown_name("loss", value, [*KINDS, Quantile.name])
    if callable(value) and not isinstance(value, type | Loss):
        return Custom(value)
    found: Loss = by_name("loss", value, KINDS, Loss)
    return found
