"""Schedules that fall over the whole training, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fastdl.errors import check_int, check_number
from fastdl.schedule.base import Schedule, half_cosine, progress

if TYPE_CHECKING:
    from fastdl.program import Array


class Polynomial(Schedule):
    """end + (1 - end) (1 - p)^power, p the fraction of the training that is done.

    Parameters
    ----------
    power : float
        Above 0.
    end : float
        Factor at the end.
    """

    kind = "polynomial"

    def __init__(self, power: float = 2.0, end: float = 0.0) -> None:
        self.power = check_number("power", power, 0.0, float("inf"), open_low=True)
        self.end = check_number("end", end, 0.0, float("inf"))

    def values(self, steps: Array, steps_per_epoch: int, epochs: int) -> Array:
        """Factors at an array of steps."""
        left = 1.0 - progress(steps, steps_per_epoch, epochs)
        return self.end + (1.0 - self.end) * left**self.power


class Linear(Polynomial):
    """From 1 to `end` along a line.

    Parameters
    ----------
    end : float
        Factor at the end.
    """

    kind = "linear"
    fixed = ("power",)

    def __init__(self, end: float = 0.0) -> None:
        super().__init__(1.0, end)


class Cosine(Schedule):
    """end + (1 - end) (1 + cos(pi p)) / 2, p the fraction of the training that is done (Loshchilov & Hutter 2017).

    Parameters
    ----------
    end : float
        Factor at the end.
    """

    kind = "cosine"

    def __init__(self, end: float = 0.0) -> None:
        self.end = check_number("end", end, 0.0, float("inf"))

    def values(self, steps: Array, steps_per_epoch: int, epochs: int) -> Array:
        """Factors at an array of steps."""
        return self.end + (1.0 - self.end) * half_cosine(progress(steps, steps_per_epoch, epochs))


class FlatCos(Schedule):
    """1 for a part of the training, then a cosine to 0.

    Parameters
    ----------
    flat : float
        Which part, in [0, 1).
    """

    kind = "flat_cos"

    def __init__(self, flat: float = 0.5) -> None:
        self.flat = check_number("flat", flat, 0.0, 1.0, open_high=True)

    def values(self, steps: Array, steps_per_epoch: int, epochs: int) -> Array:
        """Factors at an array of steps."""
        p = progress(steps, steps_per_epoch, epochs)
        return half_cosine(np.maximum(p - self.flat, 0.0) / (1.0 - self.flat))


class Coslog(Schedule):
    """(1 - cos(2 pi log2(1 + (2^cycles - 1) p))) / 2, p the fraction done: hills, each twice as long (Holzmüller 2024).

    Parameters
    ----------
    cycles : int
        How many hills.
    """

    kind = "coslog"

    def __init__(self, cycles: int = 4) -> None:
        self.cycles = check_int("cycles", cycles, 1)
        if self.cycles > 30:
            raise ValueError(f"cycles: expected at most 30, got {cycles}")

    def values(self, steps: Array, steps_per_epoch: int, epochs: int) -> Array:
        """Factors at an array of steps."""
        p = progress(steps, steps_per_epoch, epochs)
        return 0.5 * (1.0 - np.cos(2.0 * np.pi * np.log2(1.0 + (2.0**self.cycles - 1.0) * p)))


class InverseSqrt(Schedule):
    """sqrt(warmup / max(step + 1, warmup)): 1 first, then like 1 / sqrt(step), without an end.

    Parameters
    ----------
    warmup : int
        After how many steps it begins to fall. In front of them, `Warmup(steps, then=InverseSqrt(steps))` rises.
    """

    kind = "inverse_sqrt"

    def __init__(self, warmup: int = 1000) -> None:
        self.warmup = check_int("warmup", warmup, 1)

    def values(self, steps: Array, steps_per_epoch: int, epochs: int) -> Array:
        """Factors at an array of steps."""
        return np.sqrt(self.warmup / np.maximum(np.asarray(steps) + 1.0, self.warmup))
