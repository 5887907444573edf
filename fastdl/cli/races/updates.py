"""Updates of weights, norms and clips of gradients."""

from __future__ import annotations

import math

import numpy as np

from fastdl import kernels
from fastdl.cli.races.case import Arrays, Case, normal, normals

Array = np.ndarray
RATE, MOMENTUM, BETAS, EPS, STEP, THETA = 1e-3, 0.9, (0.9, 0.999), 1e-8, 3, 1.0


def state(rows: int, cols: int) -> Arrays:
    """Weights so small that an update shows in their check, gradient, and two positive slots."""
    w, g = normal(rows, cols) / 100, normal(rows, cols, 1)
    return w, g, np.abs(normal(rows, cols, 2)), np.abs(normal(rows, cols, 3))


def sgd(w: Array, g: Array, scratch: Array) -> None:
    """w -= rate g."""
    np.multiply(g, RATE, out=scratch)
    w -= scratch


def momentum(w: Array, g: Array, v: Array, scratch: Array) -> None:
    """v = momentum v - rate g; w += v."""
    np.multiply(g, RATE, out=scratch)
    v *= MOMENTUM
    v -= scratch
    w += v


def adam(w: Array, g: Array, m: Array, v: Array, scratch: Array) -> None:
    """In place, with the bias corrections in two scalars."""
    np.multiply(g, 1 - BETAS[0], out=scratch)
    m *= BETAS[0]
    m += scratch
    np.multiply(g, g, out=scratch)
    scratch *= 1 - BETAS[1]
    v *= BETAS[1]
    v += scratch
    np.sqrt(v, out=scratch)
    scratch *= 1 / math.sqrt(1 - BETAS[1] ** STEP)
    scratch += EPS
    np.divide(m, scratch, out=scratch)
    scratch *= RATE / (1 - BETAS[0] ** STEP)
    w -= scratch


def norm(g: Array) -> float:
    """A dot product: the quickest that NumPy has."""
    return float(np.sqrt(np.vdot(g, g)))


def clip(g: Array) -> float:
    """Scale to norm THETA if it is above."""
    before = norm(g)
    if before > THETA:
        g *= THETA / before
    return before


CASES = [
    Case("sgd_update", lambda *size: state(*size)[:2], lambda w, g: kernels.sgd_update(w, g, RATE), sgd, scratch=1),
    Case("momentum_update", lambda *size: state(*size)[:3],
         lambda w, g, v: kernels.momentum_update(w, g, v, RATE, MOMENTUM), momentum, scratch=1),
    Case("adam_update", state, lambda w, g, m, v: kernels.adam_update(w, g, m, v, RATE, *BETAS, EPS, STEP), adam,
         scratch=1),
    Case("global_norm", normals(1), lambda g: kernels.global_norm([g]), norm),
    Case("clip_by_global_norm", normals(1), lambda g: kernels.clip_by_global_norm([g], THETA), clip),
]  # fmt: skip
