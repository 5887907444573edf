"""The norms of rows and of weights in float64 NumPy, as reference.py has all other kernels; same letters."""

import numpy as np
from numpy.typing import ArrayLike
from reference import Array, f64


def row_stats(x: ArrayLike, eps: float, centered: bool) -> tuple[Array, Array]:
    """Normalised rows and 1 / std: x (B, F) -> (B, F), (B, 1)."""
    x = f64(x)
    if centered:
        x = x - x.mean(axis=1, keepdims=True)
    inverse = 1.0 / np.sqrt(np.square(x).mean(axis=1, keepdims=True) + eps)
    return x * inverse, inverse


def layernorm_forward(x: ArrayLike, gamma: ArrayLike, beta: ArrayLike, eps: float = 1e-5) -> Array:
    """y = gamma (x - mean) / sqrt(var + eps) + beta by rows: x (B, F), the rest (F,) -> y (B, F)."""
    return row_stats(x, eps, True)[0] * f64(gamma) + f64(beta)


def layernorm_backward(dy: ArrayLike, x: ArrayLike, gamma: ArrayLike, eps: float = 1e-5) -> tuple[Array, Array, Array]:
    """Gradients through the row's mean and variance: dy, x (B, F) -> dx (B, F), dgamma (F,), dbeta (F,)."""
    dy, (h, inverse) = f64(dy), row_stats(x, eps, True)
    g = dy * f64(gamma)
    dx = inverse * (g - g.mean(axis=1, keepdims=True) - h * (g * h).mean(axis=1, keepdims=True))
    return dx, (dy * h).sum(axis=0), dy.sum(axis=0)


def rmsnorm_forward(x: ArrayLike, gamma: ArrayLike, eps: float = 1e-5) -> Array:
    """y = gamma x / sqrt(mean of x^2 + eps) by rows: x (B, F), gamma (F,) -> y (B, F)."""
    return row_stats(x, eps, False)[0] * f64(gamma)


def rmsnorm_backward(dy: ArrayLike, x: ArrayLike, gamma: ArrayLike, eps: float = 1e-5) -> tuple[Array, Array]:
    """Gradients through the row's mean square: dy, x (B, F) -> dx (B, F), dgamma (F,)."""
    dy, (h, inverse) = f64(dy), row_stats(x, eps, False)
    g = dy * f64(gamma)
    return inverse * (g - h * (g * h).mean(axis=1, keepdims=True)), (dy * h).sum(axis=0)


def directions(v: ArrayLike) -> tuple[Array, Array]:
    """Columns of length 1 (or 0, where they are 0), and one over their lengths (or 0): v (I, O) -> (I, O), (O,)."""
    v = f64(v)
    length = np.sqrt(np.square(v).sum(axis=0))
    inverse = np.where(length == 0.0, 0.0, 1.0 / np.where(length == 0.0, 1.0, length))
    return v * inverse, inverse


def weightnorm_forward(v: ArrayLike, g: ArrayLike) -> Array:
    """w = g v / |v| by columns: v (I, O), g (O,) -> w (I, O)."""
    return f64(g) * directions(v)[0]


def weightnorm_backward(dw: ArrayLike, v: ArrayLike, g: ArrayLike) -> tuple[Array, Array]:
    """Gradients of direction and length: dw, v (I, O), g (O,) -> dv (I, O), dg (O,)."""
    dw, (unit, inverse) = f64(dw), directions(v)
    dg = (dw * unit).sum(axis=0)
    return f64(g) * inverse * (dw - unit * dg), dg
