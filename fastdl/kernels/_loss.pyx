"""What all losses share: one op, cut by rows, recorded or run at once."""
import numpy as np

from libc.stdint cimport int32_t
from numpy cimport ndarray

from fastdl.kernels._arrays cimport flat, result, rowwise, vector
from fastdl.kernels._csrc cimport fastdl_loss
from fastdl.kernels._program cimport Program
from fastdl.kernels._team cimport K, Op, Step, piece_size, pieces, run_now

cdef enum:
    CHUNK_ELEMENTS = 1 << 13

ctypedef void (*kernel_fn)(const fastdl_loss* a, ptrdiff_t i0, ptrdiff_t i1) noexcept nogil

cdef struct Loss:
    Kind kind
    fastdl_loss batch

KINDS = {                       # by the names of the public functions
    "softmax_cross_entropy": CROSS_ENTROPY, "softmax_cross_entropy_probabilities": PROBABILITY_CROSS_ENTROPY,
    "focal": FOCAL, "binary_cross_entropy": BINARY_CROSS_ENTROPY, "mse": SQUARED_ERROR, "mae": ABSOLUTE_ERROR,
    "huber": HUBER, "poisson": POISSON, "quantile": QUANTILE,
}


cdef inline kernel_fn kernel_of(Kind kind) noexcept nogil:
    """The kernel of the instruction set in use, which tests change."""
    if kind == CROSS_ENTROPY:
        return K.cross_entropy
    if kind == PROBABILITY_CROSS_ENTROPY:
        return K.probability_cross_entropy
    if kind == FOCAL:
        return K.focal
    if kind == BINARY_CROSS_ENTROPY:
        return K.binary_cross_entropy
    if kind == SQUARED_ERROR:
        return K.squared_error
    if kind == ABSOLUTE_ERROR:
        return K.absolute_error
    if kind == HUBER:
        return K.huber
    if kind == POISSON:
        return K.poisson
    return K.quantile


cdef inline ptrdiff_t row_step(const Loss* a, const Step* step) noexcept nogil:
    return piece_size(step.rows, a.batch.cols, CHUNK_ELEMENTS, 1)


cdef ptrdiff_t loss_chunks(void* args, const Step* step) noexcept nogil:
    return pieces(step.rows, row_step(<Loss*>args, step))


cdef void loss_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Loss* a = <const Loss*>args
    cdef ptrdiff_t size = row_step(a, step), i = chunk * size
    kernel_of(a.kind)(&a.batch, i, min(i + size, step.rows))


def record_loss(Program program, str kind, float[::1] loss, float[:, :] dx, float[:, :] x, target, double[::1] total,
                float[::1] weights=None, float[::1] parameters=None):
    """Record a loss and its gradient.

    kind: name of the public function   loss, weights: (B,)   dx: (B, n) or None   x: (B, n)
    target: int32 labels (B,), or float32 (B, columns)   total: as `record_total` leaves it
    parameters: smoothing, gamma, delta or levels.
    """
    cdef Loss a
    cdef int32_t[::1] labels
    cdef float[:, :] matrix
    cdef ptrdiff_t width = 1 if kind != "quantile" else parameters.shape[0]
    a.kind = KINDS[kind]
    a.batch = fastdl_loss(&loss[0], rowwise(dx), &x[0, 0], NULL, NULL, flat(weights), &total[1], flat(parameters),
                          0 if parameters is None else parameters.shape[0], x.shape[1],
                          0 if dx is None else dx.strides[0] // 4, x.strides[0] // 4, 0)
    if a.kind in (CROSS_ENTROPY, FOCAL):
        labels = target
        a.batch.labels = &labels[0]
    else:
        matrix = target
        if matrix.shape[1] * width != x.shape[1]:
            raise ValueError(f"target: expected {x.shape[1] // width} columns, got {matrix.shape[1]}")
        a.batch.target, a.batch.ldt = &matrix[0, 0], matrix.strides[0] // 4
    program.add(loss_chunk, loss_chunks, &a, sizeof(a), (loss, dx, x, target, total, weights, parameters))


cdef ndarray _weights(object weights, ptrdiff_t rows):
    cdef ndarray s = vector(weights, "weights", rows)
    if not (np.all(np.isfinite(s)) and np.all(np.greater_equal(s, 0))):
        raise ValueError("weights: expected finite numbers >= 0")
    return s


cdef int check_same_shape(ndarray target, str name, ndarray x, str like) except -1:
    """Refuse targets of another shape than the outputs."""
    if target.shape[0] != x.shape[0] or target.shape[1] != x.shape[1]:
        raise ValueError(
            f"{name}: expected the shape of {like}, {(<object>x).shape}, got {(<object>target).shape}")
    return 0


cdef tuple loss_now(Kind kind, ndarray x, str name, ndarray target, object weights, object parameters):
    """Loss and gradient of checked outputs x (called name) and targets: int32 labels (B,) or float32 (B, columns)."""
    cdef ptrdiff_t rows = x.shape[0], n = x.shape[1]
    if n == 0:
        raise ValueError(f"{name}: expected at least one column, got shape {(<object>x).shape}")
    cdef ndarray s = None if weights is None else _weights(weights, rows)
    cdef ndarray loss = result(None, (rows,), ()), dx = result(None, (rows, n), ())
    cdef ndarray given = np.array([] if parameters is None else parameters, np.float32, ndmin=1)
    cdef double total = rows if weights is None else float(np.sum(s, dtype=np.float64))
    cdef Loss a
    a.kind = kind
    a.batch = fastdl_loss(<float*>loss.data, <float*>dx.data, <float*>x.data, NULL, NULL, NULL, &total,
                          <float*>given.data, given.shape[0], n, n, n, 0)
    if target.ndim == 1:
        a.batch.labels = <int32_t*>target.data
    else:
        a.batch.target, a.batch.ldt = <float*>target.data, target.shape[1]
    if weights is not None:
        a.batch.weights = <float*>s.data
    cdef Op op = Op(loss_chunk, loss_chunks, &a)
    run_now(&op, 1, rows)
    return loss, dx
