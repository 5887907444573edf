"""A schedule that looks at how the training goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fastdl.errors import check_int, check_number
from fastdl.monitor import Monitor
from fastdl.schedule.base import Schedule
from fastdl.schedule.given import Given

if TYPE_CHECKING:
    from fastdl.program import Array


class ReduceOnPlateau(Schedule):
    """1, multiplied by `factor` each time that a quantity has stopped improving (Keras's ReduceLROnPlateau).

    An epoch improves if its value is better than the best so far by more than `min_delta`. The epochs that don't are
    counted from the last one that did, or from the last reduction. When there are `patience` of them, the next epoch
    begins with the reduced factor.

    Parameters
    ----------
    monitor : str
        A loss or metric of the history.
    factor : float
        In (0, 1).
    patience : int
        How many epochs without improvement are allowed: the last of them brings the reduction. 0 is as 1.
    min_delta : float
        A change that is not larger than this is no improvement.
    mode : {"auto", "min", "max"}
        Whether less or more is better. "auto" takes "max" for accuracies, r2 and the like, and "min" for the rest.
    cooldown : int
        After a reduction, epochs are counted from the `cooldown`-th on, as in Keras; 0 and 1 are the same.
    low : float
        In [0, 1]: no reduction goes below.

    Notes
    -----
    The factor is a function of the trainer's history, of all its fits: a training that is resumed goes on as if it had
    never stopped, trainers may share the object, and `Trainer.reset` starts it over. `value` and `plot` know no
    history and give 1. NaN is no improvement. torch's ReduceLROnPlateau with `patience=p`, `cooldown=c` and an absolute
    threshold does the same with p + 1 and c + 1 here.
    """

    kind = "reduce_on_plateau"

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        min_delta: float = 1e-4,
        mode: str = "auto",
        cooldown: int = 0,
        low: float = 0.0,
    ) -> None:
        Monitor("ReduceOnPlateau", monitor, min_delta, mode)  # checks them
        self.monitor, self.min_delta, self.mode = monitor, float(min_delta), mode
        self.factor = check_number("factor", factor, 0.0, 1.0, open_low=True, open_high=True)
        self.patience, self.cooldown = check_int("patience", patience, 0), check_int("cooldown", cooldown, 0)
        self.low = check_number("low", low, 0.0, 1.0)

    def values(self, steps: Array, steps_per_epoch: int, epochs: int) -> Array:
        """Factors at an array of steps of a training without a history: 1."""
        return np.ones(np.shape(steps))

    def check(self, names: Iterable[str]) -> None:
        """Refuse a training that doesn't record what is watched."""
        self._monitor().check(names)

    def after(self, history: Mapping[str, Sequence[float]]) -> Schedule:
        """A constant one: the factor of the epoch that comes after these."""
        reached = self.reached(history.get(self.monitor, ()))
        return Given(lambda *_: reached)

    def reached(self, values: Iterable[float]) -> float:
        """The factor after epochs with these values of the watched quantity.

        Parameters
        ----------
        values : iterable of float
            One for each epoch, such as `trainer.history["val_loss"]`.

        Returns
        -------
        float
        """
        monitor = self._monitor()
        reached, best, wait, rest = 1.0, monitor.worst, 0, 0
        for value in values:
            rest = max(rest - 1, 0)
            if monitor.improves(value, best):
                best, wait = value, 0
            elif rest == 0:
                wait += 1
                if wait >= self.patience:
                    reached, wait, rest = max(reached * self.factor, self.low), 0, self.cooldown
        return reached

    def _monitor(self) -> Monitor:
        return Monitor("ReduceOnPlateau", self.monitor, self.min_delta, self.mode)
