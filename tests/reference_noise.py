"""The float64 twins of the noise layers' kernels; see reference.py for their manners."""

import numpy as np
from numpy.typing import ArrayLike
from reference import Array, dropout_mask, f64, random_normal

ALPHA = -1.7580993408473766  # the limit of SELU at -infinity


def alpha_scale(rate: float) -> float:
    """What brings the variance back to 1 once alpha stands where an element was dropped."""
    keep = 1.0 - rate
    return float((keep + ALPHA**2 * keep * (1.0 - keep)) ** -0.5)


def alpha_dropout_forward(x: ArrayLike, rate: float, seed: int, step: int = 0, stream: int = 0) -> Array:
    """Klambauer and others (2017): alpha where dropped, then a x + b, NaN kept: x (B, F) -> y (B, F)."""
    x, a = f64(x), alpha_scale(rate)
    kept = dropout_mask(x.shape, rate, seed, step, stream)
    return a * (x * kept + ALPHA * ~kept) - a * rate * ALPHA


def alpha_dropout_backward(dy: ArrayLike, rate: float, seed: int, step: int = 0, stream: int = 0) -> Array:
    """a dy where kept, NaN kept either way: dy (B, F) -> dx (B, F)."""
    dy = f64(dy)
    return alpha_scale(rate) * dy * dropout_mask(dy.shape, rate, seed, step, stream)


def gaussian_noise(x: ArrayLike, std: float, seed: int, step: int = 0, stream: int = 0) -> Array:
    """x plus std times the stream's normal deviates, in C order: x (B, F) -> y (B, F)."""
    x = f64(x)
    return x + std * np.reshape(random_normal(x.size, seed, step, stream), x.shape)
