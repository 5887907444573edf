"""An ensemble from one training: a member at each end of a cycle of the rate."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np

from fastdl.callbacks.callback import Callback
from fastdl.committee import Committee
from fastdl.errors import check_int
from fastdl.schedule import Constant, CosineRestarts, Schedule

if TYPE_CHECKING:
    from fastdl.nn.network import Network
    from fastdl.program import Array
    from fastdl.trainer import Trainer


class Snapshot(Callback, Committee):
    """Keep a copy of the network at the end of each cycle; together they predict as an ensemble.

    The epochs are cut into cycles of equal length, in each of which the rate falls from the optimizer's to 0 along
    a cosine. A Trainer with a schedule of its own keeps that one, and the cycles are only when copies are made.

    Parameters
    ----------
    cycles : int, default=5
        How many members there will be; it divides the number of epochs.

    Attributes
    ----------
    members : list of Network
        Of the last fit, in order. `predict`, `predict_proba` and `predict_classes` are means over them.

    Notes
    -----
    Huang et al. 2017, "Snapshot ensembles: train 1, get M for free".

    Examples
    --------
    >>> import fastdl as fdl
    >>> X, y = fdl.datasets.load_digits()
    >>> net = fdl.nn.Sequential(fdl.nn.MinMaxScale(), fdl.nn.Dense(32), fdl.nn.ReLU(), fdl.nn.Dense(10))
    >>> snapshot = fdl.callbacks.Snapshot(cycles=3)
    >>> history = fdl.Trainer(net).fit(X, y, epochs=6, batch_size=128, callbacks=snapshot)
    >>> len(snapshot.members), snapshot.predict_proba(X[:2]).shape
    (3, (2, 10))
    """

    def __init__(self, cycles: int = 5) -> None:
        self.cycles = check_int("Snapshot: cycles", cycles, 1)
        self.members: list[Network] = []
        self._length = 0
        self._begun = 0

    def on_train_begin(self, trainer: Trainer) -> None:
        """Forget older members; let the rate go in cycles, unless it follows a schedule already."""
        epochs = trainer.epochs - trainer.epoch
        if epochs % self.cycles:
            raise ValueError(f"Snapshot: expected a number of epochs that {self.cycles} cycles divide, got {epochs}")
        self.members, self._length, self._begun = [], epochs // self.cycles, trainer.epoch
        if isinstance(trainer.schedule, Constant | Cycles):
            trainer.schedule = Cycles(self._begun, self._length)

    def on_epoch_end(self, trainer: Trainer, epoch: int, logs: dict[str, float]) -> None:
        """Copy the network at the end of a cycle."""
        if (epoch + 1 - self._begun) % self._length == 0:
            self.members.append(copy.deepcopy(trainer.net))

    def on_train_end(self, trainer: Trainer) -> None:
        """Give the trainer its schedule back."""
        if isinstance(trainer.schedule, Cycles):
            trainer.schedule = Constant()


class Cycles(Schedule):
    """Cosines of `length` epochs, the first of which begins at an epoch."""

    def __init__(self, begun: int, length: int) -> None:
        self.begun, self.cosines = begun, CosineRestarts(length)

    def values(self, steps: Array, steps_per_epoch: int, epochs: int) -> Array:
        """Factors at an array of steps."""
        return self.cosines.values(np.asarray(steps) - self.begun * steps_per_epoch, steps_per_epoch, epochs)
