"""How weights begin. Every initializer is a small object; its numbers come from Philox and depend on the seed alone."""

from __future__ import annotations

from math import prod, sqrt
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastdl.errors import check_number, unknown_name
from fastdl.kernels import random_normal, random_uniform

if TYPE_CHECKING:
    from fastdl.program import Array


class Initializer:
    """Base class: fills an array of a shape, given a seed and the number of a random stream."""

    options: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[str] = ""

    def __call__(self, shape: tuple[int, ...], seed: int = 0, stream: int = 0) -> Array:
        """Make the array.

        Parameters
        ----------
        shape : tuple of int
            (in, out) for weights.
        seed, stream : int
            What the numbers depend on.

        Returns
        -------
        ndarray, float32
        """
        raise NotImplementedError

    def config(self) -> dict[str, Any]:
        """Kind and options, as a saved model holds them."""
        return {"kind": self.kind, **{name: getattr(self, name) for name in self.options}}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.options)})"


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Inputs and outputs of weights of this shape, at least 1."""
    if len(shape) < 2:
        return max(1, prod(shape)), max(1, prod(shape))
    return max(1, prod(shape[:-1])), max(1, shape[-1])


def normal(shape: tuple[int, ...], std: float, seed: int, stream: int) -> Array:
    """Gaussian with mean 0."""
    return (random_normal(prod(shape), seed, 0, stream) * np.float32(std)).reshape(shape)


def uniform(shape: tuple[int, ...], low: float, high: float, seed: int, stream: int) -> Array:
    """Uniform between low and high."""
    u = random_uniform(prod(shape), seed, 0, stream)
    return (u * np.float32(high - low) + np.float32(low)).reshape(shape)


class Constant(Initializer):
    """The same number everywhere.

    Parameters
    ----------
    value : float
    """

    kind = "constant"
    options: ClassVar[tuple[str, ...]] = ("value",)

    def __init__(self, value: float = 0.0) -> None:
        self.value = check_number("value", value, -float("inf"), float("inf"))

    def __call__(self, shape: tuple[int, ...], seed: int = 0, stream: int = 0) -> Array:
        """Make the array."""
        return np.full(shape, self.value, np.float32)


class Zeros(Constant):
    """All 0."""

    kind, options = "zeros", ()

    def __init__(self) -> None:
        super().__init__(0.0)


class Ones(Constant):
    """All 1."""

    kind, options = "ones", ()

    def __init__(self) -> None:
        super().__init__(1.0)


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

    def __call__(self, shape: tuple[int, ...], seed: int = 0, stream: int = 0) -> Array:
        """Make the array."""
        return normal(shape, 1.0 / fans(shape)[0] if self.std is None else self.std, seed, stream)


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


KINDS: dict[str, type[Initializer]] = {
    kind.kind: kind for kind in (Zeros, Ones, Constant, Uniform, Gaussian, Lecun, Glorot, He)
}


def initializer(value: Any, what: str = "init") -> Initializer:
    """An initializer from itself, its name, or its saved config."""
    if isinstance(value, Initializer):
        return value
    if isinstance(value, dict) and isinstance(value.get("kind"), str):
        options = {key: option for key, option in value.items() if key != "kind"}
        kind = KINDS.get(value["kind"])
        if kind is None or set(options) - set(kind.options):
            raise ValueError(f"{what}: expected the config of an initializer, got {value!r}")
        return kind(**options)
    if isinstance(value, str):
        if value not in KINDS:
            raise unknown_name(what, value, KINDS)
        return KINDS[value]()
    raise TypeError(f"{what}: expected a name or an Initializer, got {type(value).__name__}")
