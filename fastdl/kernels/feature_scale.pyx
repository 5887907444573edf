"""A factor for each feature, and the gradient of the factors."""
import numpy as np

from numpy cimport ndarray

from fastdl.kernels._arrays cimport matrix, result, rowwise, vector
from fastdl.kernels._partial cimport (
    BLOCK_ROWS, Totals, block_chunks, block_step, blocks, padded, record_totals, totals_chunk, totals_chunks,
)
from fastdl.kernels._program cimport Program
from fastdl.kernels._team cimport K, Op, Step, piece_size, pieces, run_now

cdef enum:
    CHUNK_ELEMENTS = 1 << 15

cdef struct Forward:
    float* y
    const float* x
    const float* factor         # (n,)
    ptrdiff_t cols, ldy, ldx

cdef struct Backward:
    float* dx                   # or NULL
    double* partial             # (blocks, padded)
    const float* dy
    const float* x
    const float* factor
    ptrdiff_t cols, ld, lddx, lddy, ldx


cdef inline ptrdiff_t row_step(const Forward* a, const Step* step) noexcept nogil:
    return piece_size(step.rows, a.cols, CHUNK_ELEMENTS, 1)


cdef ptrdiff_t forward_chunks(void* args, const Step* step) noexcept nogil:
    return pieces(step.rows, row_step(<const Forward*>args, step))


cdef void forward_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Forward* a = <const Forward*>args
    cdef ptrdiff_t size = row_step(a, step), i = chunk * size
    K.scale_columns(a.y + i * a.ldy, a.x + i * a.ldx, a.factor, min(size, step.rows - i), a.cols, a.ldy, a.ldx)


cdef ptrdiff_t backward_chunks(void* args, const Step* step) noexcept nogil:
    return block_chunks(step)


cdef void backward_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Backward* a = <const Backward*>args
    cdef ptrdiff_t of = block_step(step), b, i, rows
    for b in range(chunk * of, min((chunk + 1) * of, blocks(step.rows))):
        i = b * BLOCK_ROWS
        rows = min(<ptrdiff_t>BLOCK_ROWS, step.rows - i)
        K.column_products(a.partial + b * a.ld, a.dy + i * a.lddy, a.x + i * a.ldx, NULL, rows, a.cols, a.lddy, a.ldx,
                          0)
        if a.dx != NULL:
            K.scale_columns(a.dx + i * a.lddx, a.dy + i * a.lddy, a.factor, rows, a.cols, a.lddx, a.lddy)


def record_forward(Program program, float[:, :] y, float[:, :] x, float[::1] factor):
    """Record y = x factor.   y, x: (B, n)   factor: (n,)."""
    cdef Forward a = Forward(&y[0, 0], &x[0, 0], &factor[0], y.shape[1], y.strides[0] // 4, x.strides[0] // 4)
    program.add(forward_chunk, forward_chunks, &a, sizeof(a), (y, x, factor))


def record_backward(Program program, float[:, :] dx, float[:, :] dy, float[:, :] x, float[::1] factor,
                    double[:, :, ::1] partial, float[::1] dfactor):
    """Record dx = dy factor and dfactor = column sums of dy x.

    dx: (B, n), or None   dy, x: (B, n)   factor, dfactor: (n,)   partial: partial_shape(B, 1, n).
    """
    cdef Backward a = Backward(rowwise(dx), &partial[0, 0, 0], &dy[0, 0], &x[0, 0], &factor[0], x.shape[1],
                               partial.shape[2], 0, dy.strides[0] // 4, x.strides[0] // 4)
    if dx is not None:
        a.lddx = dx.strides[0] // 4
    program.add(backward_chunk, backward_chunks, &a, sizeof(a), (dx, dy, x, factor, partial))
    record_totals(program, &dfactor[0], dfactor, partial, 0, 1, x.shape[1])


cdef inline float* at(ndarray x) noexcept:
    return <float*>x.data


def feature_scale_forward(x, factor, out=None):
    """Each feature times its factor, y[i, j] = x[i, j] * factor[j].

    Parameters
    ----------
    x : array_like, shape (B, n)
    factor : array_like, shape (n,)
    out : ndarray, shape (B, n), float32, optional
        Where the result goes. C-contiguous, sharing no memory with the inputs.

    Returns
    -------
    ndarray, shape (B, n), float32
        One rounding of each product.

    Raises
    ------
    ValueError
        If a shape does not fit.
    TypeError
        If an array does not hold real numbers.
    """
    cdef ndarray x_ = matrix(x, "x"), f, y
    cdef ptrdiff_t n = x_.shape[1]
    f = vector(factor, "factor", n)
    y = result(out, (x_.shape[0], n), (x_, f))
    cdef Forward a = Forward(at(y), at(x_), at(f), n, n, n)
    cdef Op op = Op(forward_chunk, forward_chunks, &a)
    if n:
        run_now(&op, 1, x_.shape[0])
    return y


def feature_scale_backward(dy, x, factor):
    """Gradients of `feature_scale_forward`: dx = dy factor, dfactor = column sums of dy x.

    Parameters
    ----------
    dy, x : array_like, shape (B, n)
    factor : array_like, shape (n,)

    Returns
    -------
    dx : ndarray, shape (B, n), float32
    dfactor : ndarray, shape (n,), float32
        Summed in float64.

    Raises
    ------
    ValueError
        If a shape does not fit.
    TypeError
        If an array does not hold real numbers.
    """
    cdef ndarray dy_ = matrix(dy, "dy"), x_ = matrix(x, "x"), f, dx, dfactor, partial
    cdef ptrdiff_t rows = x_.shape[0], n = x_.shape[1]
    cdef Op ops[2]
    if dy_.shape[0] != rows or dy_.shape[1] != n:
        raise ValueError(f"dy: expected the shape of x, {(<object>x_).shape}, got {(<object>dy_).shape}")
    f = vector(factor, "factor", n)
    dx, dfactor = result(None, (rows, n), ()), result(None, (n,), ())
    partial = np.empty((blocks(rows), padded(n)))
    cdef Backward a = Backward(at(dx), <double*>partial.data, at(dy_), at(x_), at(f), n, padded(n), n, n, n)
    cdef Totals t = Totals(at(dfactor), <double*>partial.data, 1, n, padded(n), padded(n))
    ops[0] = Op(backward_chunk, backward_chunks, &a)
    ops[1] = Op(totals_chunk, totals_chunks, &t)
    if n:
        run_now(ops, 2, rows)
    return dx, dfactor
