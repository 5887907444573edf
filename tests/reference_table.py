"""Float64 twins of what networks on tables begin with: feature scales, parametric activations, periodic embeddings."""

import numpy as np

Array = np.ndarray


def feature_scale_backward(dy: Array, x: Array, factor: Array) -> tuple[Array, Array]:
    """Gradients of y = x factor.   dy, x: (B, n)   factor: (n,)."""
    dy, x, factor = (np.asarray(a, np.float64) for a in (dy, x, factor))
    return dy * factor, (dy * x).sum(axis=0)


def parametric_forward(x: Array, f: Array, alpha: Array) -> Array:
    """x + alpha (f - x).   x, f: (B, n)   alpha: (n,)."""
    x, f, alpha = (np.asarray(a, np.float64) for a in (x, f, alpha))
    return x + alpha * (f - x)


def parametric_backward(dy: Array, x: Array, f: Array, df: Array, alpha: Array) -> tuple[Array, Array]:
    """Gradients of x and alpha, df = dy f'(x)."""
    dy, x, f, df, alpha = (np.asarray(a, np.float64) for a in (dy, x, f, df, alpha))
    return (1.0 - alpha) * dy + alpha * df, (dy * (f - x)).sum(axis=0)


def periodic_forward(x: Array, frequency: Array, phase: Array, weight: Array, bias: Array) -> Array:
    """[x, z_0, z_1 ...].   x: (B, n)   frequency, phase: (k, n)   weight: (k, m, n)   bias: (m, n)."""
    x, frequency, phase, weight, bias = (np.asarray(a, np.float64) for a in (x, frequency, phase, weight, bias))
    waves = np.cos(2.0 * np.pi * (x[:, None] * frequency + phase))
    z = np.einsum("bkn,kmn->bmn", waves, weight) + bias
    return np.concatenate([x, z.reshape(len(x), bias.size)], axis=1)


def periodic_backward(
    dy: Array, x: Array, frequency: Array, phase: Array, weight: Array, bias: Array
) -> tuple[Array, ...]:
    """Gradients of x, frequency, phase, weight and bias."""
    dy, x, frequency, phase, weight, bias = (np.asarray(a, np.float64) for a in (dy, x, frequency, phase, weight, bias))
    n, m = x.shape[1], bias.shape[0]
    dz = dy[:, n:].reshape(len(x), m, n)
    angle = 2.0 * np.pi * (x[:, None] * frequency + phase)
    slope = -2.0 * np.pi * np.sin(angle) * np.einsum("bmn,kmn->bkn", dz, weight)
    dx = dy[:, :n] + (slope * frequency).sum(axis=1)
    dweight = np.einsum("bkn,bmn->kmn", np.cos(angle), dz)
    return dx, (slope * x[:, None]).sum(axis=0), slope.sum(axis=0), dweight, dz.sum(axis=0)
