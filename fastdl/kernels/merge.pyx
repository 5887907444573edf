"""Where branches of a network meet: sums of matrices, and matrices side by side."""
import numpy as np

from libc.string cimport memcpy
from numpy cimport ndarray

from fastdl.kernels._arrays cimport matrix, result
from fastdl.kernels._program cimport Program
from fastdl.kernels._team cimport K, Op, Step, piece_size, pieces, run_now

cdef enum:
    CHUNK_ELEMENTS = 1 << 15

cdef struct Part:
    float* x
    ptrdiff_t ld, cols
    ptrdiff_t column            # where it begins in the wide matrix

cdef struct Merge:
    float* y
    ptrdiff_t cols, ldy
    const Part* parts
    ptrdiff_t count
    float factor


cdef inline ptrdiff_t row_step(const Merge* a, const Step* step) noexcept nogil:
    return piece_size(step.rows, a.cols, CHUNK_ELEMENTS, 1)


cdef ptrdiff_t chunks(void* args, const Step* step) noexcept nogil:
    return pieces(step.rows, row_step(<const Merge*>args, step))


cdef void sum_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Merge* a = <const Merge*>args
    cdef ptrdiff_t size = row_step(a, step), i = chunk * size, rows = min(size, step.rows - i), k, row
    cdef const Part* p = a.parts
    cdef float* y = a.y + i * a.ldy
    if a.count > 1:
        K.add(y, p.x + i * p.ld, p[1].x + i * p[1].ld, rows, a.cols, a.ldy, p.ld, p[1].ld)
        for k in range(2, a.count):
            K.add(y, y, p[k].x + i * p[k].ld, rows, a.cols, a.ldy, a.ldy, p[k].ld)
        if a.factor != 1.0:
            for row in range(rows):
                K.scale(y + row * a.ldy, y + row * a.ldy, a.cols, a.factor)
    else:
        for row in range(rows):
            K.scale(y + row * a.ldy, p.x + (i + row) * p.ld, a.cols, a.factor)


cdef void concatenate_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Merge* a = <const Merge*>args
    cdef ptrdiff_t size = row_step(a, step), i, k
    cdef const Part* p = a.parts
    for i in range(chunk * size, min((chunk + 1) * size, step.rows)):
        for k in range(a.count):
            memcpy(a.y + i * a.ldy + p[k].column, p[k].x + i * p[k].ld, <size_t>p[k].cols * sizeof(float))


cdef void split_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Merge* a = <const Merge*>args
    cdef ptrdiff_t size = row_step(a, step), i, k
    cdef const Part* p = a.parts
    for i in range(chunk * size, min((chunk + 1) * size, step.rows)):
        for k in range(a.count):
            memcpy(p[k].x + i * p[k].ld, a.y + i * a.ldy + p[k].column, <size_t>p[k].cols * sizeof(float))


cdef ndarray parts_of(arrays, columns):
    """Memory that holds a Part for each array."""
    cdef ndarray memory = np.empty(len(arrays) * sizeof(Part), np.uint8), x
    cdef Part* parts = <Part*>memory.data
    cdef ptrdiff_t i
    for i in range(len(arrays)):
        x = arrays[i]
        parts[i] = Part(<float*>x.data, x.strides[0] // 4, x.shape[1], columns[i])
    return memory


cdef list starts(arrays):
    """The column at which each array begins when they stand side by side."""
    widths = [x.shape[1] for x in arrays]
    return [sum(widths[:i]) for i in range(len(widths))]


cdef Merge merge_of(ndarray y, ndarray parts, double factor):
    return Merge(<float*>y.data, y.shape[1], y.strides[0] // 4, <const Part*>parts.data,
                 parts.shape[0] // <ptrdiff_t>sizeof(Part), <float>factor)


def record_sum(Program program, ndarray y, double factor=1.0, **xs):
    """Record y = factor (((x0 + x1) + x2) + ...).   y: (B, n), may be x0   xs: (B, n), at least one."""
    cdef ndarray parts = parts_of(list(xs.values()), [0] * len(xs))
    cdef Merge a = merge_of(y, parts, factor)
    program.add(sum_chunk, chunks, &a, sizeof(a), (y, parts, xs))


def record_concatenate(Program program, ndarray y, **xs):
    """Record y = the xs side by side.   y: (B, sum of n)   xs: (B, n) each."""
    arrays = list(xs.values())
    cdef ndarray parts = parts_of(arrays, starts(arrays))
    cdef Merge a = merge_of(y, parts, 1.0)
    program.add(concatenate_chunk, chunks, &a, sizeof(a), (y, parts, xs))


def record_split(Program program, ndarray y, columns, **xs):
    """Record each of xs = the columns of y that begin at its entry of `columns`.   y: (B, N)   xs: (B, n) each."""
    cdef ndarray parts = parts_of(list(xs.values()), columns)
    cdef Merge a = merge_of(y, parts, 1.0)
    program.add(split_chunk, chunks, &a, sizeof(a), (y, parts, xs))


def add(a, b, out=None):
    """Sum of two matrices.

    Parameters
    ----------
    a, b : array_like, shape (B, n)
    out : ndarray, shape (B, n), float32, optional
        Where the result goes. C-contiguous, sharing no memory with a or b.

    Returns
    -------
    ndarray, shape (B, n), float32
        a + b, each element rounded once.

    Raises
    ------
    ValueError
        If the shapes differ.
    TypeError
        If an array does not hold real numbers.

    Notes
    -----
    What joins shortcut and branch of a residual block (He et al. 2016).
    """
    cdef ndarray a_ = matrix(a, "a"), b_ = matrix(b, "b"), y
    if b_.shape[0] != a_.shape[0] or b_.shape[1] != a_.shape[1]:
        raise ValueError(f"b: expected the shape of a, {(<object>a_).shape}, got {(<object>b_).shape}")
    y = result(out, (a_.shape[0], a_.shape[1]), (a_, b_))
    cdef ndarray parts = parts_of([a_, b_], [0, 0])
    cdef Merge merge = merge_of(y, parts, 1.0)
    cdef Op op = Op(sum_chunk, chunks, &merge)
    run_now(&op, 1, a_.shape[0])
    return y


def concatenate(arrays, out=None):
    """Matrices side by side.

    Parameters
    ----------
    arrays : sequence of array_like, shapes (B, n) with one B
        At least one.
    out : ndarray, shape (B, sum of all n), float32, optional
        Where the result goes. C-contiguous, sharing no memory with the arrays.

    Returns
    -------
    ndarray, shape (B, sum of all n), float32
        y = [arrays[0] | arrays[1] | ...], copied.

    Raises
    ------
    ValueError
        If there is no array, or their rows differ.
    TypeError
        If an array does not hold real numbers.

    Notes
    -----
    What joins the branches of an Inception module (Szegedy et al. 2015).
    """
    if not hasattr(arrays, "__iter__") or isinstance(arrays, (str, bytes)):
        raise TypeError(f"arrays: expected a sequence of matrices, got {type(arrays).__name__}")
    taken = [matrix(x, f"arrays[{i}]") for i, x in enumerate(arrays)]
    if not taken:
        raise ValueError("arrays: expected at least one matrix, got none")
    for i, x in enumerate(taken):
        if x.shape[0] != taken[0].shape[0]:
            raise ValueError(f"arrays[{i}]: expected {taken[0].shape[0]} rows like arrays[0], got shape {x.shape}")
    cdef ndarray parts = parts_of(taken, starts(taken))
    cdef ndarray y = result(out, (taken[0].shape[0], sum(x.shape[1] for x in taken)), tuple(taken))
    cdef Merge merge = merge_of(y, parts, 1.0)
    cdef Op op = Op(concatenate_chunk, chunks, &merge)
    run_now(&op, 1, y.shape[0])
    return y
