"""Optimizer steps on one array, in place: gradient descent and its kin, and rates from mean squares of gradients."""
from fastdl.kernels._arrays cimport number
from fastdl.kernels._hyper cimport (
    ADADELTA, ADAGRAD, LION, MOMENTUM, NORMALIZED_SGD, RMSPROP, SGD, Scalars, decay_rate, scalars,
)
from fastdl.kernels._update cimport update_now


cdef double momentum_of(object x) except? -1.0:
    cdef double value = number(x, "momentum")
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"momentum: expected a number in [0, 1], got {x}")
    return value


def sgd_update(w, g, lr, weight_decay=0.0, grad_scale=1.0) -> None:
    """One step of gradient descent, in place: g' = grad_scale g + weight_decay w; w -= lr g'.

    Parameters
    ----------
    w : ndarray, float32, C-contiguous
        Parameters, any shape; changed in place.
    g : array_like, shape of w
        Gradient; not changed.
    lr : float
        Learning rate.
    weight_decay : float
        Coupled decay.
    grad_scale : float
        Factor of the gradient, applied before the decay (clipping).

    Raises
    ------
    ValueError, TypeError
        If an argument will not do; nothing has changed then.
    """
    update_now(scalars(SGD, weight_decay), lr, 1.0, grad_scale, w, g, (), ())


def momentum_update(w, g, v, lr, momentum, bint nesterov=False, weight_decay=0.0,
                    grad_scale=1.0, bint rate_outside=False) -> None:
    """One step of gradient descent with momentum, in place (the form of Sutskever et al. 2013, and of Keras).

    g' = grad_scale g + weight_decay w; v = momentum v - lr g'; w += v, or w += momentum v - lr g' with nesterov.

    Parameters
    ----------
    w, v : ndarray, float32, C-contiguous
        Parameters and velocity, of one shape; changed in place.
    g : array_like, shape of w
        Gradient; not changed.
    lr, momentum : float
        momentum in [0, 1].
    nesterov : bool
    weight_decay, grad_scale : float
        As in `sgd_update`.
    rate_outside : bool
        PyTorch's form: v = momentum v + g'; w -= lr v, or w -= lr (g' + momentum v) with nesterov.

    Raises
    ------
    ValueError, TypeError
        If an argument will not do; nothing has changed then.
    """
    cdef Scalars s = scalars(MOMENTUM, weight_decay)
    s.momentum = momentum_of(momentum)
    s.nesterov = nesterov
    s.rate_outside = rate_outside
    update_now(s, lr, 1.0, grad_scale, w, g, ("v",), (v,))


def normalized_sgd_update(w, g, lr, weight_decay=0.0, grad_scale=1.0, norm=None) -> None:
    """One step of a length that does not depend on the gradient's, in place: w -= lr g / ||g||.

    The factor is rounded once: an error of three units in the last place of each term. Norms above 8e37 count as
    infinite. A gradient of zero changes nothing.

    Parameters
    ----------
    w : ndarray, float32, C-contiguous
        Parameters, any shape; changed in place.
    g : array_like, shape of w
        Gradient; not changed.
    lr : float
        Length of the step.
    weight_decay : float
        Decoupled: w *= 1 - lr weight_decay before the update.
    grad_scale : float
        Only its sign matters here, and whether it is zero.
    norm : float, optional
        ||g|| over a whole model, of which w is a part; by default that of g, in float64.

    Raises
    ------
    ValueError, TypeError
        If an argument will not do; nothing has changed then.
    """
    cdef Scalars s = scalars(NORMALIZED_SGD, weight_decay)
    s.decoupled = True
    update_now(s, lr, 1.0, grad_scale, w, g, (), (), 0, norm)


def lion_update(w, g, m, lr, beta1, beta2, weight_decay=0.0, grad_scale=1.0) -> None:
    """One step of Lion (Chen et al. 2023, "Symbolic discovery of optimization algorithms"), in place.

    g' = grad_scale g; w *= 1 - lr weight_decay; w -= lr sign(beta1 m + (1 - beta1) g'); m = beta2 m + (1 - beta2) g'.
    The sign of 0 is 0.

    Parameters
    ----------
    w, m : ndarray, float32, C-contiguous
        Parameters and momentum, of one shape; changed in place.
    g : array_like, shape of w
        Gradient; not changed.
    lr, beta1, beta2 : float
        beta1 and beta2 in [0, 1).
    weight_decay : float
        Decoupled.
    grad_scale : float

    Raises
    ------
    ValueError, TypeError
        If an argument will not do; nothing has changed then.
    """
    cdef Scalars s = scalars(LION, weight_decay)
    s.beta1 = decay_rate(beta1, "beta1")
    s.beta2 = decay_rate(beta2, "beta2")
    s.decoupled = True
    update_now(s, lr, 1.0, grad_scale, w, g, ("m",), (m,))


def adagrad_update(w, g, s, lr, eps, weight_decay=0.0, grad_scale=1.0) -> None:
    """One step of Adagrad (Duchi et al. 2011), in place.

    g' = grad_scale g + weight_decay w; s += g'^2; w -= lr g' / (sqrt(s) + eps).

    Parameters
    ----------
    w, s : ndarray, float32, C-contiguous
        Parameters and sum of squares, of one shape; changed in place. s begins at 0.
    g : array_like, shape of w
        Gradient; not changed.
    lr, eps : float
    weight_decay, grad_scale : float
        As in `sgd_update`.

    Raises
    ------
    ValueError, TypeError
        If an argument will not do; nothing has changed then.
    """
    update_now(scalars(ADAGRAD, weight_decay, eps), lr, 1.0, grad_scale, w, g, ("s",), (s,))


def adadelta_update(w, g, s, d, lr, rho, eps, weight_decay=0.0, grad_scale=1.0) -> None:
    """One step of Adadelta (Zeiler 2012), in place.

    g' = grad_scale g + weight_decay w; s = rho s + (1 - rho) g'^2; x = g' sqrt(d + eps) / sqrt(s + eps);
    d = rho d + (1 - rho) x^2; w -= lr x.

    Parameters
    ----------
    w, s, d : ndarray, float32, C-contiguous
        Parameters, mean square of gradients and of moves, of one shape; changed in place.
    g : array_like, shape of w
        Gradient; not changed.
    lr, rho, eps : float
        rho in [0, 1).
    weight_decay, grad_scale : float
        As in `sgd_update`.

    Raises
    ------
    ValueError, TypeError
        If an argument will not do; nothing has changed then.
    """
    cdef Scalars hyper = scalars(ADADELTA, weight_decay, eps)
    hyper.beta2 = decay_rate(rho, "rho")
    update_now(hyper, lr, 1.0, grad_scale, w, g, ("s", "d"), (s, d))


def rmsprop_update(w, g, s, lr, rho, eps, momentum=0.0, weight_decay=0.0, grad_scale=1.0,
                   mean=None, velocity=None) -> None:
    """One step of RMSprop (Hinton 2012), in place.

    g' = grad_scale g + weight_decay w; s = rho s + (1 - rho) g'^2; w -= lr g' / (sqrt(s) + eps). Centered (with mean):
    mean = rho mean + (1 - rho) g', and max(s - mean^2, 0) under the root. With velocity, as torch:
    velocity = momentum velocity + g' / (...); w -= lr velocity.

    Parameters
    ----------
    w, s : ndarray, float32, C-contiguous
        Parameters and mean square of gradients, of one shape; changed in place.
    g : array_like, shape of w
        Gradient; not changed.
    lr, rho, eps, momentum : float
        rho in [0, 1); momentum in [0, 1], above 0 only with velocity.
    weight_decay, grad_scale : float
        As in `sgd_update`.
    mean, velocity : ndarray, float32, shape of w, optional
        Mean gradient, and velocity; changed in place.

    Raises
    ------
    ValueError, TypeError
        If an argument will not do; nothing has changed then.
    """
    cdef Scalars hyper = scalars(RMSPROP, weight_decay, eps)
    hyper.beta2 = decay_rate(rho, "rho")
    hyper.momentum = momentum_of(momentum)
    if hyper.momentum and velocity is None:
        raise ValueError(f"velocity: expected an array with momentum {momentum}, got None")
    update_now(hyper, lr, 1.0, grad_scale, w, g, ("s", "mean", "velocity"), (s, mean, velocity), 1)
