"""Schedules: pure functions from the step to a factor of a base value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastdl.errors import by_name, check_number

if TYPE_CHECKING:
    from fastdl.program import Array


class Schedule:
    """Base class: `values` is all that a schedule has to define. `number * schedule` is a scheduled hyper-parameter."""

    kind: ClassVar[str] = ""

    def values(self, steps: Array, steps_per_epoch: int, epochs: int) -> Array:
        """Factors at an array of steps.

        Parameters
        ----------
        steps : ndarray of int
            From 0.
        steps_per_epoch, epochs : int
            Of the whole training.

        Returns
        -------
        ndarray of float64, shape of steps
        """
        raise NotImplementedError

    def value(self, step: int, steps_per_epoch: int = 1, epochs: int = 1) -> float:
        """Factor at one step, from 0."""
        return float(self.values(np.array([step]), steps_per_epoch, epochs)[0])

    def __mul__(self, base: float) -> Scheduled:
        return Scheduled(check_number("a scheduled hyper-parameter", base, -float("inf"), float("inf")), self)

    __rmul__ = __mul__

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in vars(self).items())})"


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A number that follows a schedule: base * factor."""

    base: float
    schedule: Schedule


class Constant(Schedule):
    """1 at every step."""

    kind = "constant"

    def values(self, steps: Array, steps_per_epoch: int, epochs: int) -> Array:
        """Factors at an array of steps."""
        return np.ones(np.shape(steps))


class Exponential(Schedule):
    """gamma^epoch, changing at epoch ends.

    Parameters
    ----------
    gamma : float
        In (0, 1]; greater values grow.
    """

    kind = "exponential"

    def __init__(self, gamma: float = 0.98) -> None:
        self.gamma = check_number("gamma", gamma, 0.0, float("inf"), open_low=True)

    def values(self, steps: Array, steps_per_epoch: int, epochs: int) -> Array:
        """Factors at an array of steps."""
        return np.power(self.gamma, np.asarray(steps) // steps_per_epoch, dtype=np.float64)


KINDS: dict[str, type[Schedule]] = {kind.kind: kind for kind in (Constant, Exponential)}


def schedule_of(value: Any) -> Schedule:
    """A schedule from itself, its name, or None for a constant one."""
    found: Schedule = Constant() if value is None else by_name("schedule", value, KINDS, Schedule)
    return found
