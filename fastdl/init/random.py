"""Initializers that draw each number by itself."""

from __future__ import annotations

from math import prod, sqrt
from typing import TYPE_CHECKING

import numpy as np

from fastdl.errors import check_number, unknown_name
from fastdl.init.base import Initializer, fans
from fastdl.kernels import random_normal, random_uniform

if TYPE_CHECKING:
    from fastdl.program import Array

LIMIT = 2.0  # standard deviations


def normal(shape: tuple[int, ...], std: float, seed: int, stream: int) -> Array:
    """Gaussian with mean 0."""
    return (random_normal(prod(shape), seed, 0, stream) * np.float32(std)).reshape(shape)


def uniform(shape: tuple[int, ...], low: float, high: float, seed: int, stream: int) -> Array:
    """Uniform between low and high."""
    u = random_uniform(prod(shape), seed, 0, stream)
    return (u * np.float32(high - low) + np.float32(low)).reshape(shape)


class Uniform(Initializer):
    """Uniform between limits; without them U(-1/sqrt(n_in), 1/sqrt(n_in)).

    Parameters
    ----------
    low, high : float, optional
        Both or neither.
    """

    kind, options = "uniform", ("low", "high")

    def __init__(self, low: float | None = None, high: float | None = None) -> None:
        if (low is None) != (high is None):
            raise ValueError(f"low, high: expected both or neither, got {low} and {high}")
        self.low = low if low is None else check_number("low", low, -float("inf"), float("inf"))
        self.high = high if self.low is None else check_number("high", high, self.low, float("inf"))

    def __call__(self, shape: tuple[int, ...], seed: int = 0, stream: int = 0) -> Array:
        """Make the array."""
        limit = 1.0 / sqrt(fans(shape)[0])
        low, high = (-limit, limit) if self.low is None or self.high is None else (self.low, self.high)
        return uniform(shape, low, high, seed, stream)


class Gaussian(Initializer):
    """Gaussian with mean 0; without a std it is 1/n_in.

    Parameters
    ----------
    std : float, optional
        The standard deviation, not the variance.
    """

    kind, options = "gaussian", ("std",)

    def __init__(self, std: float | None = None) -> None:
        self.std = std if std is None else check_number("std", std, 0.0, float("inf"))

    def std_of(self, shape: tuple[int, ...]) -> float:
        """The standard deviation for weights of this shape."""
        return 1.0 / fans(shape)[0] if self.std is None else self.std

    def __call__(self, shape: tuple[int, ...], seed: int = 0, stream: int = 0) -> Array:
        """Make the array."""
        return normal(shape, self.std_of(shape), seed, stream)


class TruncatedGaussian(Gaussian):
    """Gaussian with mean 0, of which deviates beyond two standard deviations are drawn anew.

    Parameters
    ----------
    std : float, optional
        The standard deviation before anything is cut off, 1/n_in by default; that of the result is 0.880 of it.
    """

    kind = "truncated_gaussian"

    def __call__(self, shape: tuple[int, ...], seed: int = 0, stream: int = 0) -> Array:
        """Make the array; the k-th draw of an element is from step k of the stream."""
        deviates, draw = random_normal(prod(shape), seed, 0, stream), 0
        while (beyond := np.abs(deviates) > LIMIT).any():
            draw += 1
            deviates[beyond] = random_normal(prod(shape), seed, draw, stream)[beyond]
        return (deviates * np.float32(self.std_of(shape))).reshape(shape)


class VarianceScaling(Initializer):
    """An std that keeps the variance of the signal, as a Gaussian or as a uniform distribution with the same std.

    Parameters
    ----------
    distribution : {"normal", "uniform"}
    """

    options = ("distribution",)

    def __init__(self, distribution: str = "normal") -> None:
        if distribution not in ("normal", "uniform"):
            raise unknown_name("distribution", distribution, ("normal", "uniform"))
        self.distribution = distribution

    def std(self, fan_in: int, fan_out: int) -> float:
        """Standard deviation for so many inputs and outputs."""
        raise NotImplementedError

    def __call__(self, shape: tuple[int, ...], seed: int = 0, stream: int = 0) -> Array:
        """Make the array."""
        std = self.std(*fans(shape))
        if self.distribution == "normal":
            return normal(shape, std, seed, stream)
        return uniform(shape, -sqrt(3.0) * std, sqrt(3.0) * std, seed, stream)


class Lecun(VarianceScaling):
    """std = 1/sqrt(n_in) (LeCun et al. 1998): keeps the variance through linear units and SELU."""

    kind = "lecun"

    def std(self, fan_in: int, fan_out: int) -> float:
        """1/sqrt(n_in)."""
        return 1.0 / sqrt(fan_in)


class Glorot(VarianceScaling):
    """std = sqrt(2/(n_in + n_out)) (Glorot & Bengio 2010): for tanh, sigmoid and linear units."""

    kind = "glorot"

    def std(self, fan_in: int, fan_out: int) -> float:
        """sqrt(2/(n_in + n_out))."""
        return sqrt(2.0 / (fan_in + fan_out))


class He(VarianceScaling):
    """std = sqrt(2/n_in) (He et al. 2015): for ReLU and its kin."""

    kind = "he"

    def std(self, fan_in: int, fan_out: int) -> float:
        """sqrt(2/n_in)."""
        return sqrt(2.0 / fan_in)
