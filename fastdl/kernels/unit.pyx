"""Limits on the norm of each unit, a column of a weight matrix: adaptive clipping of gradients, max-norm of weights."""
import numpy as np

from libc.math cimport isfinite, sqrt
from libc.stdint cimport int64_t
from numpy cimport ndarray

from fastdl.kernels._arrays cimport beside, in_place, number
from fastdl.kernels._blocks cimport block_chunks, blocks_per_chunk, record_count
from fastdl.kernels._program cimport Program
from fastdl.kernels._team cimport K, Op, Step, run_now

cdef enum:
    STRIP = 256                 # columns at most in a strip
    STRIP_ELEMENTS = 1 << 15

cdef struct Units:
    float* x                    # what is scaled
    const float* w              # laid out like x: the norms of its units are factors of the limits; or NULL
    const int64_t* strips       # (n, 4): start, rows, columns, elements from row to row; or one unit: start, n, 1, 0
    const double* limits        # (n,)
    ptrdiff_t n
    double eps                  # least norm of w
    int* clipped                # (n,)


cdef void squares_of(double* sums, const float* x, const int64_t* strip) noexcept nogil:
    if strip[3] == 0:
        K.sum_of_squares(sums, x + strip[0], strip[1])
    else:
        K.column_squares(sums, x + strip[0], strip[1], strip[2], strip[3])


cdef bint limit_strip(const Units* a, ptrdiff_t s) noexcept nogil:
    """Scale the units of one strip that are too long. Were there any?"""
    cdef double squares[STRIP]
    cdef double others[STRIP]
    cdef float factors[STRIP]
    cdef const int64_t* strip = a.strips + 4 * s
    cdef float* x = a.x + strip[0]
    cdef double limit = a.limits[s], norm, other
    cdef bint clipped = False
    cdef ptrdiff_t j
    squares_of(squares, a.x, strip)
    if a.w != NULL:
        squares_of(others, a.w, strip)
    for j in range(strip[2]):
        if a.w != NULL:
            other = sqrt(others[j])
            limit = a.limits[s] * (a.eps if other < a.eps else other)
        norm = sqrt(squares[j])
        factors[j] = 1.0
        if isfinite(norm) and norm > limit:
            factors[j] = <float>(limit / norm)
            clipped = True
    if clipped and strip[3] == 0:
        K.scale(x, x, strip[1], factors[0])
    elif clipped:
        K.scale_columns(x, x, factors, strip[1], strip[2], strip[3], strip[3])
    return clipped


cdef ptrdiff_t unit_chunks(void* args, const Step* step) noexcept nogil:
    return block_chunks((<Units*>args).n)


cdef void unit_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Units* a = <const Units*>args
    cdef ptrdiff_t size = blocks_per_chunk(a.n), s
    for s in range(chunk * size, min((chunk + 1) * size, a.n)):
        a.clipped[s] = limit_strip(a, s)


def _strips(tensors):
    """Strips of columns of tensors (start, shape, limit): the table of the struct, and the limit of each strip."""
    strips, limits = [], []
    for start, shape, limit in tensors:
        size = int(np.prod(shape))
        if not size:
            continue
        ld = 0 if len(shape) < 2 else shape[len(shape) - 1]
        cols = ld or 1
        rows = size // cols
        width = min(STRIP, max(16, STRIP_ELEMENTS // rows // 16 * 16))
        for j in range(0, cols, width):
            strips.append((start + j, rows, min(width, cols - j), ld))
            limits.append(limit)
    return np.array(strips, np.int64).reshape(-1, 4), np.array(limits, np.float64)


cdef int record(Program program, float[::1] x, float[::1] w, object tensors, double eps, double[::1] totals) except -1:
    strips, each = _strips(tensors)
    cdef const int64_t[:, ::1] table = strips
    cdef const double[::1] limits = each
    cdef int[::1] clipped = np.zeros(len(strips), np.intc)
    if not table.shape[0]:
        return 0
    cdef Units a = Units(&x[0], NULL, &table[0, 0], &limits[0], table.shape[0], eps, &clipped[0])
    if w is not None:
        a.w = &w[0]
    program.add(unit_chunk, unit_chunks, &a, sizeof(a), (x, w, table, limits, clipped))
    if totals is not None:
        record_count(program, totals, clipped)
    return 0


def record_adaptive_clip(Program program, float[::1] g, float[::1] w, double[::1] totals, tensors, double factor,
                         double eps):
    """Record that each unit's gradient is scaled to at most factor max(||w_i||, eps); totals[1] += 1 if any was.

    tensors lists (start, shape) in g and w; of one dimension they are one unit.   g, w: (n,)   totals: (2,).
    """
    record(program, g, w, [(start, shape, factor) for start, shape in tensors], eps, totals)


def record_max_norm(Program program, float[::1] w, tensors):
    """Record that the columns of each tensor (start, shape, limit) in w are scaled to at most its limit.   w: (n,)."""
    record(program, w, None, tensors, 0.0, None)


cdef int run_units(ndarray x, ndarray w, double limit, double eps) except -1:
    strips, each = _strips([(0, (<object>x).shape, limit)])
    cdef const int64_t[:, ::1] table = strips
    cdef const double[::1] limits = each
    cdef int[::1] clipped = np.zeros(len(strips), np.intc)
    if not table.shape[0]:
        return 0
    cdef Units a = Units(<float*>x.data, NULL, &table[0, 0], &limits[0], table.shape[0], eps, &clipped[0])
    if w is not None:
        a.w = <float*>w.data
    cdef Op op = Op(unit_chunk, unit_chunks, &a)
    run_now(&op, 1, 1)
    return 0


def adaptive_clip(w, g, factor=0.01, eps=1e-3) -> None:
    """Clip the gradient of each unit by the size of its weights, in place (Brock et al. 2021).

    g_i *= factor max(||w_i||, eps) / ||g_i|| if ||g_i|| is above factor max(||w_i||, eps).

    Parameters
    ----------
    w : array_like, shape (I, O) or (n,)
        Weights; not changed. A column is a unit, a vector (of biases, say) is one unit as a whole, as in the paper's
        own code.
    g : ndarray, float32, C-contiguous, shape of w
        Gradient; changed in place. A unit whose norm is not finite stays as it is.
    factor : float
        Greater than 0.
    eps : float
        At least 0; so that weights at zero can move.

    Raises
    ------
    ValueError, TypeError
        If an argument will not do; nothing has changed then.

    Notes
    -----
    Norms are taken in float64, relative error about 1e-13; what is scaled is rounded twice to float32, relative error
    at most 2^-23.
    """
    if not number(factor, "factor") > 0.0:
        raise ValueError(f"factor: expected a number > 0, got {factor}")
    if not number(eps, "eps") >= 0.0:
        raise ValueError(f"eps: expected a number >= 0, got {eps}")
    in_place(g, "g", None)
    if g.ndim not in (1, 2):
        raise ValueError(f"g: expected 1 or 2 dimensions, got shape {g.shape}")
    run_units(g, beside(w, "w", g, "g"), <double>factor, <double>eps)


def max_norm(w, limit) -> None:
    """Scale the columns of a weight matrix whose norm is above the limit down to it, in place (Srivastava et al. 2014).

    w_j *= limit / ||w_j|| if ||w_j|| > limit.

    Parameters
    ----------
    w : ndarray, float32, C-contiguous, shape (I, O)
        A column holds the incoming weights of a unit. One whose norm is not finite stays as it is.
    limit : float
        Greater than 0.

    Raises
    ------
    ValueError, TypeError
        If an argument will not do; nothing has changed then.

    Notes
    -----
    Norms are taken in float64, relative error about 1e-13; what is scaled is rounded twice to float32, relative error
    at most 2^-23, so a norm may end as much above the limit.
    """
    if not number(limit, "limit") > 0.0:
        raise ValueError(f"limit: expected a number > 0, got {limit}")
    in_place(w, "w", None)
    if w.ndim != 2:
        raise ValueError(f"w: expected 2 dimensions, got shape {w.shape}")
    run_units(w, None, <double>limit, 0.0)
