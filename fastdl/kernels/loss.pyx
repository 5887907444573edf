"""Losses with their gradients in one pass, and what is counted over an epoch."""
import numpy as np

from libc.math cimport isfinite
from libc.stdint cimport int32_t
from numpy cimport ndarray

from fastdl.kernels._arrays cimport flat, matrix, result, rowwise, vector
from fastdl.kernels._program cimport Program
from fastdl.kernels._team cimport K, Op, Step, once, piece_size, pieces, run_now

cdef enum:
    CHUNK_ELEMENTS = 1 << 13

cdef enum Kind:
    CROSS_ENTROPY, SQUARED_ERROR

cdef struct Loss:
    Kind kind
    float* loss                 # (B,)
    float* dx                   # (B, n) or NULL
    const float* x              # (B, n)
    const int32_t* labels       # (B,) cross-entropy
    const float* target         # (B, n) squared error
    const float* weights        # (B,) or NULL
    const double* total         # sum of the weights of the batch
    ptrdiff_t cols, lddx, ldx, ldt

cdef struct Hits:
    float* hits                 # (B,): 1 where the largest output is the label's
    const float* x
    const int32_t* labels
    ptrdiff_t cols, ldx

cdef struct Count:
    double* totals              # (2,): sum of s v, sum of s
    const float* values         # (B,) or NULL
    const float* weights        # (B,) or NULL
    bint add                    # to what is there; else it is overwritten
    bint guard                  # end the run if the sum is not finite, before anything is added


cdef inline ptrdiff_t row_step(ptrdiff_t cols, const Step* step) noexcept nogil:
    return piece_size(step.rows, cols, CHUNK_ELEMENTS, 1)


cdef ptrdiff_t loss_chunks(void* args, const Step* step) noexcept nogil:
    return pieces(step.rows, row_step((<Loss*>args).cols, step))


cdef void loss_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Loss* a = <const Loss*>args
    cdef ptrdiff_t size = row_step(a.cols, step), i = chunk * size, rows = min(size, step.rows - i)
    cdef float* dx = a.dx
    cdef const float* weights = a.weights
    if dx != NULL:
        dx += i * a.lddx
    if weights != NULL:
        weights += i
    if a.kind == CROSS_ENTROPY:
        K.cross_entropy(a.loss + i, dx, a.x + i * a.ldx, a.labels + i, weights, rows, a.cols, a.lddx, a.ldx, a.total[0])
    else:
        K.squared_error(a.loss + i, dx, a.x + i * a.ldx, a.target + i * a.ldt, weights, rows, a.cols, a.lddx, a.ldx,
                        a.ldt, a.total[0])


cdef ptrdiff_t hits_chunks(void* args, const Step* step) noexcept nogil:
    return pieces(step.rows, row_step((<Hits*>args).cols, step))


cdef void hits_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Hits* a = <const Hits*>args
    cdef ptrdiff_t size = row_step(a.cols, step), i, end = min((chunk + 1) * size, step.rows)
    cdef int32_t best
    for i in range(chunk * size, end):
        K.argmax(&best, a.x + i * a.ldx, 1, a.cols, a.ldx)
        a.hits[i] = best == a.labels[i]


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


def record_hits(Program program, float[::1] hits, float[:, :] x, int32_t[::1] labels):
    """Record hits = 1 where the first largest output is the label's, else 0.   hits, labels: (B,)   x: (B, n)."""
    cdef Hits a = Hits(&hits[0], &x[0, 0], &labels[0], x.shape[1], x.strides[0] // 4)
    program.add(hits_chunk, hits_chunks, &a, sizeof(a), (hits, x, labels))


def record_cross_entropy(Program program, float[::1] loss, float[:, :] dx, float[:, :] x, int32_t[::1] labels,
                         double[::1] total, float[::1] weights=None):
    """Record softmax cross-entropy and its gradient.   loss, labels, weights: (B,)   dx: (B, n) or None   x: (B, n)."""
    cdef Loss a = Loss(CROSS_ENTROPY, &loss[0], rowwise(dx), &x[0, 0], &labels[0], NULL,
                       flat(weights), &total[1], x.shape[1],
                       0 if dx is None else dx.strides[0] // 4, x.strides[0] // 4, 0)
    program.add(loss_chunk, loss_chunks, &a, sizeof(a), (loss, dx, x, labels, total, weights))


def record_mse(Program program, float[::1] loss, float[:, :] dx, float[:, :] x, float[:, :] target, double[::1] total,
               float[::1] weights=None):
    """Record squared error and its gradient.   loss, weights: (B,)   dx: (B, n) or None   x, target: (B, n)."""
    cdef Loss a = Loss(SQUARED_ERROR, &loss[0], rowwise(dx), &x[0, 0], NULL, &target[0, 0],
                       flat(weights), &total[1], x.shape[1],
                       0 if dx is None else dx.strides[0] // 4, x.strides[0] // 4, target.strides[0] // 4)
    program.add(loss_chunk, loss_chunks, &a, sizeof(a), (loss, dx, x, target, total, weights))


cdef ndarray _weights(object weights, ptrdiff_t rows):
    cdef ndarray s = vector(weights, "weights", rows)
    if not (np.all(np.isfinite(s)) and np.all(np.greater_equal(s, 0))):
        raise ValueError("weights: expected finite numbers >= 0")
    return s


cdef tuple loss_now(Kind kind, ndarray x, const int32_t* labels, const float* target, object weights):
    cdef ptrdiff_t rows = x.shape[0], n = x.shape[1]
    cdef ndarray s = None if weights is None else _weights(weights, rows)
    cdef ndarray loss = result(None, (rows,), ()), dx = result(None, (rows, n), ())
    cdef double total = rows if weights is None else float(np.sum(s, dtype=np.float64))
    cdef const float* given = NULL
    if weights is not None:
        given = <float*>s.data
    cdef Loss a = Loss(kind, <float*>loss.data, <float*>dx.data, <float*>x.data, labels, target, given, &total, n,
                       n, n, n)
    cdef Op op = Op(loss_chunk, loss_chunks, &a)
    run_now(&op, 1, rows)
    return loss, dx


def softmax_cross_entropy(logits, labels, weights=None):
    """Softmax cross-entropy of integer labels, with its gradient.

    Parameters
    ----------
    logits : array_like, shape (B, n)
        Raw outputs.
    labels : array_like of int, shape (B,)
        In 0 .. n - 1.
    weights : array_like, shape (B,), optional
        s, a weight >= 0 for each row.

    Returns
    -------
    loss : ndarray, shape (B,), float32
        log(sum_j exp(x_ij)) - x_i,label of each row, not weighted; from differences to the row's largest logit.
    dlogits : ndarray, shape (B, n), float32
        Gradient of sum(s loss) / sum(s): s_i / sum(s) (softmax(x_i) - onehot). Exactly 0 in rows of weight 0.

    Raises
    ------
    ValueError
        If shapes do not fit, a label is out of range, or a weight is negative or not finite.
    TypeError
        If the labels are not integers.
    """
    cdef ndarray x = matrix(logits, "logits"), classes
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iub":
        raise TypeError(f"labels: expected integers, got dtype {labels.dtype}")
    if labels.shape != (x.shape[0],):
        raise ValueError(f"labels: expected shape ({x.shape[0]},) to match logits {(<object>x).shape}, "
                         f"got {labels.shape}")
    if labels.size and (labels.min() < 0 or labels.max() >= x.shape[1]):
        raise ValueError(f"labels: expected 0 .. {x.shape[1] - 1}, got {labels.min()} .. {labels.max()}")
    classes = np.ascontiguousarray(labels, np.int32)
    return loss_now(CROSS_ENTROPY, x, <int32_t*>classes.data, NULL, weights)


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
        Mean over the outputs of (pred - target)^2, not weighted.
    dpred : ndarray, shape (B, n), float32
        Gradient of sum(s loss) / sum(s): s_i / sum(s) 2 (pred - target) / n. Exactly 0 in rows of weight 0.

    Raises
    ------
    ValueError
        If shapes differ, or a weight is negative or not finite.
    TypeError
        If an array does not hold real numbers.
    """
    cdef ndarray x = matrix(pred, "pred"), t = matrix(target, "target")
    if t.shape[0] != x.shape[0] or t.shape[1] != x.shape[1]:
        raise ValueError(f"target: expected the shape of pred, {(<object>x).shape}, got {(<object>t).shape}")
    return loss_now(SQUARED_ERROR, x, NULL, <float*>t.data, weights)
