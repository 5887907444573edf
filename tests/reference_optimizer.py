"""Every optimizer's step once more, in float64 NumPy: the part of reference.py that is about them.

Same names and arguments as `fastdl.kernels`; each returns the new weights and slots as a tuple. All arrays have one
shape.
"""

import numpy as np
from numpy.typing import ArrayLike
from reference import Array, f64, global_norm

Arrays = tuple[Array, ...]


def coupled(w: ArrayLike, g: ArrayLike, weight_decay: float, grad_scale: float) -> Arrays:
    """Weights, and the gradient with scale and coupled decay."""
    return f64(w), grad_scale * f64(g) + weight_decay * f64(w)


def decayed(w: ArrayLike, g: ArrayLike, lr: float, weight_decay: float, decoupled: bool, grad_scale: float) -> Arrays:
    """The same with a decay of either sort."""
    if not decoupled:
        return coupled(w, g, weight_decay, grad_scale)
    return (1.0 - lr * weight_decay) * f64(w), grad_scale * f64(g)


def mean(old: ArrayLike, new: ArrayLike, decay: float) -> Array:
    """A running mean."""
    return decay * f64(old) + (1.0 - decay) * f64(new)


def sgd_update(w: ArrayLike, g: ArrayLike, lr: float, weight_decay: float = 0.0, grad_scale: float = 1.0) -> Arrays:
    """w - lr g."""
    w, g = coupled(w, g, weight_decay, grad_scale)
    return (w - lr * g,)


def momentum_update(
    w: ArrayLike, g: ArrayLike, v: ArrayLike, lr: float, momentum: float, nesterov: bool = False,
    weight_decay: float = 0.0, grad_scale: float = 1.0, rate_outside: bool = False,
) -> Arrays:  # fmt: skip
    """Velocity with the rate inside it (Sutskever et al., 2013), or outside, as torch has it."""
    w, g = coupled(w, g, weight_decay, grad_scale)
    if rate_outside:
        v = momentum * f64(v) + g
        return w - lr * (g + momentum * v if nesterov else v), v
    v = momentum * f64(v) - lr * g
    return w + (momentum * v - lr * g if nesterov else v), v


def normalized_sgd_update(
    w: ArrayLike, g: ArrayLike, lr: float, weight_decay: float = 0.0, grad_scale: float = 1.0,
    norm: float | None = None,
) -> Arrays:  # fmt: skip
    """w - lr g / ||g||; nothing if g is zero."""
    norm = global_norm([g]) if norm is None else norm
    if norm == 0.0 or grad_scale == 0.0:
        return (f64(w),)
    return ((1.0 - lr * weight_decay) * f64(w) - lr * np.sign(grad_scale) * f64(g) / norm,)


def lion_update(
    w: ArrayLike, g: ArrayLike, m: ArrayLike, lr: float, beta1: float, beta2: float, weight_decay: float = 0.0,
    grad_scale: float = 1.0,
) -> Arrays:  # fmt: skip
    """Chen et al., 2023, algorithm 2."""
    w, g = decayed(w, g, lr, weight_decay, True, grad_scale)
    return w - lr * np.sign(mean(m, g, beta1)), mean(m, g, beta2)


def adagrad_update(
    w: ArrayLike, g: ArrayLike, s: ArrayLike, lr: float, eps: float, weight_decay: float = 0.0, grad_scale: float = 1.0
) -> Arrays:
    """Duchi et al., 2011."""
    w, g = coupled(w, g, weight_decay, grad_scale)
    s = f64(s) + g * g
    return w - lr * g / (np.sqrt(s) + eps), s


def adadelta_update(
    w: ArrayLike, g: ArrayLike, s: ArrayLike, d: ArrayLike, lr: float, rho: float, eps: float,
    weight_decay: float = 0.0, grad_scale: float = 1.0,
) -> Arrays:  # fmt: skip
    """Zeiler, 2012."""
    w, g = coupled(w, g, weight_decay, grad_scale)
    s = mean(s, g * g, rho)
    x = np.sqrt(f64(d) + eps) / np.sqrt(s + eps) * g
    return w - lr * x, s, mean(d, x * x, rho)


def rmsprop_update(
    w: ArrayLike, g: ArrayLike, s: ArrayLike, lr: float, rho: float, eps: float, momentum: float = 0.0,
    weight_decay: float = 0.0, grad_scale: float = 1.0, mean: ArrayLike | None = None,
    velocity: ArrayLike | None = None,
) -> Arrays:  # fmt: skip
    """Hinton, 2012 -> w, s, and mean and velocity where they are given."""
    w, g = coupled(w, g, weight_decay, grad_scale)
    s = rho * f64(s) + (1.0 - rho) * g * g
    slots = [s]
    if mean is not None:
        slots.append(rho * f64(mean) + (1.0 - rho) * g)
        s = np.maximum(s - slots[-1] ** 2, 0.0)
    move = g / (np.sqrt(s) + eps)
    if velocity is not None:
        move = momentum * f64(velocity) + move
        slots.append(move)
    return w - lr * move, *slots


def adam_update(
    w: ArrayLike, g: ArrayLike, m: ArrayLike, v: ArrayLike, lr: float, beta1: float, beta2: float, eps: float,
    step: int, weight_decay: float = 0.0, decoupled: bool = False, grad_scale: float = 1.0,
    vmax: ArrayLike | None = None,
) -> Arrays:  # fmt: skip
    """Adam (Kingma and Ba, 2015), decoupled AdamW (Loshchilov and Hutter, 2019), with vmax AMSGrad (Reddi, 2018)."""
    w, g = decayed(w, g, lr, weight_decay, decoupled, grad_scale)
    m, v = mean(m, g, beta1), mean(v, g * g, beta2)
    slots = (m, v) if vmax is None else (m, v, np.maximum(f64(vmax), v))
    root = np.sqrt(slots[-1] / (1.0 - beta2**step))  # of vmax if there is one
    return w - lr * (m / (1.0 - beta1**step)) / (root + eps), *slots


def adamax_update(
    w: ArrayLike, g: ArrayLike, m: ArrayLike, u: ArrayLike, lr: float, beta1: float, beta2: float, eps: float,
    step: int, weight_decay: float = 0.0, grad_scale: float = 1.0,
) -> Arrays:  # fmt: skip
    """Kingma and Ba, 2015, section 7.1."""
    w, g = coupled(w, g, weight_decay, grad_scale)
    m, u = mean(m, g, beta1), np.maximum(beta2 * f64(u), np.abs(g) + eps)
    return w - lr / (1.0 - beta1**step) * m / u, m, u


def nadam_update(
    w: ArrayLike, g: ArrayLike, m: ArrayLike, v: ArrayLike, lr: float, beta1: float, beta2: float, eps: float,
    step: int, weight_decay: float = 0.0, decoupled: bool = False, grad_scale: float = 1.0,
    momentum_decay: float = 4e-3,
) -> Arrays:  # fmt: skip
    """Dozat, 2016."""
    w, g = decayed(w, g, lr, weight_decay, decoupled, grad_scale)
    m, v = mean(m, g, beta1), mean(v, g * g, beta2)
    rates = beta1 * (1.0 - 0.5 * 0.96 ** (np.arange(1.0, step + 2.0) * momentum_decay))
    now, then = 1.0 - np.prod(rates[:-1]), 1.0 - np.prod(rates)
    move = (1.0 - rates[-2]) / now * g + rates[-1] / then * m
    return w - lr * move / (np.sqrt(v / (1.0 - beta2**step)) + eps), m, v


def radam_update(
    w: ArrayLike, g: ArrayLike, m: ArrayLike, v: ArrayLike, lr: float, beta1: float, beta2: float, eps: float,
    step: int, weight_decay: float = 0.0, decoupled: bool = False, grad_scale: float = 1.0,
) -> Arrays:  # fmt: skip
    """Liu et al., 2020, algorithm 2, with torch's eps."""
    w, g = decayed(w, g, lr, weight_decay, decoupled, grad_scale)
    m, v = mean(m, g, beta1), mean(v, g * g, beta2)
    most = 2.0 / (1.0 - beta2) - 1.0
    length = most - 2.0 * step * beta2**step / (1.0 - beta2**step)
    move = m / (1.0 - beta1**step)
    if length > 5.0:
        rest = (length - 4.0) * (length - 2.0) * most / ((most - 4.0) * (most - 2.0) * length)
        move = move * np.sqrt(rest) * np.sqrt(1.0 - beta2**step) / (np.sqrt(v) + eps)
    return w - lr * move, m, v
