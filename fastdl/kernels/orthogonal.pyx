"""Orthonormal rows, by Gram and Schmidt."""
import numpy as np

from libc.math cimport sqrt
from numpy cimport ndarray

from fastdl.kernels._arrays cimport matrix, result
from fastdl.kernels._team cimport K, Op, Step, piece_size, pieces, run_now

cdef enum:
    CHUNK_ELEMENTS = 1 << 14
    LANES = 16

cdef double NOTHING = 1e-24     # of a row's squares: what rounding leaves of it

cdef struct Project:
    double* x                   # the rows below q
    const double* q             # (n,)
    double factor               # 1 / (q . q)
    ptrdiff_t cols


cdef inline ptrdiff_t row_step(const Project* a, const Step* step) noexcept nogil:
    return piece_size(step.rows, a.cols, CHUNK_ELEMENTS, 1)


cdef ptrdiff_t project_chunks(void* args, const Step* step) noexcept nogil:
    return pieces(step.rows, row_step(<const Project*>args, step))


cdef void project_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Project* a = <const Project*>args
    cdef ptrdiff_t size = row_step(a, step), i = chunk * size
    K.project_out(a.x + i * a.cols, a.q, a.factor, min(size, step.rows - i), a.cols)


def orthonormalize(a, out=None):
    """Orthonormal rows that span what the first rows of a span, each on its own row's side.

    The modified Gram-Schmidt process in float64: the Q of a QR decomposition of a transposed whose R has a positive
    diagonal. For Gaussian rows it is uniformly distributed (Stewart 1980).

    Parameters
    ----------
    a : array_like, shape (k, n)
        Linearly independent rows, k <= n.
    out : ndarray, shape (k, n), float32, optional
        Where the result goes. C-contiguous, sharing no memory with a.

    Returns
    -------
    ndarray, shape (k, n), float32
        q with q qT = I, but for the rounding to float32 and 2^-48 of the condition number of a. NaN spreads to the rows
        that follow.

    Raises
    ------
    ValueError
        If there are more rows than columns, or a row is a combination of those before it.
    TypeError
        If a does not hold real numbers.
    """
    cdef ndarray a_ = matrix(a, "a"), q, x, lengths
    cdef ptrdiff_t rows = a_.shape[0], n = a_.shape[1], width = pieces(n, LANES) * LANES, i
    cdef double squares
    cdef double* row
    cdef double* length
    cdef Project project
    cdef Op op = Op(project_chunk, project_chunks, &project)
    if rows > n:
        raise ValueError(f"a: expected at most as many rows as columns, got shape {(<object>a_).shape}")
    q = result(out, (rows, n), (a_,))
    x, lengths = np.zeros((rows, width)), np.empty(rows)
    x[:, :n] = a_
    length = <double*>lengths.data
    for i in range(rows):
        row = <double*>x.data + i * width
        K.dot64(length + i, row, row, width)
    for i in range(rows):
        row = <double*>x.data + i * width
        K.dot64(&squares, row, row, width)
        if squares <= NOTHING * length[i]:
            raise ValueError(f"a: expected linearly independent rows, but row {i} is a combination of those before it")
        length[i] = sqrt(squares)
        project = Project(row + width, row, 1.0 / squares, width)
        run_now(&op, 1, rows - 1 - i)
    np.divide(x[:, :n], lengths[:, None], out=q, casting="same_kind")
    return q
