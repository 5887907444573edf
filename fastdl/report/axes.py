"""Axes of a picture: where numbers go, and which of them are written."""

from __future__ import annotations

import math
from dataclasses import dataclass

WIDTH, HEIGHT = 420.0, 260.0
LEFT, RIGHT, TOP, BOTTOM = 54.0, 12.0, 10.0, 40.0
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Axis:
    """Numbers from low to high between two places of the picture."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    @staticmethod
    def over(values: list[float], start: float, end: float, log: bool = False, zero: bool = False) -> Axis:
        """The axis that holds all values, with some air; `zero` lets it begin there."""
        finite = [value for value in values if math.isfinite(value) and (value > 0 or not log)]
        low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
        if log:
            low, high = math.log10(low if finite else 0.1), math.log10(high if finite else 1.0)
        elif zero:
            low, high = min(low, 0.0), max(high, 0.0)
        if high - low < 1e-12 * max(abs(high), 1e-300):
            low, high = low - 0.5, high + 0.5
        air = 0.0 if zero else 0.03 * (high - low)
        return Axis(low - air, high + 0.03 * (high - low), start, end, log)

    def place(self, value: float) -> float:
        """Where a number goes."""
        x = math.log10(value) if self.log else value
        return self.start + (x - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> list[tuple[float, str]]:
        """Places and texts of a few round numbers."""
        if self.log and self.high - self.low >= 1.0:
            every = max(1, round((self.high - self.low) / 5))
            powers = range(math.ceil(self.low), math.floor(self.high) + 1, every)
            return [(self.place(10.0**power), number(10.0**power)) for power in powers]
        low, high = (10**self.low, 10**self.high) if self.log else (self.low, self.high)
        rough = (high - low) / 4.5
        size = 10.0 ** math.floor(math.log10(rough))
        step = next(size * factor for factor in STEPS if size * factor >= rough * 0.999)
        first = math.ceil(low / step - 1e-9)
        values = [k * step for k in range(first, first + 12) if k * step <= high + 1e-9 * step]
        return [(self.place(value), number(value)) for value in values if value > 0 or not self.log]


def number(value: float) -> str:
    """A number in few signs."""
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.6g}"
    if 1e5 <= abs(value) < 1e9:
        return f"{value / 1e6:.4g}M" if abs(value) >= 1e6 else f"{value / 1e3:.4g}k"
    return f"{value:.3g}"
