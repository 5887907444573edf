"""Losses over a softmax, each with its gradient in one pass, and what is counted over an epoch."""
import numpy as np

from libc.math cimport isfinite
from libc.stdint cimport int32_t
from numpy cimport ndarray

from fastdl.kernels._arrays cimport flat, matrix, number
from fastdl.kernels._loss cimport (
    CROSS_ENTROPY, FOCAL, PROBABILITY_CROSS_ENTROPY, check_same_shape, loss_now,
)
from fastdl.kernels._program cimport Program
from fastdl.kernels._team cimport K, Step, once, piece_size, pieces

cdef enum:
    CHUNK_ELEMENTS = 1 << 13

SUM_TOLERANCE = 1e-3            # of probabilities

cdef struct Hits:
    float* hits                 # (B,)
    const float* x              # (B, n)
    const int32_t* labels       # (B,) or NULL
    const float* target         # (B, n), without labels
    ptrdiff_t cols, ldx, ldt
    bint each                   # output stands for itself: which of them are on the target's side

cdef struct Count:
    double* totals              # (2,): sum of s v, sum of s
    const float* values         # (B,) or NULL
    const float* weights        # (B,) or NULL
    bint add                    # to what is there; else it is overwritten
    bint guard                  # end the run if the sum is not finite, before anything is added


cdef inline ptrdiff_t row_step(const Hits* a, const Step* step) noexcept nogil:
    return piece_size(step.rows, a.cols, CHUNK_ELEMENTS, 1)


cdef ptrdiff_t hits_chunks(void* args, const Step* step) noexcept nogil:
    return pieces(step.rows, row_step(<Hits*>args, step))


cdef void hits_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Hits* a = <const Hits*>args
    cdef ptrdiff_t size = row_step(a, step), i = chunk * size, end = min(i + size, step.rows)
    cdef int32_t best, meant
    if a.each:
        K.agreement(a.hits + i, a.x + i * a.ldx, a.target + i * a.ldt, end - i, a.cols, a.ldx, a.ldt)
        return
    for i in range(i, end):
        K.argmax(&best, a.x + i * a.ldx, 1, a.cols, a.ldx)
        if a.labels != NULL:
            meant = a.labels[i]
        else:
            K.argmax(&meant, a.target + i * a.ldt, 1, a.cols, a.ldt)
        a.hits[i] = best == meant


cdef void count_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Count* a = <const Count*>args
    cdef double values = 0.0, weights = 0.0, s
    cdef ptrdiff_t i
    for i in range(step.rows):
        s = 1.0 if a.weights == NULL else a.weights[i]
        weights += s
        if a.values != NULL and s != 0.0:
            values += s * a.values[i]
    if a.guard and not isfinite(values):
        step.halt = 1
        return
    a.totals[0] = values + (a.totals[0] if a.add else 0.0)
    a.totals[1] = weights + (a.totals[1] if a.add else 0.0)


def record_total(Program program, double[::1] total, float[::1] weights=None):
    """Record total[1] = sum of the batch's weights (its rows, without weights); total[0] gets 0.   weights: (B,)."""
    cdef Count a = Count(&total[0], NULL, flat(weights), False, False)
    program.add(count_chunk, once, &a, sizeof(a), (total, weights))


def record_count(Program program, double[::1] totals, float[::1] values, float[::1] weights=None, bint guard=False):
    """Record totals += (sum s v, sum s). With guard a sum that is not finite halts the run.   values, weights: (B,)."""
    cdef Count a = Count(&totals[0], &values[0], flat(weights), True, guard)
    program.add(count_chunk, once, &a, sizeof(a), (totals, values, weights))


def record_hits(Program program, float[::1] hits, float[:, :] x, target, bint each=False):
    """Record hits = 1 where the first largest output is that of the target, else 0. With each, the fraction of a row's
    outputs x > 0 where the target is above 1/2, x <= 0 elsewhere.

    hits: (B,)   x: (B, n)   target: int32 labels (B,), or float32 (B, n).
    """
    cdef Hits a = Hits(&hits[0], &x[0, 0], NULL, NULL, x.shape[1], x.strides[0] // 4, 0, each)
    cdef int32_t[::1] labels
    cdef float[:, :] shares
    if target.ndim == 1:
        labels = target
        a.labels = &labels[0]
    else:
        shares = target
        if shares.shape[1] != x.shape[1]:
            raise ValueError(f"target: expected {x.shape[1]} columns, got {shares.shape[1]}")
        a.target, a.ldt = &shares[0, 0], shares.strides[0] // 4
    program.add(hits_chunk, hits_chunks, &a, sizeof(a), (hits, x, target))


cdef ndarray _labels(object labels, ndarray logits):
    """Checked labels of each row, as int32."""
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iub":
        raise TypeError(f"labels: expected integers, got dtype {labels.dtype}")
    if labels.shape != (logits.shape[0],):
        raise ValueError(f"labels: expected shape ({logits.shape[0]},) to match logits {(<object>logits).shape}, "
                         f"got {labels.shape}")
    if labels.size and (labels.min() < 0 or labels.max() >= logits.shape[1]):
        raise ValueError(f"labels: expected 0 .. {logits.shape[1] - 1}, got {labels.min()} .. {labels.max()}")
    return np.ascontiguousarray(labels, np.int32)


def softmax_cross_entropy(logits, labels, weights=None, label_smoothing=0.0):
    """Softmax cross-entropy of integer labels, with its gradient.

    Parameters
    ----------
    logits : array_like, shape (B, n)
        Raw outputs.
    labels : array_like of int, shape (B,)
        In 0 .. n - 1.
    weights : array_like, shape (B,), optional
        s, a weight >= 0 for each row.
    label_smoothing : float
        e in [0, 1]: the label counts 1 - e, and e is spread evenly over all n classes (Szegedy et al., "Rethinking the
        Inception architecture", 2016).

    Returns
    -------
    loss : ndarray, shape (B,), float32
        log(sum_j exp(x_ij)) - (1 - e) x_i,label - e mean_j x_ij of each row, not weighted; from differences to the
        row's largest logit. Error below (16 + n / 16) 2^-24 (1 + loss).
    dlogits : ndarray, shape (B, n), float32
        Gradient of sum(s loss) / sum(s): s_i / sum(s) (softmax(x_i) - (1 - e) onehot - e / n). Exactly 0 in rows of
        weight 0.

    Raises
    ------
    ValueError
        If shapes do not fit, a label is out of range, a weight is negative or not finite, or e is not in [0, 1].
    TypeError
        If the labels are not integers.
    """
    cdef ndarray x = matrix(logits, "logits")
    cdef double smoothing = number(label_smoothing, "label_smoothing")
    if not 0.0 <= smoothing <= 1.0:
        raise ValueError(f"label_smoothing: expected a number in [0, 1], got {label_smoothing}")
    return loss_now(CROSS_ENTROPY, x, "logits", _labels(labels, x), weights, smoothing)


def softmax_cross_entropy_probabilities(logits, probabilities, weights=None):
    """Softmax cross-entropy of targets that are probabilities, with its gradient.

    Parameters
    ----------
    logits : array_like, shape (B, n)
        Raw outputs.
    probabilities : array_like, shape (B, n)
        t, at least 0; each row sums to 1 within 1e-3.
    weights : array_like, shape (B,), optional
        s, a weight >= 0 for each row.

    Returns
    -------
    loss : ndarray, shape (B,), float32
        sum_j t_ij (log(sum_k exp(x_ik)) - x_ij) of each row, not weighted; a class of probability 0 adds nothing. Error
        below (16 + n / 8) 2^-24 (1 + loss).
    dlogits : ndarray, shape (B, n), float32
        Gradient of sum(s loss) / sum(s): s_i / sum(s) (sum(t_i) softmax(x_i) - t_i). Exactly 0 in rows of weight 0.

    Raises
    ------
    ValueError
        If shapes differ, a row is not a distribution, or a weight is negative or not finite.
    TypeError
        If an array does not hold real numbers.
    """
    cdef ndarray x = matrix(logits, "logits"), t = matrix(probabilities, "probabilities")
    check_same_shape(t, "probabilities", x, "logits")
    if t.shape[1]:
        if not np.all(np.greater_equal(t, 0)):
            raise ValueError("probabilities: expected numbers >= 0")
        sums = np.sum(t, axis=1, dtype=np.float64)
        wrong = ~(np.abs(sums - 1.0) <= SUM_TOLERANCE)
        if wrong.any():
            raise ValueError(f"probabilities: expected rows that sum to 1, got {sums[wrong][0]:g} in row "
                             f"{int(np.argmax(wrong))}")
    return loss_now(PROBABILITY_CROSS_ENTROPY, x, "logits", t, weights, None)


def focal(logits, labels, weights=None, gamma=2.0):
    """Focal loss of integer labels over a softmax, with its gradient: rows that are well classified count less.

    Parameters
    ----------
    logits : array_like, shape (B, n)
        Raw outputs.
    labels : array_like of int, shape (B,)
        In 0 .. n - 1.
    weights : array_like, shape (B,), optional
        s, a weight >= 0 for each row.
    gamma : float
        At least 0; with 0 it is the cross-entropy.

    Returns
    -------
    loss : ndarray, shape (B,), float32
        -(1 - p)^gamma log p of each row, p = softmax(x_i)_label, not weighted (Lin et al., "Focal loss for dense object
        detection", 2017). 1 - p is the other classes' share, not a difference, and keeps its digits. Relative error
        below (1 + gamma) (40 + n / 8 + 4 d) 2^-24, where d is the spread of the row's logits.
    dlogits : ndarray, shape (B, n), float32
        Gradient of sum(s loss) / sum(s). Exactly 0 in rows of weight 0.

    Raises
    ------
    ValueError
        If shapes do not fit, a label is out of range, a weight is negative or not finite, or gamma is negative.
    TypeError
        If the labels are not integers.
    """
    cdef ndarray x = matrix(logits, "logits")
    cdef double power = number(gamma, "gamma")
    if not 0.0 <= power <= 3.4e38:
        raise ValueError(f"gamma: expected a finite number >= 0, got {gamma}")
    return loss_now(FOCAL, x, "logits", _labels(labels, x), weights, power)
