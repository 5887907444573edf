"""Schedules that rise again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fastdl.errors import check_int, check_number, unknown_name
from fastdl.schedule.base import Schedule, half_cosine, progress

if TYPE_CHECKING:
    from fastdl.program import Array


class CosineRestarts(Schedule):
    """A cosine from 1 to `end`, again and again (SGDR, Loshchilov & Hutter 2017).

    Parameters
    ----------
    first : int
        Epochs of the first cycle.
    factor : int
        Each cycle is so many times as long as the one before.
    end : float
        Factor at the end of a cycle.
    """

    kind = "cosine_restarts"

    def __init__(self, first: int = 10, factor: int = 1, end: float = 0.0) -> None:
        self.first, self.factor = check_int("first", first, 1), check_int("factor", factor, 1)
        self.end = check_number("end", end, 0.0, float("inf"))

    def values(self, steps: Array, steps_per_epoch: int, epochs: int) -> Array:
        """Factors at an array of steps."""
        steps, length = np.asarray(steps), self.first * steps_per_epoch
        starts = [0]  # of the cycles, up to the last that a step lies in
        last = int(steps.max(initial=0))
        while starts[-1] + length * self.factor ** (len(starts) - 1) <= last:
            starts.append(starts[-1] + length * self.factor ** (len(starts) - 1))
        cycle = np.searchsorted(starts, steps, side="right") - 1
        p = (steps - np.array(starts)[cycle]) / (length * np.power(float(self.factor), cycle))
        return self.end + (1.0 - self.end) * half_cosine(p)


class OneCycle(Schedule):
    """From 1 / start up to 1, then down to 1 / (start final), each along a cosine (Smith & Topin 2018).

    Parameters
    ----------
    rise : float
        Fraction of the training until the top, in (0, 1).
    start, final : float
        At least 1: what the factor at the top is divided by at the start, and that of the start at the end.
    """

    kind = "one_cycle"

    def __init__(self, rise: float = 0.3, start: float = 25.0, final: float = 1e4) -> None:
        self.rise = check_number("rise", rise, 0.0, 1.0, open_low=True, open_high=True)
        self.start = check_number("start", start, 1.0, float("inf"))
        self.final = check_number("final", final, 1.0, float("inf"))

    def values(self, steps: Array, steps_per_epoch: int, epochs: int) -> Array:
        """Factors at an array of steps."""
        p = progress(steps, steps_per_epoch, epochs)
        low, end = 1.0 / self.start, 1.0 / (self.start * self.final)
        up = low + (1.0 - low) * (1.0 - half_cosine(np.minimum(p / self.rise, 1.0)))
        down = end + (1.0 - end) * half_cosine(np.maximum(p - self.rise, 0.0) / (1.0 - self.rise))
        return np.where(p < self.rise, up, down)


class Cyclic(Schedule):
    """Triangles between `low` and 1 (Smith 2017).

    Parameters
    ----------
    up : int
        Steps from the bottom to the top, and from the top to the bottom.
    low : float
        Factor at the bottom, where it begins.
    shape : {"triangular", "triangular2"}
        Whether all triangles are as high as the first, or each half as high as the one before.
    """

    kind = "cyclic"
    SHAPES = ("triangular", "triangular2")

    def __init__(self, up: int = 2000, low: float = 0.1, shape: str = "triangular") -> None:
        self.up = check_int("up", up, 1)
        self.low = check_number("low", low, 0.0, 1.0)
        if shape not in self.SHAPES:
            raise unknown_name("shape", shape, self.SHAPES)
        self.shape = shape

    def values(self, steps: Array, steps_per_epoch: int, epochs: int) -> Array:
        """Factors at an array of steps."""
        cycle, within = np.divmod(np.asarray(steps), 2 * self.up)
        height = 1.0 - np.abs(within / self.up - 1.0)
        if self.shape == "triangular2":
            height = height * 0.5**cycle
        return self.low + (1.0 - self.low) * height
