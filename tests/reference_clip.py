"""Clips, penalties, max-norm and averages once more in float64 NumPy; see reference.py, whose conventions hold here."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from reference import Array, clip_by_global_norm, f64


def clip_by_norm(arrays: Sequence[ArrayLike], theta: float) -> tuple[list[Array], Array]:
    """Each array by itself scaled down to norm theta, if it is above -> new arrays, norms before."""
    results = [clip_by_global_norm([array], theta) for array in arrays]
    return [clipped for (clipped,), _ in results], np.array([norm for _, norm in results])


def clip_by_value(arrays: Sequence[ArrayLike], value: float) -> list[Array]:
    """min(max(x, -value), value), NaN kept."""
    return [np.clip(f64(array), -value, value) for array in arrays]


def limited(x: ArrayLike, limits: ArrayLike) -> Array:
    """Columns of x whose norm is above their limit scaled down to it: x (I, O), limits (O,) or a number."""
    x = f64(x)
    norms = np.sqrt(np.square(x).sum(axis=0))
    return x * np.where(norms > limits, limits / np.where(norms > 0.0, norms, 1.0), 1.0)


def adaptive_clip(w: ArrayLike, g: ArrayLike, factor: float = 0.01, eps: float = 1e-3) -> Array:
    """Brock and others (2021): ||g_i|| <= factor max(||w_i||, eps) for each column i; a vector is one column -> g."""
    w, g = f64(w), f64(g)
    if g.ndim == 1:
        return adaptive_clip(w[:, None], g[:, None], factor, eps)[:, 0]
    return limited(g, factor * np.maximum(np.sqrt(np.square(w).sum(axis=0)), eps))


def max_norm(w: ArrayLike, limit: float) -> Array:
    """Columns of w (I, O) with a norm of at most the limit."""
    return limited(w, limit)


def penalty_l1l2(w: ArrayLike, g: ArrayLike, c1: float = 0.0, c2: float = 0.0) -> tuple[Array, float]:
    """g + c1 sign(w) + 2 c2 w, and c1 sum |w| + c2 sum w^2."""
    w = f64(w)
    return f64(g) + c1 * np.sign(w) + 2.0 * c2 * w, float(c1 * np.abs(w).sum() + c2 * np.square(w).sum())


def ema_update(average: ArrayLike, w: ArrayLike, decay: float) -> Array:
    """decay average + (1 - decay) w: (...)."""
    return decay * f64(average) + (1.0 - decay) * f64(w)


def ema_decay(decay: float, step: int) -> float:
    """The decay of a step, from 1, with warmup."""
    return min(decay, (1.0 + step) / (10.0 + step))
