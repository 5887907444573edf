"""Numbers that may follow a schedule, as layers and optimizers take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.errors import check_number
from fastdl.schedule.base import Scheduled

if TYPE_CHECKING:
    from fastdl.kernels._scalar import Column
    from fastdl.program import Array, Recorder, Window


@dataclass(frozen=True, slots=True)
class Bounded:
    """A scheduled number that has to stay within bounds."""

    name: str
    number: Scheduled
    low: float
    high: float
    open_high: bool

    @property
    def base(self) -> float:
        """Its value without the schedule."""
        return self.number.base

    def over(self, window: Window) -> Array:
        """Its value at each step of an epoch, float64."""
        values = self.number.over(window)
        wrong = (values < self.low) | ((values >= self.high) if self.open_high else (values > self.high))
        if wrong.any():
            bounds = f"[{self.low:g}, {self.high:g}{')' if self.open_high else ']'}"
            step = int(np.flatnonzero(wrong)[0])
            raise ValueError(
                f"{self.name}: expected numbers in {bounds}, {self.number!r} gave {values[step]:g} at step "
                f"{int(window.steps[step])}"
            )
        return values


class Hyper:
    """A hyper-parameter of a layer or an optimizer: its name and its bounds."""

    def __init__(self, name: str, low: float, high: float, *, open_high: bool = False) -> None:
        self.name, self.low, self.high, self.open_high = name, low, high, open_high

    def check(self, value: Any) -> float | Scheduled:
        """A number within the bounds, or one times a schedule, or the description of that in a saved model."""
        if isinstance(value, dict):
            from fastdl.schedule import scheduled_from

            value = scheduled_from(value)
        if isinstance(value, Scheduled):
            check_number(self.name, value.base, self.low, self.high, open_high=self.open_high)
            return value
        return check_number(self.name, value, self.low, self.high, open_high=self.open_high)

    def record(self, recorder: Recorder, value: float | Scheduled) -> float | Column:
        """What a kernel is told: the number, or its column among a step's scalars."""
        if isinstance(value, Scheduled):
            return recorder.scalar(self.name, Bounded(self.name, value, self.low, self.high, self.open_high))
        return value


def base_of(value: float | Scheduled) -> float:
    """The number without its schedule."""
    return value.base if isinstance(value, Scheduled) else value
