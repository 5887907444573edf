"""Dropout, noise and random numbers, beside NumPy's own generator: that is what its users have."""

from __future__ import annotations

import math

import numpy as np

from fastdl import kernels
from fastdl.cli.races.case import Arrays, Case, normal, normals

RATE, SEED = 0.2, 7
SCALE = np.float32(1 / (1 - RATE))
ALPHA = -1.7580993408473766  # what SELU tends to at -infinity
Array = np.ndarray


def masked(rows: int, cols: int) -> Arrays:
    """A gradient, and the factors that NumPy has kept from its forward pass."""
    mask = kernels.dropout_mask((rows, cols), RATE, SEED)
    return normal(rows, cols), np.where(mask, SCALE, np.float32(0))


class Draws:
    """NumPy's side, with a generator that goes on from call to call."""

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


draws, one = Draws(), normals(1)

CASES = [
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
]  # fmt: skip
