"""The networks of a model, trained side by side."""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from fastdl import schedule
from fastdl.callbacks import Callback
from fastdl.ensemble import SEED_STEP, Ticks, train_all
from fastdl.errors import NonFiniteError
from fastdl.kernels._team import get_num_threads
from fastdl.losses import CrossEntropy
from fastdl.tables.best import BestEpoch
from fastdl.tables.initial import look_at_data
from fastdl.tables.network import make_network, make_optimizer
from fastdl.trainer import Trainer

if TYPE_CHECKING:
    from fastdl.program import Array
    from fastdl.progress import Progress
    from fastdl.tables.preparation import Preparation
    from fastdl.tables.settings import Settings
    from fastdl.tables.targets import Classes, Quantity

PROBE_EPOCHS = 2
SHARE = 0.9  # of the time limit that the epochs are planned for


@dataclass(frozen=True, slots=True)
class Data:
    """Prepared rows: the matrix, encoded targets, and weights (None: all the same)."""

    x: Array
    y: Array
    weights: Array | None

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: Array) -> Data:
        """Some of the rows."""
        return Data(self.x[rows], self.y[rows], None if self.weights is None else self.weights[rows])

    def sorted(self) -> Data:
        """The same rows in an order that depends on what they hold alone; equal ones are neighbours."""
        keys = [*([] if self.weights is None else [self.weights]), *self.x.T, *self.y.reshape(len(self), -1).T]
        return self.take(np.lexsort(keys))


@dataclass(slots=True)
class Member:
    """One network: who trains it, on what it is validated, and which epoch it keeps."""

    trainer: Trainer
    training: Data
    held: Data | None
    best: BestEpoch | None


def train_members(
    settings: Settings,
    preparation: Preparation,
    target: Classes | Quantity,
    parts: Sequence[tuple[Data, Data | None]],
    seed: int,
    threads: int | None,
    callbacks: Iterable[Callback],
    progress: Progress,
    deadline: float | None,
) -> tuple[list[Member], bool]:
    """Train `n_ens` members of each part, several at a time if there are cores for them.

    Returns the members, and whether Ctrl-C ended the training.
    """
    cores = get_num_threads() if threads is None else threads
    members = []
    for number in range(settings.n_ens * len(parts)):
        training, held = parts[number // settings.n_ens]
        trainer = make_trainer(settings, preparation, target, (seed + number * SEED_STEP) % 2**64, cores)
        best = None
        if held is not None:
            monitor, sign = ("val_accuracy", -1.0) if settings.task == "classification" else ("val_loss", 1.0)
            best = BestEpoch(monitor, sign, settings.patience, deadline)
        members.append(Member(trainer, training, held, best))
    at_once = min(cores, len(members))
    epochs = settings.epochs
    if deadline is not None:
        epochs = affordable(settings, preparation, target, members, seed, cores, deadline)
    given = list(callbacks)
    progress.start(epochs * len(members), epochs * len(members))
    ticks = Ticks(progress, Lock())

    def train(trainer: Trainer) -> None:
        member = next(member for member in members if member.trainer is trainer)
        trainer.threads = max(1, cores // at_once)
        watchers = [*copy.deepcopy(given), ticks]
        train_one(settings, member, epochs, [*([member.best] if member.best else []), *watchers])

    interrupted = False
    try:
        train_all(train, [member.trainer for member in members], at_once)
    except KeyboardInterrupt:
        for member in members:
            if member.best is not None:
                member.best.restore(member.trainer)
        if not all(member.trainer.history.epochs for member in members):
            raise
        interrupted = True
    finally:
        progress.close()
    return members, interrupted


def make_trainer(
    settings: Settings, preparation: Preparation, target: Classes | Quantity, seed: int, threads: int
) -> Trainer:
    """What trains a member."""
    classes = settings.task == "classification"
    return Trainer(
        make_network(settings, preparation, target.outputs),
        CrossEntropy(settings.label_smoothing) if classes else "mse",
        optimizer=make_optimizer(settings),
        schedule=schedule.Coslog(4),
        metrics=["accuracy"] if classes else [],
        seed=seed,
        threads=threads,
    )


def train_one(settings: Settings, member: Member, epochs: int, watchers: Sequence[Callback]) -> None:
    """Train a member to its end and let it keep its best epoch."""
    trainer, training, held = member.trainer, member.training, member.held
    if settings.data_init and not trainer.net.built:
        trainer.net.build(training.x.shape[1], trainer.seed)
        look_at_data(trainer.net, training.x, trainer.seed)
    validation = None if held is None else tuple(part for part in (held.x, held.y, held.weights) if part is not None)
    try:
        trainer.fit(
            training.x,
            training.y,
            epochs,
            settings.batch_size,
            validation_data=validation,
            sample_weight=training.weights,
            drop_last=len(training) >= settings.batch_size,
            callbacks=list(watchers),
            progress=False,
        )
    except NonFiniteError as error:
        if member.best is None or not member.best.restore(trainer):
            raise
        warnings.warn(f"{error}; the network keeps its best epoch, {member.best.best_epoch}", stacklevel=2)
        return
    if member.best is not None:
        member.best.restore(trainer)


def affordable(
    settings: Settings,
    preparation: Preparation,
    target: Classes | Quantity,
    members: Sequence[Member],
    seed: int,
    cores: int,
    deadline: float,
) -> int:
    """Epochs for which the time will last, by those of a member that is thrown away.

    A training that is cut off would end at a high rate; one that is planned shorter ends well.
    """
    at_once = min(cores, len(members))
    first = members[0]
    probe = make_trainer(settings, preparation, target, seed, max(1, cores // at_once))
    clock = Clock()
    train_one(settings, Member(probe, first.training, first.held, None), PROBE_EPOCHS, [clock])
    rounds = -(-len(members) // at_once)
    left = max(0.0, deadline - time.monotonic()) * SHARE
    epochs = int(left / (rounds * max(clock.seconds, 1e-9)))
    if epochs < 1:
        warnings.warn("time_limit: it is less than an epoch takes; one is made", stacklevel=5)
    return int(np.clip(epochs, 1, settings.epochs))


class Clock(Callback):
    """Times the last epoch."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._began = 0.0

    def on_epoch_begin(self, trainer: Trainer, epoch: int) -> None:
        """Start."""
        self._began = time.perf_counter()

    def on_epoch_end(self, trainer: Trainer, epoch: int, logs: dict[str, float]) -> None:
        """Stop."""
        self.seconds = time.perf_counter() - self._began
