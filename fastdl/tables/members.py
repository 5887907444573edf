"""The networks of a model, trained side by side."""

from __future__ import annotations

import contextlib
import copy
import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from fastdl import schedule
from fastdl.callbacks import Callback, TerminateOnTime
from fastdl.ensemble import SEED_STEP, Ticks, train_all
from fastdl.errors import NonFiniteError
from fastdl.kernels._team import get_num_threads
from fastdl.losses import CrossEntropy
from fastdl.tables.best import BestEpoch
from fastdl.tables.initial import look_at_data
from fastdl.tables.network import make_network, make_optimizer
from fastdl.tables.timing import Clock, Plan
from fastdl.trainer import Trainer

if TYPE_CHECKING:
    from fastdl.program import Array
    from fastdl.progress import Progress
    from fastdl.tables.preparation import Preparation
    from fastdl.tables.settings import Settings
    from fastdl.tables.targets import Classes, Quantity

TIE = 1e-6  # of accuracy
PROBE_EPOCHS = 9
PROBE_ROWS = 20_000  # by which the epochs of all rows are judged
PROBE_SHARE = 0.05  # of the time, after which the probe makes no more of them


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
    """One network: who trains it, on what it is validated, which epoch it keeps, and whether time cut it off."""

    trainer: Trainer
    training: Data
    held: Data | None
    best: BestEpoch | None
    late: bool = False


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
            # Rows of next to no weight shall not choose among epochs that get all others right.
            accuracy, loss = ("val_accuracy", -1.0, settings.patience, TIE), ("val_loss", 1.0, settings.patience)
            best = BestEpoch(*(accuracy if settings.task == "classification" else loss))
        members.append(Member(trainer, training, held, best))
    at_once = min(cores, len(members))
    plan, epochs = None, settings.epochs
    if deadline is not None:
        seconds = seconds_of_epoch(settings, preparation, target, members[:at_once], cores // at_once, deadline)
        plan = Plan(settings.epochs, len(members), at_once, deadline, seconds)
        epochs = plan.next()[0]
        if deadline - time.monotonic() < seconds * plan.rounds:
            warnings.warn("time_limit: it is less than an epoch of each member takes; one is made", stacklevel=4)
    given = list(callbacks)
    progress.start(epochs * len(members), epochs * len(members))
    ticks = Ticks(progress, Lock())

    def train(trainer: Trainer) -> None:
        number, member = next(pair for pair in enumerate(members) if pair[1].trainer is trainer)
        own = [callback.for_member(number) for callback in given] if len(members) > 1 else copy.deepcopy(given)
        trainer.threads = max(1, cores // at_once)
        watchers = [*([member.best] if member.best else []), *own, ticks]
        if plan is None:
            train_one(settings, member, epochs, watchers)
            return
        began = time.monotonic()
        planned, seconds = plan.begin()
        limit = TerminateOnTime(seconds)
        train_one(settings, member, planned, [*watchers, limit])
        member.late = limit.late
        plan.took(trainer.history.epochs, time.monotonic() - began)

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


def seconds_of_epoch(
    settings: Settings,
    preparation: Preparation,
    target: Classes | Quantity,
    members: Sequence[Member],
    threads: int,
    deadline: float,
) -> float:
    """What an epoch takes where these members are trained side by side: twins of them are, on some of their rows."""
    every = max(1, -(-max(len(member.training) for member in members) // PROBE_ROWS))
    began = time.monotonic()
    clocks = []
    twins = []
    for member in members:
        held = None if member.held is None else member.held.take(np.arange(0, len(member.held), every))
        training = member.training.take(np.arange(0, len(member.training), every))
        trainer = make_trainer(settings, preparation, target, member.trainer.seed, threads)
        twins.append(Member(trainer, training, held, None))
        clocks.append(Clock(PROBE_SHARE * (deadline - began)))

    def train(trainer: Trainer) -> None:
        place = next(place for place, twin in enumerate(twins) if twin.trainer is trainer)
        with contextlib.suppress(NonFiniteError):  # what is trained in earnest may fare better
            train_one(settings, twins[place], PROBE_EPOCHS, [clocks[place]])

    train_all(train, [twin.trainer for twin in twins], len(twins))
    return every * sum(clock.seconds for clock in clocks) / len(clocks)
