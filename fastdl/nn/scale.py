"""Scalers: the first layer of a network, adapted once on the training rows, saved with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from fastdl.errors import check_number
from fastdl.kernels.smooth_clip import record_smooth_clip
from fastdl.nn.layer import Layer, features_of
from fastdl.program import Backward, Buffer, Recorder, Signal

if TYPE_CHECKING:
    from fastdl.program import Array

ROWS_AT_ONCE = 4096
SORTED_AT_ONCE = 1 << 25  # numbers: 256 MiB
TINY = 1e-300  # a spread below this is none
ROUNDING = 4 * 2.0**-52  # nor is one of a few rounding errors of the mean


def blocks(x: Array, rows: Array | None) -> Iterator[Array]:
    """The chosen rows of x (all for None) as float64, some at a time, so that memory maps stay on disk."""
    count = x.shape[0] if rows is None else len(rows)
    for start in range(0, count, ROWS_AT_ONCE):
        some = slice(start, start + ROWS_AT_ONCE)
        block = np.asarray(x[some] if rows is None else x[rows[some]], np.float64)
        if not np.isfinite(block).all():  # only a memory map comes here unchecked
            row, column = np.argwhere(~np.isfinite(block))[0]
            row_of_x = start + row if rows is None else rows[start + row]
            raise ValueError(f"X: expected finite numbers, got {block[row, column]} in row {row_of_x}, column {column}")
        yield block


class Scaler(Layer):
    """y = (x - offset) factor per feature, in float64 from the caller's own dtype, rounded once to float32.

    It has to be the first layer: the batch is scaled while it is gathered.
    """

    def build(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Make room for offset and factor, float64."""
        features = features_of(self, in_shape)
        self.add_state("offset", features, 0.0, np.float64)
        self.add_state("factor", features, 1.0, np.float64)
        self.add_state("adapted", 1, 0.0, np.float64)
        return in_shape

    @property
    def adapted(self) -> bool:
        """Whether it has seen training rows."""
        return bool(self.state["adapted"][0])

    def adapt(self, x: Array, rows: Array | None) -> None:
        """Measure the training rows, unless that has been done."""
        if self.adapted:
            return
        offset, factor = self.measure(x, rows)
        self.state["offset"][...] = offset
        self.state["factor"][...] = factor
        self.state["adapted"][...] = 1.0

    def measure(self, x: Array, rows: Array | None) -> tuple[Array, Array]:
        """Offset and factor of each feature of the chosen rows."""
        raise NotImplementedError

    def lower_gathered(self, recorder: Recorder, x: Buffer) -> None:
        """Record what is left to do with a batch that has been gathered and scaled."""

    def lower(self, recorder: Recorder, x: Signal) -> tuple[Signal, Backward]:
        """Refuse: a scaler that is the first layer is lowered into the gather, and never comes here."""
        raise ValueError(f"{self.title()}: expected to be the first layer of the network; scalers work nowhere else")


class MinMaxScale(Scaler):
    """Affine map of each feature's training minimum .. maximum to low .. high.

    Parameters
    ----------
    low, high : float
        A constant feature goes to their midpoint.
    name : str, optional
    """

    inspected = ("low", "high")

    def __init__(self, low: float = -1.0, high: float = 1.0, name: str | None = None) -> None:
        super().__init__(name)
        self.low = check_number("low", low, -float("inf"), float("inf"))
        self.high = check_number("high", high, self.low, float("inf"), open_low=True)

    def measure(self, x: Array, rows: Array | None) -> tuple[Array, Array]:
        """(x - offset) factor runs from low to high."""
        least, most = np.full(x.shape[1], np.inf), np.full(x.shape[1], -np.inf)
        for block in blocks(x, rows):
            least, most = np.minimum(least, block.min(axis=0)), np.maximum(most, block.max(axis=0))
        half = 0.5 * most - 0.5 * least  # halves, since the whole range may be more than a float64 holds
        constant = half < TINY
        factor = np.where(constant, 1.0, 0.5 * (self.high - self.low) / np.where(constant, 1.0, half))
        # A constant goes to the midpoint, by a factor at which its offset from it does not drown in rounding.
        steady = 1.0 / np.maximum(1.0, np.abs(least))
        middle = 0.5 * (self.low + self.high)
        factor = np.where(constant, steady, factor)
        return np.where(constant, least - middle / steady, least - self.low / factor), factor


class Standardize(Scaler):
    """Subtract each feature's training mean and divide by its standard deviation; a constant feature goes to 0."""

    def measure(self, x: Array, rows: Array | None) -> tuple[Array, Array]:
        """Mean and 1 / std in two passes."""
        count = x.shape[0] if rows is None else len(rows)
        mean = sum(block.sum(axis=0) for block in blocks(x, rows)) / count
        mean = mean + sum((block - mean).sum(axis=0) for block in blocks(x, rows)) / count  # what rounding lost
        spread = np.zeros(x.shape[1])  # squares of what is not near 1 would overflow or vanish
        for block in blocks(x, rows):
            spread = np.maximum(spread, np.abs(block - mean).max(axis=0))
        constant = spread <= np.maximum(ROUNDING * np.abs(mean), TINY)
        unit = np.where(constant, 1.0, spread)
        var = sum((((block - mean) / unit) ** 2).sum(axis=0) for block in blocks(x, rows)) / count
        return mean, np.where(constant, 0.0, 1.0 / (unit * np.sqrt(np.where(constant, 1.0, var))))


class RobustScale(Scaler):
    """Subtract each feature's training median, divide by its interquartile range, then x / sqrt(1 + (x / clip)^2).

    Outliers have no say in the scale and end near +-clip (Holzmueller et al. 2024, RealMLP). Where the interquartile
    range is 0, half the range divides; a constant feature goes to 0. Quantiles are interpolated linearly.

    Parameters
    ----------
    clip : float
        The bound that outliers come near.
    name : str, optional
    """

    inspected = ("clip",)

    def __init__(self, clip: float = 3.0, name: str | None = None) -> None:
        super().__init__(name)
        self.clip = check_number("clip", clip, 1e-30, 1e30)

    def measure(self, x: Array, rows: Array | None) -> tuple[Array, Array]:
        """Median and 1 / interquartile range, some features at a time."""
        count = x.shape[0] if rows is None else len(rows)
        at_once = max(1, SORTED_AT_ONCE // count)
        offset, factor = np.empty(x.shape[1]), np.empty(x.shape[1])
        for start in range(0, x.shape[1], at_once):
            some = slice(start, start + at_once)
            ordered = np.empty((count, len(range(x.shape[1])[some])))
            place = 0
            for block in blocks(x, rows):
                ordered[place : place + len(block)] = block[:, some]
                place += len(block)
            ordered.sort(axis=0)
            # Halves, since a whole range may be more than a float64 holds.
            half = 0.5 * quantile(ordered, 0.75) - 0.5 * quantile(ordered, 0.25)
            half = np.where(half < TINY, 0.5 * (0.5 * ordered[-1] - 0.5 * ordered[0]), half)
            constant = half < TINY
            offset[some] = quantile(ordered, 0.5)
            factor[some] = np.where(constant, 0.0, 0.5 / np.where(constant, 1.0, half))
        return offset, factor

    def lower_gathered(self, recorder: Recorder, x: Buffer) -> None:
        """The smooth bound, in place."""
        recorder.add(record_smooth_clip, y=x, x=x, clip=self.clip)


def quantile(ordered: Array, q: float) -> Array:
    """The quantile of each sorted column, between two numbers by linear interpolation."""
    place = q * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    half_way = (place - below) * (0.5 * ordered[above] - 0.5 * ordered[below])  # halves, so that nothing overflows
    between: Array = ordered[below] + half_way + half_way
    return between
