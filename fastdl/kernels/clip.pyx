"""Clipping of gradients by the norm of each tensor and by value (of all together: reduce; of each unit: unit)."""
import numpy as np

from libc.math cimport isfinite, sqrt
from libc.stdint cimport int64_t
from numpy cimport ndarray

from fastdl.kernels._arrays cimport in_place, number
from fastdl.kernels._blocks cimport block_chunks, blocks_per_chunk, record_count
from fastdl.kernels._program cimport Program
from fastdl.kernels._team cimport K, Op, Step, once, piece_size, pieces, run_now

from fastdl.kernels._blocks import cut

cdef enum:
    CHUNK_ELEMENTS = 1 << 15

cdef struct Tensors:            # for all three phases
    float* g
    const int64_t* blocks       # (n, 3): start, length, tensor
    ptrdiff_t n, tensors
    double* partial             # (n,)
    double* norms               # (tensors,)
    double* factors             # (tensors,)
    double* totals              # (2,), the second counts clipped steps; or NULL
    double theta
    bint unit

cdef struct Values:
    float* g
    ptrdiff_t n
    int* clipped                # one for each chunk
    float limit


cdef ptrdiff_t tensor_chunks(void* args, const Step* step) noexcept nogil:
    return block_chunks((<Tensors*>args).n)


cdef void squares_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Tensors* a = <const Tensors*>args
    cdef ptrdiff_t size = blocks_per_chunk(a.n), b
    for b in range(chunk * size, min((chunk + 1) * size, a.n)):
        K.sum_of_squares(a.partial + b, a.g + a.blocks[3 * b], a.blocks[3 * b + 1])


cdef void factors_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Tensors* a = <const Tensors*>args
    cdef bint clipped = False
    cdef ptrdiff_t i
    for i in range(a.tensors):
        a.norms[i] = 0.0
    for i in range(a.n):
        a.norms[a.blocks[3 * i + 2]] += a.partial[i]
    for i in range(a.tensors):
        a.norms[i] = sqrt(a.norms[i])
        a.factors[i] = 1.0
        if isfinite(a.norms[i]) and a.norms[i] > a.theta:
            a.factors[i] = (1.0 if a.unit else a.theta) / a.norms[i]
            clipped = True
    if a.totals != NULL:
        a.totals[1] += clipped


cdef void scale_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Tensors* a = <const Tensors*>args
    cdef ptrdiff_t size = blocks_per_chunk(a.n), b
    cdef float* g
    cdef double factor
    for b in range(chunk * size, min((chunk + 1) * size, a.n)):
        g = a.g + a.blocks[3 * b]
        factor = a.factors[a.blocks[3 * b + 2]]
        if factor != 1.0:
            K.scale(g, g, a.blocks[3 * b + 1], <float>factor)


cdef ptrdiff_t value_size(ptrdiff_t n) noexcept nogil:
    return piece_size(n, 1, CHUNK_ELEMENTS, 16)


cdef ptrdiff_t value_chunks(void* args, const Step* step) noexcept nogil:
    cdef ptrdiff_t n = (<Values*>args).n
    return pieces(n, value_size(n))


cdef void value_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Values* a = <const Values*>args
    cdef ptrdiff_t size = value_size(a.n), i = chunk * size
    K.clip_value(a.g + i, a.clipped + chunk, min(size, a.n - i), a.limit)


def record_clip_norm(Program program, float[::1] g, double[::1] totals, segments, double theta, bint unit=False):
    """Record g *= theta / ||g|| (or 1 / ||g||, unit) for each tensor whose norm is above theta.

    segments lists (start, length) of each tensor in g. totals[1] += 1 if any was clipped.   g: (n,)   totals: (2,).
    """
    blocks = cut(segments)
    cdef const int64_t[:, ::1] table = blocks
    if not table.shape[0]:
        return
    cdef double[::1] partial = np.zeros(table.shape[0])
    cdef double[::1] norms = np.zeros(len(segments)), factors = np.ones(len(segments))
    cdef Tensors a = Tensors(&g[0], &table[0, 0], table.shape[0], norms.shape[0], &partial[0], &norms[0], &factors[0],
                             &totals[0], theta, unit)
    cdef object keep = (g, table, partial, norms, factors, totals)
    program.add(squares_chunk, tensor_chunks, &a, sizeof(a), keep)
    program.add(factors_chunk, once, &a, sizeof(a), keep)
    program.add(scale_chunk, tensor_chunks, &a, sizeof(a), keep)


def record_clip_value(Program program, float[::1] g, double[::1] totals, double limit):
    """Record g = min(max(g, -limit), limit); totals[1] += 1 if that changed any.   g: (n,)   totals: (2,)."""
    cdef int[::1] clipped = np.zeros(pieces(g.shape[0], value_size(g.shape[0])), np.intc)
    cdef Values a = Values(&g[0], g.shape[0], &clipped[0], <float>limit)
    program.add(value_chunk, value_chunks, &a, sizeof(a), (g, clipped))
    record_count(program, totals, clipped)


def _list(arrays, name, value) -> list:
    """Check all, then let anything be changed."""
    if not hasattr(arrays, "__iter__") or isinstance(arrays, (str, bytes)):
        raise TypeError(f"arrays: expected a sequence of arrays, got {type(arrays).__name__}")
    if not number(value, name) > 0.0:
        raise ValueError(f"{name}: expected a number > 0, got {value}")
    arrays = [arrays] if isinstance(arrays, np.ndarray) else list(arrays)
    for i, each in enumerate(arrays):
        in_place(each, f"arrays[{i}]", None)
    return arrays


def clip_by_norm(arrays, theta):
    """Scale each of several arrays in place so that its own norm is at most theta (Pascanu et al. 2013).

    x *= theta / ||x|| if ||x|| > theta. `clip_by_global_norm` takes the norm over all of them together.

    Parameters
    ----------
    arrays : sequence of ndarray
        Float32, C-contiguous and writeable, of any shapes. One whose norm is not finite stays as it is.
    theta : float
        Greater than 0.

    Returns
    -------
    ndarray, shape (len(arrays),), float64
        The norms before: squares are taken and added in float64, relative error about 1e-13. What is scaled is rounded
        twice to float32, relative error at most 2^-23.

    Raises
    ------
    ValueError, TypeError
        If theta or an array will not do; nothing has changed then.
    """
    cdef const int64_t[:, ::1] table
    cdef double[::1] norms, partial
    cdef double factor = 1.0
    cdef Tensors a
    cdef Op ops[3]
    cdef ndarray x
    cdef Py_ssize_t i
    arrays = _list(arrays, "theta", theta)
    result = np.zeros(len(arrays))
    norms = result
    ops[0], ops[1], ops[2] = (Op(squares_chunk, tensor_chunks, &a), Op(factors_chunk, once, &a),
                              Op(scale_chunk, tensor_chunks, &a))
    for i, x in enumerate(arrays):
        if x.size:
            table = cut([(0, x.size)])
            partial = np.zeros(table.shape[0])
            a = Tensors(<float*>x.data, &table[0, 0], table.shape[0], 1, &partial[0], &norms[i], &factor, NULL,
                        <double>theta, False)
            run_now(ops, 3, 1)
    return result


def clip_by_value(arrays, value) -> None:
    """Hold every element of several arrays within [-value, value], in place; NaN stays NaN.

    Parameters
    ----------
    arrays : sequence of ndarray
        Float32, C-contiguous and writeable, of any shapes.
    value : float
        Greater than 0; rounded to float32.

    Raises
    ------
    ValueError, TypeError
        If value or an array will not do; nothing has changed then.
    """
    cdef int[::1] clipped
    cdef Values a
    cdef Op op = Op(value_chunk, value_chunks, &a)
    cdef ndarray x
    for x in _list(arrays, "value", value):
        if x.size:
            clipped = np.zeros(pieces(x.size, value_size(x.size)), np.intc)
            a = Values(<float*>x.data, x.size, &clipped[0], <float><double>value)
            run_now(&op, 1, 1)
