"""What networks on tables begin with: feature scales, parametric activations, periodic embeddings."""

from __future__ import annotations

import numpy as np

from fastdl import kernels
from fastdl.cli.races.case import Arrays, Case, normal

Array = np.ndarray
WAVES, MIXTURES = 4, 2


def scaled(rows: int, cols: int) -> Arrays:
    """x, and a factor for each column."""
    return normal(rows, cols), normal(1, cols, 1)[0]


def gradient(rows: int, cols: int) -> Arrays:
    """dy, x, and a factor for each column."""
    return normal(rows, cols, 2), *scaled(rows, cols)


def scale_backward(dy: Array, x: Array, factor: Array) -> Arrays:
    """The gradients of x and of the factors."""
    return dy * factor, (dy * x).sum(axis=0)


def leaky(x: Array) -> Array:
    """Leaky ReLU."""
    return np.maximum(x, np.float32(0.01) * x)


def parametric(x: Array, alpha: Array) -> Array:
    """x + alpha (f(x) - x)."""
    y = leaky(x)
    y -= x
    y *= alpha
    y += x
    return y


def parametric_backward(dy: Array, x: Array, alpha: Array) -> Arrays:
    """The gradients of x and alpha."""
    gap = leaky(x) - x
    slope = np.where(x > 0, np.float32(1.0), np.float32(0.01))
    return dy * (1 - alpha + alpha * slope), (dy * gap).sum(axis=0)


def waves(rows: int, cols: int) -> Arrays:
    """x, frequency, phase, weight and bias."""
    weight = normal(WAVES * MIXTURES, cols, 3).reshape(WAVES, MIXTURES, cols)
    return normal(rows, cols), normal(WAVES, cols, 1), normal(WAVES, cols, 2), weight, normal(MIXTURES, cols, 4)


def periodic(x: Array, frequency: Array, phase: Array, weight: Array, bias: Array) -> Array:
    """x beside mixtures of its waves."""
    z = np.broadcast_to(bias, (len(x), *bias.shape)).copy()
    for f, p, w in zip(frequency, phase, weight, strict=True):
        z += np.cos(np.float32(2 * np.pi) * (x * f + p))[:, None] * w
    return np.concatenate([x, z.reshape(len(x), -1)], axis=1)


def periodic_backward(dy: Array, x: Array, frequency: Array, phase: Array, weight: Array, bias: Array) -> Arrays:
    """The gradients of x and of all coefficients."""
    n = x.shape[1]
    dx, dz = dy[:, :n].copy(), dy[:, n:].reshape(len(x), *bias.shape)
    df, dp, dw = np.empty_like(frequency), np.empty_like(phase), np.empty_like(weight)
    for h in range(WAVES):
        angle = np.float32(2 * np.pi) * (x * frequency[h] + phase[h])
        dw[h] = (dz * np.cos(angle)[:, None]).sum(axis=0)
        slope = np.float32(-2 * np.pi) * np.sin(angle) * (dz * weight[h]).sum(axis=1)
        df[h], dp[h] = (slope * x).sum(axis=0), slope.sum(axis=0)
        dx += slope * frequency[h]
    return dx, df, dp, dw, dz.sum(axis=0)


CASES = [
    Case("feature_scale_forward", scaled, kernels.feature_scale_forward, np.multiply),
    Case("feature_scale_backward", gradient, kernels.feature_scale_backward, scale_backward),
    Case("parametric_forward", scaled, lambda x, alpha: kernels.parametric_forward(x, alpha, "leaky_relu"), parametric),
    Case("parametric_backward", gradient,
         lambda dy, x, alpha: kernels.parametric_backward(dy, x, alpha, "leaky_relu"), parametric_backward),
    Case("periodic_forward", waves, kernels.periodic_forward, periodic),
    Case("periodic_backward", lambda rows, cols: (normal(rows, (1 + MIXTURES) * cols, 5), *waves(rows, cols)),
         kernels.periodic_backward, periodic_backward),
]  # fmt: skip
