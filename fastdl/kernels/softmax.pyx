"""Softmax of rows, and its logarithm."""
from numpy cimport ndarray

from fastdl.kernels._arrays cimport matrix, result
from fastdl.kernels._team cimport K, Op, Step, piece_size, pieces, run_now

cdef enum:
    CHUNK_ELEMENTS = 1 << 13

cdef struct Softmax:
    float* y                    # (B, n)
    const float* x              # (B, n)
    ptrdiff_t cols
    bint log


cdef inline ptrdiff_t row_step(ptrdiff_t cols, const Step* step) noexcept nogil:
    return piece_size(step.rows, cols, CHUNK_ELEMENTS, 1)


cdef ptrdiff_t softmax_chunks(void* args, const Step* step) noexcept nogil:
    return pieces(step.rows, row_step((<Softmax*>args).cols, step))


cdef void softmax_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Softmax* a = <const Softmax*>args
    cdef ptrdiff_t size = row_step(a.cols, step), i = chunk * size, rows = min(size, step.rows - i), n = a.cols
    if a.log:
        K.log_softmax(a.y + i * n, a.x + i * n, rows, n, n, n)
    else:
        K.softmax(a.y + i * n, a.x + i * n, rows, n, n, n)


cdef ndarray rows_now(object x, object out, bint log):
    cdef ndarray x_ = matrix(x, "x"), y = result(out, (x_.shape[0], x_.shape[1]), (x_,))
    cdef Softmax a = Softmax(<float*>y.data, <float*>x_.data, x_.shape[1], log)
    cdef Op op = Op(softmax_chunk, softmax_chunks, &a)
    run_now(&op, 1, x_.shape[0])
    return y


def softmax(x, out=None):
    """Softmax of each row, exp(x - max) / sum(exp(x - max)).

    Parameters
    ----------
    x : array_like, shape (B, n)
    out : ndarray, shape (B, n), float32, optional
        Where the result goes. C-contiguous, sharing no memory with x.

    Returns
    -------
    ndarray, shape (B, n), float32
        Relative error at most 2^-24 (n / 16 + 12 + |x - max|). Where x is -inf it is 0. A row that holds NaN or +inf,
        or nothing but -inf, is NaN throughout.

    Raises
    ------
    ValueError
        If a shape does not fit.
    TypeError
        If x does not hold real numbers.
    """
    return rows_now(x, out, False)


def log_softmax(x, out=None):
    """Logarithm of the softmax of each row, (x - max) - log(sum(exp(x - max))), which no large logit can overflow.

    Parameters
    ----------
    x : array_like, shape (B, n)
    out : ndarray, shape (B, n), float32, optional
        Where the result goes. C-contiguous, sharing no memory with x.

    Returns
    -------
    ndarray, shape (B, n), float32
        Error at most 2^-24 (n / 16 + 3 |y| + 3 log n + 8). Where x is -inf it is -inf. A row that holds NaN or +inf,
        or nothing but -inf, is NaN throughout.

    Raises
    ------
    ValueError
        If a shape does not fit.
    TypeError
        If x does not hold real numbers.
    """
    return rows_now(x, out, True)
