"""Optimizers and gradient clipping."""

from typing import Any

from fastdl.errors import by_name
from fastdl.optim.adam import Adam, AdamW
from fastdl.optim.clip import ClipNorm
from fastdl.optim.optimizer import Optimizer
from fastdl.optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "ClipNorm", "Optimizer"]

KINDS: dict[str, type[Optimizer]] = {kind.kind: kind for kind in (SGD, Adam, AdamW)}


def optimizer_of(value: Any) -> Optimizer:
    """An optimizer from itself, its name, or None for Adam."""
    found: Optimizer = Adam() if value is None else by_name("optimizer", value, KINDS, Optimizer)
    return found
