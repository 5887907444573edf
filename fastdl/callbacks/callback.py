"""What every callback is: hooks of a training, which do nothing."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from fastdl.trainer import Trainer


class Callback:
    """The base class of callbacks: five hooks that do nothing, and a copy for each of several networks.

    Override those that you need. `trainer` has `net`, `history`, `optimizer` and `stop()`, which ends the training
    after the current epoch. `epoch` and `step` count from 0. `logs` maps names to floats: at the end of an epoch
    "loss", the metrics, and with validation data "val_loss" and the like.
    """

    def on_train_begin(self, trainer: Trainer) -> None:
        """Before the first step of a fit."""

    def on_epoch_begin(self, trainer: Trainer, epoch: int) -> None:
        """Before the first step of an epoch."""

    def on_batch_end(self, trainer: Trainer, step: int, logs: dict[str, float]) -> None:
        """After a step. Overriding this one brings every step back to Python, which costs speed."""

    def on_epoch_end(self, trainer: Trainer, epoch: int, logs: dict[str, float]) -> None:
        """After an epoch and its validation."""

    def on_train_end(self, trainer: Trainer) -> None:
        """After the last epoch of a fit."""

    def for_member(self, number: int) -> Self:
        """A copy for one of several networks that are trained side by side; what it writes gets a place of its own."""
        return copy.deepcopy(self)
