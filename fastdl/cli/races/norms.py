"""Batch norm, layer norm, RMS norm and weight norm."""

from __future__ import annotations

import numpy as np

from fastdl import kernels
from fastdl.cli.races.case import Arrays, Case, normal, normals

EPS = 1e-5
Array = np.ndarray


def batch_inputs(rows: int, cols: int) -> Arrays:
    """x, gamma, beta, mean and variance."""
    x = 2 * normal(rows, cols) + 1
    gamma, beta = 1 + normal(1, cols, 1)[0] / 10, normal(1, cols, 2)[0]
    return x, gamma, beta, x.mean(axis=0), x.var(axis=0)


def backward_inputs(rows: int, cols: int) -> Arrays:
    """dy, x, gamma, mean and variance."""
    x, gamma, _, mean, var = batch_inputs(rows, cols)
    return normal(rows, cols, 3), x, gamma, mean, var


def batchnorm(x: Array, gamma: Array, beta: Array, mean: Array, var: Array) -> Array:
    """One multiplication and one addition an element."""
    scale = gamma / np.sqrt(var + EPS)
    y = x * scale
    y += beta - mean * scale
    return y


def batchnorm_backward(dy: Array, x: Array, gamma: Array, mean: Array, var: Array) -> Arrays:
    """The three gradients, with mean and variance as functions of x."""
    inverse = 1 / np.sqrt(var + EPS)
    normed = (x - mean) * inverse
    dbeta, dgamma = dy.sum(axis=0), (dy * normed).sum(axis=0)
    normed *= dgamma / len(x)
    dx = dy - dbeta / len(x)
    dx -= normed
    dx *= gamma * inverse
    return dx, dgamma, dbeta


def layer_inputs(rows: int, cols: int) -> Arrays:
    """x, gamma and beta."""
    return batch_inputs(rows, cols)[:3]


def rms_inputs(rows: int, cols: int) -> Arrays:
    """x and gamma."""
    return batch_inputs(rows, cols)[:2]


def gradient_inputs(rows: int, cols: int) -> Arrays:
    """dy, x and gamma."""
    return backward_inputs(rows, cols)[:3]


def normalised(x: Array, centered: bool) -> tuple[Array, Array]:
    """Rows with mean 0 (if centered) and mean square 1, and what they were multiplied by."""
    h = x - x.mean(axis=1, keepdims=True) if centered else x.copy()
    inverse = 1 / np.sqrt(np.square(h).mean(axis=1, keepdims=True) + EPS)
    h *= inverse
    return h, inverse


def layernorm(x: Array, gamma: Array, beta: Array) -> Array:
    """Rows with mean 0 and variance 1, times gamma, plus beta."""
    y = normalised(x, True)[0]
    y *= gamma
    y += beta
    return y


def rmsnorm(x: Array, gamma: Array) -> Array:
    """Rows of mean square 1, times gamma."""
    y = normalised(x, False)[0]
    y *= gamma
    return y


def layernorm_backward(dy: Array, x: Array, gamma: Array, centered: bool = True) -> Arrays:
    """The gradients of x, gamma and, if centered, beta."""
    h, inverse = normalised(x, centered)
    dgamma, dbeta = (dy * h).sum(axis=0), dy.sum(axis=0)
    dx = dy * gamma
    h *= (dx * h).mean(axis=1, keepdims=True)
    if centered:
        dx -= dx.mean(axis=1, keepdims=True)
    dx -= h
    dx *= inverse
    return (dx, dgamma, dbeta) if centered else (dx, dgamma)


def units(rows: int, cols: int) -> Arrays:
    """v, and the lengths of its columns."""
    return normal(rows, cols), 1 + normal(1, cols, 2)[0] / 10


def weightnorm(v: Array, g: Array) -> Array:
    """One multiplication an element, and the lengths."""
    return v * (g / np.sqrt(np.square(v).sum(axis=0)))


def weightnorm_backward(dw: Array, v: Array, g: Array) -> Arrays:
    """The gradients of v and g."""
    inverse = 1 / np.sqrt(np.square(v).sum(axis=0))
    dg = (dw * v).sum(axis=0) * inverse
    dv = dw - v * (dg * inverse)
    dv *= g * inverse
    return dv, dg


CASES = [
    Case("batchnorm_stats", normals(1), kernels.batchnorm_stats, lambda x: (x.mean(axis=0), x.var(axis=0))),
    Case("batchnorm_forward", batch_inputs, kernels.batchnorm_forward, batchnorm),
    Case("batchnorm_backward", backward_inputs, kernels.batchnorm_backward, batchnorm_backward),
    Case("layernorm_forward", layer_inputs, kernels.layernorm_forward, layernorm),
    Case("layernorm_backward", gradient_inputs, kernels.layernorm_backward, layernorm_backward),
    Case("rmsnorm_forward", rms_inputs, kernels.rmsnorm_forward, rmsnorm),
    Case("rmsnorm_backward", gradient_inputs, kernels.rmsnorm_backward,
         lambda dy, x, gamma: layernorm_backward(dy, x, gamma, centered=False)),
    Case("weightnorm_forward", units, kernels.weightnorm_forward, weightnorm),
    Case("weightnorm_backward", lambda rows, cols: (normal(rows, cols, 3), *units(rows, cols)),
         kernels.weightnorm_backward, weightnorm_backward),
]  # fmt: skip
