"""Axes of a picture: where numbers go, and which of them are written."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from fastdl.report.text import width

STEPS = (5.0, 2.5, 2.0, 1.0, 0.5, 0.25, 0.2, 0.1)
MOST = 1e300  # beyond it differences are infinite
FINE = 1e4  # steps from 0 to the numbers, above which these are written as distances from one of them
PLAIN = (1e-3, 1e5)  # between which numbers need no suffix or exponent


class Ticks(NamedTuple):
    """Places of the numbers on an axis, 0 .. 1, with their texts; `note` tells what all of them leave out."""

    places: list[tuple[float, str]]
    note: str


@dataclass(frozen=True, slots=True)
class Axis:
    """Numbers from low to high, or their logarithms.

    Attributes
    ----------
    low, high : float
    log : bool
    whole : bool
        Whether only whole numbers are written.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False

    @staticmethod
    def over(values: Iterable[float], log: bool = False, whole: bool = False, air: float = 0.03) -> Axis:
        """The axis that holds all values, with some air."""
        finite = [min(max(value, -MOST), MOST) for value in values if math.isfinite(value) and (value > 0 or not log)]
        low, high = (min(finite), max(finite)) if finite else (0.1, 1.0)
        if log:
            low, high = math.log10(low), math.log10(high)
        if high - low <= 1e-9 * max(abs(low), abs(high)):
            around = max(0.5, 0.05 * abs(low))
            low, high = low - around, high + around
        room = air * (high - low)
        return Axis(low - room, high + room, log, whole)

    def place(self, value: float) -> float:
        """Where a number goes: 0 at the low end, 1 at the high one."""
        value = min(max(value, -MOST), MOST)
        return ((math.log10(value) if self.log else value) - self.low) / (self.high - self.low)

    def ticks(self, room: float = math.inf) -> Ticks:
        """Four round numbers or some more; fewer where the axis is so many letters long, and too short for that."""
        for least in (4, 3, 2):
            ticks = self._ticks(least)
            if all(
                (width(a) + width(b)) / 2.0 + 1.0 <= room * (right - left)
                for (left, a), (right, b) in pairwise(ticks.places)
            ):
                break
        return ticks

    def _ticks(self, least: int) -> Ticks:
        values, note = self._powers(least) if self.log else [], ""
        if len(values) >= 2:
            texts = powers(values)
        else:
            values, step = self._round_numbers(least)
            texts, note = written(values, step)
        return Ticks([(self.place(value), text) for value, text in zip(values, texts, strict=True)], note)

    def _powers(self, least: int) -> list[float]:
        """Powers of ten, and where these are few their doubles and fivefolds."""
        decades = range(math.floor(self.low), math.ceil(self.high) + 1)
        tens = [power for power in decades if self.low <= power <= self.high]
        if len(tens) > 2:
            return [10.0**power for power in tens[:: math.ceil(len(tens) / (least + 1))]]
        found = [factor * 10.0**power for power in decades if -300 < power < 300 for factor in (1.0, 2.0, 5.0)]
        return [value for value in found if self.low <= math.log10(value) <= self.high]

    def _round_numbers(self, least: int) -> tuple[list[float], float]:
        """Multiples of the largest round step that gives so many, and the step."""
        low, high = (10**self.low, 10**self.high) if self.log else (self.low, self.high)
        size = 10.0 ** math.floor(math.log10(high - low))
        for step in (size * factor for factor in STEPS if not self.whole or (size * factor).is_integer()):
            first = math.ceil(low / step - 1e-9)
            values = [k * step for k in range(first, first + 20) if k * step <= high + 1e-9 * step]
            if len(values) >= least:
                return values, step
        # Fewer whole numbers are there.
        return [float(value) for value in range(math.ceil(low), math.floor(high) + 1)], 1.0


def written(values: list[float], step: float) -> tuple[list[str], str]:
    """Texts of numbers that are a step apart, all in one notation and with as many digits as the step needs.

    Returns the texts and what has to be added to the name of the axis for them to be right.
    """
    top = max(abs(value) for value in values)
    if top > FINE * step:
        start = values[0]
        texts, note = written([value - start for value in values], step)
        beginning = f"{start:,.{digits_of(step)}f}" if abs(start) < 1e15 else f"{start:.16g}"
        return [f"+{text}" for text in texts], f"{note}, from {beginning}".removeprefix(", ")
    unit, suffix, note = 1.0, "", ""
    if 1e5 <= top < 1e9:
        unit, suffix = (1e6, "M") if top >= 1e6 else (1e3, "k")
    elif top and not PLAIN[0] <= top < PLAIN[1]:
        power = math.floor(math.log10(top))
        unit, note = 10.0**power, f"\u00d7 1e{power}"
    digits = digits_of(step / unit)
    return [f"{value / unit + 0.0:.{digits}f}{suffix if value else ''}" for value in values], note


def digits_of(step: float) -> int:
    """Digits behind the point that tell numbers apart that are such a step apart."""
    digits = 0
    while digits < 12 and abs(step * 10**digits - round(step * 10**digits)) > 1e-6 * step * 10**digits:
        digits += 1
    return digits


def powers(values: list[float]) -> list[str]:
    """Texts of numbers with one digit that counts, all in one notation."""
    if values[0] >= 1e-4 and values[-1] < 1e6:
        return [f"{value:.6g}" if value < 1e5 else f"{value:.0f}" for value in values]
    return [f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e") for value in values]
