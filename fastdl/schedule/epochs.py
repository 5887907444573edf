"""Schedules that change between epochs only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from fastdl.errors import check_int, check_number
from fastdl.schedule.base import Schedule

if TYPE_CHECKING:
    from fastdl.program import Array


class Exponential(Schedule):
    """gamma^epoch.

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


class Step(Schedule):
    """gamma^(epoch // every).

    Parameters
    ----------
    every : int
        Epochs between two changes.
    gamma : float
        Factor of each change.
    """

    kind = "step"

    def __init__(self, every: int = 10, gamma: float = 0.1) -> None:
        self.every = check_int("every", every, 1)
        self.gamma = check_number("gamma", gamma, 0.0, float("inf"), open_low=True)

    def values(self, steps: Array, steps_per_epoch: int, epochs: int) -> Array:
        """Factors at an array of steps."""
        return np.power(self.gamma, np.asarray(steps) // steps_per_epoch // self.every, dtype=np.float64)


class MultiStep(Schedule):
    """gamma^(how many of the milestones the epoch has reached).

    Parameters
    ----------
    milestones : list of int
        Epochs, from 0, in rising order: from each on, the factor is gamma times what it was.
    gamma : float
        Factor of each change.
    """

    kind = "multi_step"

    def __init__(self, milestones: Iterable[int], gamma: float = 0.1) -> None:
        if not isinstance(milestones, Iterable):
            raise TypeError(f"milestones: expected a list of epochs, got {type(milestones).__name__}")
        self.milestones = [check_int("milestones", epoch, 0) for epoch in milestones]
        if any(second <= first for first, second in zip(self.milestones, self.milestones[1:], strict=False)):
            raise ValueError(f"milestones: expected epochs in rising order, got {self.milestones}")
        self.gamma = check_number("gamma", gamma, 0.0, float("inf"), open_low=True)

    def values(self, steps: Array, steps_per_epoch: int, epochs: int) -> Array:
        """Factors at an array of steps."""
        reached = np.searchsorted(self.milestones, np.asarray(steps) // steps_per_epoch, side="right")
        return np.power(self.gamma, reached, dtype=np.float64)
