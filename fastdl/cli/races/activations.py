"""Functions of each element, activations, and smooth clipping."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastdl import kernels
from fastdl.cli.races.case import Arrays, Case, normal, normals

Array = np.ndarray


def positive(rows: int, cols: int) -> Arrays:
    """Numbers above zero."""
    return (np.abs(normal(rows, cols)) + np.float32(1e-3),)


def sigmoid(x: Array, out: Array) -> Array:
    """1 / (1 + e^-x)."""
    np.negative(x, out=out)
    np.exp(out, out=out)
    out += 1
    return np.divide(1, out, out=out)


def silu(x: Array, out: Array) -> Array:
    """x / (1 + e^-x)."""
    return np.multiply(x, sigmoid(x, out), out=out)


def elu(x: Array, out: Array) -> Array:
    """x, or e^x - 1 below 0."""
    np.minimum(x, 0, out=out)
    np.expm1(out, out=out)
    return np.maximum(out, x, out=out)


def softplus(x: Array, out: Array) -> Array:
    """ln(1 + e^x)."""
    return np.logaddexp(0, x, out=out)


def mish(x: Array, out: Array) -> Array:
    """x tanh(ln(1 + e^x))."""
    np.tanh(softplus(x, out), out=out)
    return np.multiply(x, out, out=out)


def relu_backward(dy: Array, y: Array, out: Array) -> Array:
    """Let the gradient through where the output is positive."""
    return np.multiply(dy, y > 0, out=out)


def tanh_backward(dy: Array, y: Array, out: Array) -> Array:
    """Multiply by 1 - y^2."""
    np.multiply(y, y, out=out)
    np.subtract(1, out, out=out)
    return np.multiply(out, dy, out=out)


def silu_backward(dy: Array, x: Array, out: Array) -> Array:
    """Multiply by s (1 + x (1 - s)), where s is the sigmoid."""
    s = sigmoid(x, out)
    slope = 1 - s
    slope *= x
    slope += 1
    np.multiply(s, slope, out=out)
    return np.multiply(out, dy, out=out)


def smooth_clip(x: Array, out: Array) -> Array:
    """x / sqrt(1 + (x / 3)^2)."""
    np.multiply(x, x, out=out)
    out *= 1 / 9
    out += 1
    np.sqrt(out, out=out)
    return np.divide(x, out, out=out)


def forward(kind: Any, theirs: Callable[..., Array]) -> Case:
    """An activation's case."""
    ours = lambda x, out: kernels.activation_forward(x, kind, out=out)  # noqa: E731
    return Case(f"activation_forward {kind}", one, ours, theirs, out=True)


def backward(kind: Any, theirs: Callable[..., Array]) -> Case:
    """A derivative's case, from what the activation keeps."""
    ours = lambda dy, saved, out: kernels.activation_backward(dy, saved, kind, out=out)  # noqa: E731
    return Case(f"activation_backward {kind}", two, ours, theirs, out=True)


one, two = normals(1), normals(2)

CASES = [
    Case("exp", one, kernels.exp, np.exp, out=True),
    Case("log", positive, kernels.log, np.log, out=True),
    Case("tanh", one, kernels.tanh, np.tanh, out=True),
    Case("sin", one, kernels.sin, np.sin, out=True),
    Case("cos", one, kernels.cos, np.cos, out=True),
    forward("relu", lambda x, out: np.maximum(x, 0, out=out)),
    forward("tanh", np.tanh),
    forward("sigmoid", sigmoid),
    forward("silu", silu),
    forward("elu", elu),
    forward("softplus", softplus),
    forward("mish", mish),
    backward("relu", relu_backward),
    backward("tanh", tanh_backward),
    backward("silu", silu_backward),
    Case("smooth_clip", one, lambda x, out: kernels.smooth_clip(x, 3.0, out=out), smooth_clip, out=True),
]
