"""Small steps first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.errors import check_int, check_number
from fastdl.schedule.base import Schedule

if TYPE_CHECKING:
    from fastdl.program import Array


class Warmup(Schedule):
    """`then`, multiplied in the first steps by a line from `start` to 1 (Goyal et al. 2017).

    Parameters
    ----------
    steps : int
        How many: the factor is start + (1 - start) (step + 1) / steps until it is 1.
    then : Schedule, str or callable, optional
        What is warmed up for; constant by default. It counts its steps from the beginning of the training.
    start : float
        In [0, 1].
    """

    kind = "warmup"

    def __init__(
        self, steps: int = 100, then: Schedule | str | Callable[..., Any] | None = None, start: float = 0.0
    ) -> None:
        from fastdl.schedule import schedule_of

        self.steps = check_int("steps", steps, 1)
        self.then = schedule_of(then)
        self.start = check_number("start", start, 0.0, 1.0)

    def values(self, steps: Array, steps_per_epoch: int, epochs: int) -> Array:
        """Factors at an array of steps."""
        line = np.minimum((np.asarray(steps) + 1.0) / self.steps, 1.0)
        return (self.start + (1.0 - self.start) * line) * self.then.values(steps, steps_per_epoch, epochs)

    def check(self, names: Iterable[str]) -> None:
        """Refuse a training that doesn't record what `then` watches."""
        self.then.check(names)

    def after(self, history: Mapping[str, Sequence[float]]) -> Schedule:
        """What holds in the epoch that comes after these."""
        return Warmup(self.steps, self.then.after(history), self.start)
