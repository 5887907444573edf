"""Weight norm: weights as a direction and a length for each unit. Chunks are blocks of columns."""
from numpy cimport ndarray

from fastdl.kernels._arrays cimport matrix, result, vector
from fastdl.kernels._program cimport Program
from fastdl.kernels._team cimport K, Op, Step, piece_size, pieces, run_now

cdef enum:
    LEAST_ELEMENTS = 1 << 14    # of a chunk; of large matrices more, so that
    MOST_ELEMENTS = 1 << 16     # the pieces of rows that a chunk walks over are not too short

cdef struct Norm:
    float* w                    # (I, O), or dv
    float* dg                   # (O,), backward only
    const float* dw             # (I, O), backward only
    const float* v              # (I, O)
    const float* g              # (O,)
    ptrdiff_t rows, cols, ldw, lddw, ldv


cdef inline ptrdiff_t col_step(const Norm* a) noexcept nogil:
    cdef ptrdiff_t eighth = a.rows * a.cols // 8
    return piece_size(a.cols, a.rows, min(max(eighth, <ptrdiff_t>LEAST_ELEMENTS), <ptrdiff_t>MOST_ELEMENTS), 16)


cdef ptrdiff_t norm_chunks(void* args, const Step* step) noexcept nogil:
    return pieces((<Norm*>args).cols, col_step(<const Norm*>args))


cdef void forward_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Norm* a = <const Norm*>args
    cdef ptrdiff_t size = col_step(a), j = chunk * size
    K.weightnorm(a.w + j, a.v + j, a.g + j, a.rows, min(size, a.cols - j), a.ldw, a.ldv)


cdef void backward_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Norm* a = <const Norm*>args
    cdef ptrdiff_t size = col_step(a), j = chunk * size
    K.weightnorm_backward(a.w + j, a.dg + j, a.dw + j, a.v + j, a.g + j, a.rows, min(size, a.cols - j), a.ldw, a.lddw,
                          a.ldv)


def record_forward(Program program, float[:, :] w, float[:, :] v, float[::1] g):
    """Record w = g v / |v|.   w, v: (I, O)   g: (O,)."""
    cdef Norm a = Norm(&w[0, 0], NULL, NULL, &v[0, 0], &g[0], v.shape[0], v.shape[1], w.strides[0] // 4, 0,
                       v.strides[0] // 4)
    program.add(forward_chunk, norm_chunks, &a, sizeof(a), (w, v, g))


def record_backward(Program program, float[:, :] dv, float[::1] dg, float[:, :] dw, float[:, :] v, float[::1] g):
    """Record the gradients.   dv: (I, O), may be dw   dg: (O,)   dw, v: (I, O)   g: (O,)."""
    cdef Norm a = Norm(&dv[0, 0], &dg[0], &dw[0, 0], &v[0, 0], &g[0], v.shape[0], v.shape[1], dv.strides[0] // 4,
                       dw.strides[0] // 4, v.strides[0] // 4)
    program.add(backward_chunk, norm_chunks, &a, sizeof(a), (dv, dg, dw, v, g))


cdef inline float* at(ndarray x) noexcept:
    return <float*>x.data


def weightnorm_forward(v, g, out=None):
    """w = g v / |v| by columns: each unit's weights get the length g (Salimans & Kingma 2016).

    Parameters
    ----------
    v : array_like, shape (I, O)
        Directions, a column for each unit.
    g : array_like, shape (O,)
        Lengths.
    out : ndarray, shape (I, O), float32, optional
        Where the result goes. C-contiguous, sharing no memory with the inputs.

    Returns
    -------
    ndarray, shape (I, O), float32
        Computed in float64 and rounded once: relative error at most 1.01 * 2^-24. A column of v that is all 0 has no
        direction, and gives weights of 0.

    Raises
    ------
    ValueError
        If shapes do not fit.
    TypeError
        If an array does not hold real numbers.
    """
    cdef ndarray v_ = matrix(v, "v"), g_, w
    cdef ptrdiff_t rows = v_.shape[0], n = v_.shape[1]
    g_ = vector(g, "g", n)
    w = result(out, (rows, n), (v_, g_))
    cdef Norm a = Norm(at(w), NULL, NULL, at(v_), at(g_), rows, n, n, n, n)
    cdef Op op = Op(forward_chunk, norm_chunks, &a)
    run_now(&op, 1, 0)
    return w


def weightnorm_backward(dw, v, g):
    """Gradients of weight norm.

    Parameters
    ----------
    dw : array_like, shape (I, O)
        Gradient with respect to w.
    v : array_like, shape (I, O)
        Directions.
    g : array_like, shape (O,)
        Lengths.

    Returns
    -------
    dv : ndarray, shape (I, O), float32
        g / |v| (dw - v sum(dw v) / |v|^2), at right angles to v.
    dg : ndarray, shape (O,), float32
        sum(dw v) / |v| by columns. Where a column of v is all 0 there is no gradient: both are 0.

    Raises
    ------
    ValueError
        If shapes do not fit.
    TypeError
        If an array does not hold real numbers.
    """
    cdef ndarray dw_ = matrix(dw, "dw"), v_ = matrix(v, "v"), g_, dv, dg
    cdef ptrdiff_t rows = v_.shape[0], n = v_.shape[1]
    if dw_.shape[0] != rows or dw_.shape[1] != n:
        raise ValueError(f"dw: expected the shape of v, {(<object>v_).shape}, got {(<object>dw_).shape}")
    g_ = vector(g, "g", n)
    dv = result(None, (rows, n), ())
    dg = result(None, (n,), ())
    cdef Norm a = Norm(at(dv), at(dg), at(dw_), at(v_), at(g_), rows, n, n, n, n)
    cdef Op op = Op(backward_chunk, norm_chunks, &a)
    run_now(&op, 1, 0)
    return dv, dg
