"""Which learning rate to begin with: the range test."""

from __future__ import annotations

import copy
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.callbacks import Callback
from fastdl.errors import NonFiniteError, check_int, check_number
from fastdl.figures import new_figure
from fastdl.optim.optimizer import LARGEST
from fastdl.schedule import Scheduled
from fastdl.schedule.hyper import base_of
from fastdl.trainer import Trainer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fastdl.program import Array

MEMORY = 0.9  # of the smoothed loss
MARGIN = 10.0  # between the rate of the least loss and the one to train with
DIVERGED = 3.0  # so many times the first loss above the least one


@dataclass(frozen=True, eq=False)
class RangeTest:
    """What `lr_find` measured.

    Attributes
    ----------
    rates : ndarray, shape (n,), float64
        The learning rate of each step, rising.
    losses : ndarray, shape (n,), float64
        The loss of each step's batch, before its update.
    smoothed : ndarray, shape (n,), float64
        The weighted mean of the losses so far: that of step j weighs 0.9^(i - j) at step i.
    """

    rates: Array
    losses: Array
    smoothed: Array

    @property
    def suggestion(self) -> float:
        """A tenth of the rate at which the smoothed loss is least.

        Raises
        ------
        ValueError
            If it never fell below the first.
        """
        best = int(self.smoothed.argmin())
        if best == 0:
            raise ValueError(
                f"lr_find: no suggestion, the loss never fell between rates {self.rates[0]:g} and {self.rates[-1]:g}; "
                "try others, low= and high=, or more steps="
            )
        return float(self.rates[best] / MARGIN)

    def plot(self, path: str | os.PathLike[str] | None = None) -> Figure:
        """Draw the losses over the rates, and the suggestion if there is one.

        Parameters
        ----------
        path : path-like, optional
            Where to save the picture too; the suffix says the format (.png, .svg, .pdf).

        Returns
        -------
        matplotlib.figure.Figure
        """
        figure = new_figure("RangeTest.plot", 6.0, 3.6)
        axes = figure.add_subplot()
        axes.plot(self.rates, self.losses, color="0.75", linewidth=1.0, label="loss of the batch")
        axes.plot(self.rates, self.smoothed, color="C0", linewidth=1.8, label="smoothed")
        first, least = self.smoothed[0], self.smoothed.min()
        fall = first - least
        if fall > 0.0:
            axes.axvline(self.suggestion, color="C1", linestyle="--", label=f"suggestion {self.suggestion:.2g}")
            axes.set_ylim(least - 0.1 * fall, first + 0.5 * fall)  # where it explodes is beyond
        axes.set(xscale="log", xlabel="learning rate", ylabel="loss")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
        if path is not None:
            figure.savefig(path, dpi=150)
        return figure

    def __repr__(self) -> str:
        try:
            result = f"suggestion {self.suggestion:.3g}"
        except ValueError:
            result = "no suggestion"
        return f"RangeTest({len(self.rates)} rates from {self.rates[0]:.3g} to {self.rates[-1]:.3g}: {result})"


def lr_find(
    trainer: Trainer,
    X: Any,
    y: Any,
    low: float = 1e-7,
    high: float = 10.0,
    steps: int = 100,
    batch_size: int = 32,
    sample_weight: Any = None,
    class_weight: dict[Any, float] | None = None,
) -> RangeTest:
    """Train a copy of the network with a rate that grows from step to step, and see where the loss falls (Smith 2017).

    The rate of step i is low (high / low)^(i / (steps - 1)). Everything else is as the trainer would do it: loss,
    optimizer, clipping, penalty, mixup, seed. Only schedules are left out, of the rate and of other numbers, which stay
    at their bases; the optimizer's slots are fresh. The
    test ends early when the smoothed loss is above its least by three times the first loss, or is not finite.

    Parameters
    ----------
    trainer : Trainer
        Nothing of it or its network changes, so it can be asked at any time; best before `fit`.
    X, y, batch_size, sample_weight, class_weight :
        As in `Trainer.fit`; the rate that is right depends on the size of the batches.
    low, high : float
        The rates to try, 0 < low < high.
    steps : int
        How many, at least 2.

    Returns
    -------
    RangeTest
        Its `suggestion` is a rate to train with, and `plot()` draws the curve.

    Raises
    ------
    ValueError, TypeError
        For data and numbers that will not do.
    NonFiniteError
        If the loss or the gradient is not finite before the first update.

    Examples
    --------
    >>> import fastdl as fdl
    >>> X, y = fdl.datasets.load_digits()
    >>> net = fdl.nn.Sequential(fdl.nn.MinMaxScale(), fdl.nn.Dense(32), fdl.nn.ReLU(), fdl.nn.Dense(10))
    >>> found = fdl.lr_find(fdl.Trainer(net), X, y)
    >>> trainer = fdl.Trainer(net, optimizer=fdl.optim.Adam(found.suggestion))
    """
    if not isinstance(trainer, Trainer):
        raise TypeError(f"trainer: expected a Trainer, got {type(trainer).__name__}")
    low = check_number("low", low, 0.0, LARGEST, open_low=True)
    high = check_number("high", high, low, LARGEST, open_low=True)
    steps = check_int("steps", steps, 2)
    rates = low * (high / low) ** (np.arange(steps) / (steps - 1))
    with trainer.net.busy("lr_find"):
        net = copy.deepcopy(trainer.net)
    optimizer = copy.copy(trainer.optimizer)
    for _, layer in net.walk():
        hold(layer)
    hold(optimizer)
    optimizer.lr = 1.0
    probe = Trainer(
        net,
        trainer.loss,
        optimizer,
        lambda numbers, *_: rates[np.minimum(numbers, steps - 1)],
        trainer.clip,
        seed=trainer.seed,
        threads=trainer.threads,
        penalty=trainer.penalty,
        mixup=None if trainer.mixup is None else trainer.mixup.alpha,
    )
    watch = Watch(steps)
    try:
        probe.fit(  # an epoch has at least one step
            X,
            y,
            steps,
            batch_size,
            sample_weight=sample_weight,
            class_weight=class_weight,
            callbacks=watch,
            progress=False,
        )
    except End:
        pass
    except NonFiniteError:
        if not watch.losses:
            raise
    return RangeTest(rates[: len(watch.losses)], np.array(watch.losses), np.array(watch.smoothed))


def hold(owner: object) -> None:
    """Let numbers that follow schedules stay at their bases: a plateau would wait for validation data."""
    for name, value in list(vars(owner).items()):
        if isinstance(value, Scheduled):
            setattr(owner, name, base_of(value))
        elif isinstance(value, tuple) and any(isinstance(one, Scheduled) for one in value):
            setattr(owner, name, tuple(base_of(one) for one in value))


class End(Exception):
    """The test has seen enough, in the middle of an epoch."""


class Watch(Callback):
    """Writes down the loss of each step, and ends the test."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.losses: list[float] = []
        self.smoothed: list[float] = []
        self._total = self._weight = 0.0

    def on_batch_end(self, trainer: Trainer, step: int, logs: dict[str, float]) -> None:
        """Note the loss; end behind the last step, or when it has exploded."""
        self.losses.append(logs["loss"])
        self._total, self._weight = MEMORY * self._total + logs["loss"], MEMORY * self._weight + 1.0
        self.smoothed.append(self._total / self._weight)
        rise = self.smoothed[-1] - min(self.smoothed)
        if len(self.losses) == self.steps or rise > DIVERGED * abs(self.losses[0]):
            raise End
