"""Losses that are the mean of a term of each output, each with its gradient in one pass."""
import numpy as np

from numpy cimport ndarray

from fastdl.kernels._arrays cimport matrix, number
from fastdl.kernels._loss cimport (
    ABSOLUTE_ERROR, BINARY_CROSS_ENTROPY, HUBER, POISSON, QUANTILE, SQUARED_ERROR, Kind, check_same_shape, loss_now,
)


cdef tuple _error(Kind kind, object pred, object target, object weights, object parameters):
    """A loss of two arrays of one shape that may hold any numbers."""
    cdef ndarray x = matrix(pred, "pred"), t = matrix(target, "target")
    check_same_shape(t, "target", x, "pred")
    return loss_now(kind, x, "pred", t, weights, parameters)


def mse(pred, target, weights=None):
    """Squared error, with its gradient.

    Parameters
    ----------
    pred, target : array_like, shape (B, n)
    weights : array_like, shape (B,), optional
        s, a weight >= 0 for each row.

    Returns
    -------
    loss : ndarray, shape (B,), float32
        Mean over the outputs of (pred - target)^2, not weighted. Relative error below (5 + n / 16) 2^-24.
    dpred : ndarray, shape (B, n), float32
        Gradient of sum(s loss) / sum(s): s_i / sum(s) 2 (pred - target) / n. Exactly 0 in rows of weight 0.

    Raises
    ------
    ValueError
        If shapes differ, or a weight is negative or not finite.
    TypeError
        If an array does not hold real numbers.
    """
    return _error(SQUARED_ERROR, pred, target, weights, None)


def mae(pred, target, weights=None):
    """Absolute error, with its gradient.

    Parameters
    ----------
    pred, target : array_like, shape (B, n)
    weights : array_like, shape (B,), optional
        s, a weight >= 0 for each row.

    Returns
    -------
    loss : ndarray, shape (B,), float32
        Mean over the outputs of |pred - target|, not weighted. Relative error below (5 + n / 16) 2^-24.
    dpred : ndarray, shape (B, n), float32
        Gradient of sum(s loss) / sum(s): s_i / sum(s) sign(pred - target) / n, the sign of 0 being 0. Exactly 0 in rows
        of weight 0.

    Raises
    ------
    ValueError
        If shapes differ, or a weight is negative or not finite.
    TypeError
        If an array does not hold real numbers.
    """
    return _error(ABSOLUTE_ERROR, pred, target, weights, None)


def huber(pred, target, weights=None, delta=1.0):
    """Huber's loss, with its gradient: squared error near the target, absolute error far from it.

    Parameters
    ----------
    pred, target : array_like, shape (B, n)
    weights : array_like, shape (B,), optional
        s, a weight >= 0 for each row.
    delta : float
        Above 0: where the one passes into the other.

    Returns
    -------
    loss : ndarray, shape (B,), float32
        Mean over the outputs of d^2 / 2 where |d| <= delta and delta (|d| - delta / 2) elsewhere, d = pred - target,
        not weighted (Huber, "Robust estimation of a location parameter", 1964). Relative error below
        (8 + n / 16) 2^-24.
    dpred : ndarray, shape (B, n), float32
        Gradient of sum(s loss) / sum(s): s_i / sum(s) d / n with d cut at -delta and delta. Exactly 0 in rows of
        weight 0.

    Raises
    ------
    ValueError
        If shapes differ, delta is not positive, or a weight is negative or not finite.
    TypeError
        If an array does not hold real numbers.
    """
    cdef double bound = number(delta, "delta")
    if not 1.2e-38 <= bound <= 3.4e38:
        raise ValueError(f"delta: expected a finite number > 0, got {delta}")
    return _error(HUBER, pred, target, weights, bound)


def poisson(log_rate, target, weights=None):
    """Poisson loss of counts, with its gradient. The network's outputs are logarithms of rates.

    Parameters
    ----------
    log_rate : array_like, shape (B, n)
        x; the rate is exp(x).
    target : array_like, shape (B, n)
        t, counts or other numbers >= 0.
    weights : array_like, shape (B,), optional
        s, a weight >= 0 for each row.

    Returns
    -------
    loss : ndarray, shape (B,), float32
        Mean over the outputs of exp(x) - t x, not weighted: minus the log-likelihood without log(t!), which no x
        changes; it may be negative. Infinite for x above 88.72. Error below (8 + n / 16) 2^-24 mean(exp(x) + |t x|).
    dlog_rate : ndarray, shape (B, n), float32
        Gradient of sum(s loss) / sum(s): s_i / sum(s) (exp(x) - t) / n. Exactly 0 in rows of weight 0.

    Raises
    ------
    ValueError
        If shapes differ, a target is negative or NaN, or a weight is negative or not finite.
    TypeError
        If an array does not hold real numbers.
    """
    cdef ndarray x = matrix(log_rate, "log_rate"), t = matrix(target, "target")
    check_same_shape(t, "target", x, "log_rate")
    if not np.all(np.greater_equal(t, 0)):
        raise ValueError("target: expected numbers >= 0")
    return loss_now(POISSON, x, "log_rate", t, weights, None)


def binary_cross_entropy(logits, target, weights=None):
    """Binary cross-entropy of each output by itself, with its gradient.

    Parameters
    ----------
    logits : array_like, shape (B, n)
        x, raw outputs; p = 1 / (1 + exp(-x)).
    target : array_like, shape (B, n)
        t, probabilities in [0, 1].
    weights : array_like, shape (B,), optional
        s, a weight >= 0 for each row.

    Returns
    -------
    loss : ndarray, shape (B,), float32
        Mean over the outputs of -t log p - (1 - t) log(1 - p), not weighted; as max(x, 0) - t x + log(1 + exp(-|x|)),
        which cannot overflow. Relative error below (12 + n / 16) 2^-24.
    dlogits : ndarray, shape (B, n), float32
        Gradient of sum(s loss) / sum(s): s_i / sum(s) (p - t) / n. Exactly 0 in rows of weight 0. Where t is 0 or 1 it
        keeps its digits however certain p is.

    Raises
    ------
    ValueError
        If shapes differ, a target is not in [0, 1], or a weight is negative or not finite.
    TypeError
        If an array does not hold real numbers.
    """
    cdef ndarray x = matrix(logits, "logits"), t = matrix(target, "target")
    check_same_shape(t, "target", x, "logits")
    if not np.all(np.logical_and(np.greater_equal(t, 0), np.less_equal(t, 1))):
        raise ValueError("target: expected numbers in [0, 1]")
    return loss_now(BINARY_CROSS_ENTROPY, x, "logits", t, weights, None)


def quantile(pred, target, levels, weights=None):
    """Pinball loss of several quantiles at once, with its gradient.

    Parameters
    ----------
    pred : array_like, shape (B, k m)
        Estimates: column j m + i is the quantile of level i of target j, so that one target's levels are neighbours.
    target : array_like, shape (B, k)
    levels : float or array_like, shape (m,)
        q, each in (0, 1); 0.5 is the median.
    weights : array_like, shape (B,), optional
        s, a weight >= 0 for each row.

    Returns
    -------
    loss : ndarray, shape (B,), float32
        Mean over all k m estimates of q (t - x) where the estimate x is below the target t, (1 - q) (x - t) where it is
        above (Koenker and Bassett, "Regression quantiles", 1978), not weighted. Relative error below
        (8 + k m) 2^-24.
    dpred : ndarray, shape (B, k m), float32
        Gradient of sum(s loss) / sum(s): s_i / sum(s) / (k m) times -q, 1 - q, or 0 where x = t. Exactly 0 in rows of
        weight 0.

    Raises
    ------
    ValueError
        If shapes do not fit, a level is not in (0, 1), or a weight is negative or not finite.
    TypeError
        If an array does not hold real numbers.
    """
    cdef ndarray x = matrix(pred, "pred"), t = matrix(target, "target")
    q = np.asarray(levels)
    if q.dtype.kind not in "fiu":
        raise TypeError(f"levels: expected real numbers, got dtype {q.dtype}")
    q = np.atleast_1d(q)
    if q.ndim != 1 or not q.size:
        raise ValueError(f"levels: expected a number or shape (m,), got shape {q.shape}")
    small = q.astype(np.float32)
    if not np.all(np.logical_and(np.greater(small, 0), np.less(small, 1))):
        raise ValueError(f"levels: expected numbers in (0, 1), got {q.tolist()}")
    if t.shape[0] != x.shape[0] or t.shape[1] * q.size != x.shape[1]:
        raise ValueError(
            f"target: expected a column for each {q.size} of pred {(<object>x).shape}, one for each level, got "
            f"{(<object>t).shape}")
    return loss_now(QUANTILE, x, "pred", t, weights, small)
