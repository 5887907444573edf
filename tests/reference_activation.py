"""Float64 twins of activations and elementary functions; see reference.py. All work element by element, NaN kept."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

SELU_LAMBDA, SELU_ALPHA = 1.0507009873554804934193, 1.6732632423543772848170
ALPHA = {"leaky_relu": 0.01, "elu": 1.0}
FROM_INPUT = ("gelu", "silu", "mish")


def by_element(function: Callable[[float], float]) -> Callable[[ArrayLike], Array]:
    """A function of numbers as one of arrays."""
    of_objects = np.frompyfunc(function, 1, 1)
    return lambda x: np.asarray(of_objects(np.asarray(x, np.float64)), np.float64)


erf = by_element(math.erf)
erfc = by_element(math.erfc)


def sigmoid(x: Array) -> Array:
    """1 / (1 + e^-x), without overflow: x (...) -> (...)."""
    e = np.exp(-np.abs(x))
    return np.where(x < 0.0, e, 1.0) / (1.0 + e)


def softplus(x: Array) -> Array:
    """ln(1 + e^x), without overflow: x (...) -> (...)."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def normal_cdf(x: Array) -> Array:
    """Normal distribution: x (...) -> (...)."""
    return 0.5 * erfc(-x * math.sqrt(0.5))


def times(x: Array, gate: Array) -> Array:
    """Product that is 0 where the gate is, also at infinity."""
    with np.errstate(invalid="ignore"):
        return np.where(gate == 0.0, 0.0, x * gate)


def mish_gate(x: Array) -> Array:
    """tanh(ln(1 + e^x)) without loss: x (...) -> (...)."""
    e = np.exp(-np.abs(x))
    part = np.where(x < 0.0, e * (e + 2.0), 1.0 + 2.0 * e)
    return part / (part + np.where(x < 0.0, 2.0, 2.0 * e * e))


def activation_forward(x: ArrayLike, kind: str, alpha: float | None = None) -> Array:
    """The activation of that name: x (...) -> y (...)."""
    x = np.asarray(x, np.float64)
    alpha = ALPHA.get(kind, 0.0) if alpha is None else alpha
    negative = np.minimum(x, 0.0)
    with np.errstate(invalid="ignore"):
        return {
            "identity": lambda: x,
            "relu": lambda: np.maximum(x, 0.0),
            "leaky_relu": lambda: np.where(x < 0.0, alpha * x, x),
            "elu": lambda: np.where(x < 0.0, alpha * np.expm1(negative), x),
            "selu": lambda: SELU_LAMBDA * np.where(x < 0.0, SELU_ALPHA * np.expm1(negative), x),
            "gelu": lambda: times(x, normal_cdf(x)),
            "silu": lambda: times(x, sigmoid(x)),
            "mish": lambda: times(x, mish_gate(x)),
            "tanh": lambda: np.tanh(x),
            "sigmoid": lambda: sigmoid(x),
            "softplus": lambda: softplus(x),
        }[kind]()


def derivative(s: Array, kind: str, alpha: float) -> Array:
    """The slope of an activation, from its input x (gelu, silu, mish) or its output y: s (...) -> (...)."""
    with np.errstate(invalid="ignore", over="ignore"):
        return {
            "identity": lambda: np.ones_like(s),
            "relu": lambda: np.where(s <= 0.0, 0.0, 1.0),
            "leaky_relu": lambda: np.where(s <= 0.0, alpha, 1.0),
            "elu": lambda: np.where(s > 0.0, 1.0, s + alpha),
            "selu": lambda: np.where(s > 0.0, SELU_LAMBDA, s + SELU_LAMBDA * SELU_ALPHA),
            "gelu": lambda: normal_cdf(s) + times(s, np.exp(-0.5 * s * s) / math.sqrt(2.0 * math.pi)),
            "silu": lambda: sigmoid(s) + times(s, sigmoid(s) * sigmoid(-s)),
            "mish": lambda: mish_gate(s) + times(s, sigmoid(s) * (1.0 - mish_gate(s) ** 2)),
            "tanh": lambda: 1.0 - s * s,
            "sigmoid": lambda: s * (1.0 - s),
            "softplus": lambda: -np.expm1(-s),
        }[kind]()


def activation_backward(dy: ArrayLike, saved: ArrayLike, kind: str, alpha: float | None = None) -> Array:
    """dx from the gradient and what the kind saves, its x or y: dy (...), saved (...) -> dx (...)."""
    slope = derivative(np.asarray(saved, np.float64), kind, ALPHA.get(kind, 0.0) if alpha is None else alpha)
    return np.asarray(dy, np.float64) * slope
