"""Functions, activations, noise and norms."""

from __future__ import annotations

import math

import numpy as np

from fastdl import kernels
from fastdl.cli.races.case import Arrays, Case, normal, normals

RATE, SEED, EPS = 0.2, 7, 1e-5
SCALE = np.float32(1 / (1 - RATE))
ALPHA = -1.7580993408473766  # what SELU tends to at -infinity
Array = np.ndarray


def positive(rows: int, cols: int) -> Arrays:
    """Numbers above zero."""
    return (np.abs(normal(rows, cols)) + np.float32(1e-3),)


def sigmoid(x: Array) -> Array:
    """1 / (1 + e^-x), in place where it can be."""
    y = np.exp(-x)
    y += 1
    return np.divide(1, y, out=y)


def relu_backward(dy: Array, y: Array, out: Array) -> Array:
    """Let the gradient through where the output is positive."""
    return np.multiply(dy, y > 0, out=out)


def tanh_backward(dy: Array, y: Array, out: Array) -> Array:
    """Multiply by 1 - y^2."""
    np.multiply(y, y, out=out)
    np.subtract(1, out, out=out)
    return np.multiply(out, dy, out=out)


def smooth_clip(x: Array, out: Array) -> Array:
    """x / sqrt(1 + (x / 3)^2)."""
    np.multiply(x, x, out=out)
    out *= 1 / 9
    out += 1
    np.sqrt(out, out=out)
    return np.divide(x, out, out=out)


def masked(rows: int, cols: int) -> Arrays:
    """A gradient, and the factors that NumPy has kept from its forward pass."""
    mask = kernels.dropout_mask((rows, cols), RATE, SEED)
    return normal(rows, cols), np.where(mask, SCALE, np.float32(0))


def norm_inputs(rows: int, cols: int) -> Arrays:
    """x, gamma, beta, mean and variance."""
    x = 2 * normal(rows, cols) + 1
    gamma, beta = 1 + normal(1, cols, 1)[0] / 10, normal(1, cols, 2)[0]
    return x, gamma, beta, x.mean(axis=0), x.var(axis=0)


def backward_inputs(rows: int, cols: int) -> Arrays:
    """dy, x, gamma, mean and variance."""
    x, gamma, _, mean, var = norm_inputs(rows, cols)
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


class Draws:
    """NumPy's side of what needs random numbers; its own generator, since that is what NumPy's users have."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(SEED)  # noqa: TID251

    def dropout(self, x: Array, chance: Array, out: Array) -> Array:
        """Float32 numbers, compared and multiplied: NumPy's quickest."""
        self.rng.random(dtype=np.float32, out=chance)
        np.multiply(x, SCALE, out=out)
        return np.multiply(out, chance >= RATE, out=out)

    def alpha_dropout(self, x: Array, chance: Array, out: Array) -> Array:
        """The same with an affine map."""
        scale = 1 / math.sqrt((1 - RATE) * (1 + ALPHA**2 * RATE))
        self.rng.random(dtype=np.float32, out=chance)
        out[...] = np.where(chance >= RATE, x, np.float32(ALPHA))
        out *= scale
        out -= scale * ALPHA * RATE
        return out

    def noise(self, x: Array, deviates: Array, out: Array) -> Array:
        """Normal deviates, scaled and added."""
        self.rng.standard_normal(dtype=np.float32, out=deviates)
        np.multiply(deviates, np.float32(0.5), out=out)
        return np.add(out, x, out=out)


draws = Draws()
one, two = normals(1), normals(2)

CASES = [
    Case("activation_forward relu", one, lambda x, out: kernels.activation_forward(x, "relu", out=out),
         lambda x, out: np.maximum(x, 0, out=out), out=True),
    Case("activation_forward tanh", one, lambda x, out: kernels.activation_forward(x, "tanh", out=out), np.tanh,
         out=True),
    Case("activation_backward relu", two, lambda dy, y, out: kernels.activation_backward(dy, y, "relu", out=out),
         relu_backward, out=True),
    Case("activation_backward tanh", two, lambda dy, y, out: kernels.activation_backward(dy, y, "tanh", out=out),
         tanh_backward, out=True),
    Case("smooth_clip", one, lambda x, out: kernels.smooth_clip(x, 3.0, out=out), smooth_clip, out=True),
    Case("dropout_mask", one, lambda x: kernels.dropout_mask(x.shape, RATE, SEED),
         lambda x: draws.rng.random(x.shape, dtype=np.float32) >= RATE, same=False),
    Case("dropout_forward", one, lambda x, out: kernels.dropout_forward(x, RATE, SEED, out=out), draws.dropout,
         out=True, scratch=1, same=False),
    Case("dropout_backward", masked, lambda dy, factor, out: kernels.dropout_backward(dy, RATE, SEED, out=out),
         lambda dy, factor, out: np.multiply(dy, factor, out=out), out=True),
    Case("alpha_dropout_forward", one, lambda x, out: kernels.alpha_dropout_forward(x, RATE, SEED, out=out),
         draws.alpha_dropout, out=True, scratch=1, same=False),
    Case("alpha_dropout_backward", masked,
         lambda dy, factor, out: kernels.alpha_dropout_backward(dy, RATE, SEED, out=out),
         lambda dy, factor, out: np.multiply(dy, factor, out=out), out=True, same=False),
    Case("gaussian_noise", one, lambda x, out: kernels.gaussian_noise(x, 0.5, SEED, out=out), draws.noise,
         out=True, scratch=1, same=False),
    Case("random_uniform", one, lambda x: kernels.random_uniform(x.size, SEED),
         lambda x: draws.rng.random(x.size, dtype=np.float32), same=False),
    Case("random_normal", one, lambda x: kernels.random_normal(x.size, SEED),
         lambda x: draws.rng.standard_normal(x.size, dtype=np.float32), same=False),
    Case("permutation", one, lambda x: kernels.permutation(x.size, SEED), lambda x: draws.rng.permutation(x.size),
         same=False),
    Case("batchnorm_stats", one, kernels.batchnorm_stats, lambda x: (x.mean(axis=0), x.var(axis=0))),
    Case("batchnorm_forward", norm_inputs, kernels.batchnorm_forward, batchnorm),
    Case("batchnorm_backward", backward_inputs, kernels.batchnorm_backward, batchnorm_backward),
]  # fmt: skip
