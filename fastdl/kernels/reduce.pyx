"""Norms over many arrays, in float64 and in a fixed order, and clipping by them."""
import numpy as np

from libc.math cimport isfinite, sqrt
cimport numpy as cnp
from numpy cimport ndarray

from fastdl.kernels._arrays cimport in_place, number
from fastdl.kernels._program cimport Program
from fastdl.kernels._team cimport K, Op, Step, once, piece_size, pieces, run_now

cnp.import_array()

cdef enum:
    BLOCK = 1 << 14             # elements whose squares are summed in one piece; part of the promise of equal bits
    FEW_BLOCKS = 64             # have their sums on the stack

cdef struct Squares:
    double* partial             # one for each block
    const float* x
    ptrdiff_t n

cdef struct Norm:
    double* partial
    ptrdiff_t blocks
    double* norm                # (2,): the norm and the factor that clips it
    double* totals              # (2,): sum of the norms, number of clipped steps
    double theta
    bint unit

cdef struct Scale:
    float* x
    ptrdiff_t n
    float factor


cdef ptrdiff_t squares_chunks(void* args, const Step* step) noexcept nogil:
    cdef ptrdiff_t blocks = pieces((<Squares*>args).n, BLOCK)
    return pieces(blocks, piece_size(blocks, 1, 1, 1))


cdef void squares_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Squares* a = <const Squares*>args
    cdef ptrdiff_t blocks = pieces(a.n, BLOCK), size = piece_size(blocks, 1, 1, 1), b
    for b in range(chunk * size, min((chunk + 1) * size, blocks)):
        K.sum_of_squares(a.partial + b, a.x + b * BLOCK, min(<ptrdiff_t>BLOCK, a.n - b * BLOCK))


cdef void norm_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Norm* a = <const Norm*>args
    cdef double total = 0.0
    cdef ptrdiff_t b
    for b in range(a.blocks):
        total += a.partial[b]
    a.norm[0] = sqrt(total)
    if not isfinite(total):
        step.halt = 1
        return
    a.norm[1] = (1.0 if a.unit else a.theta) / a.norm[0] if a.norm[0] > a.theta else 1.0
    a.totals[0] += a.norm[0]
    a.totals[1] += a.norm[0] > a.theta


cdef ptrdiff_t scale_chunks(void* args, const Step* step) noexcept nogil:
    cdef ptrdiff_t n = (<Scale*>args).n
    return pieces(n, piece_size(n, 1, 1 << 15, 16))


cdef void scale_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Scale* a = <const Scale*>args
    cdef ptrdiff_t size = piece_size(a.n, 1, 1 << 15, 16), i = chunk * size
    K.scale(a.x + i, a.x + i, min(size, a.n - i), a.factor)


def norm_blocks(Py_ssize_t n) -> int:
    """Partial sums that the norm of n elements needs."""
    return pieces(n, BLOCK)


def record_norm(Program program, double[::1] norm, double[::1] totals, double[::1] partial, float[::1] g, double theta,
                bint unit=False):
    """Record norm = (||g||, factor), where factor = theta / ||g|| (or 1 / ||g||, unit) if ||g|| > theta, else 1.

    A norm that is not finite halts the run. totals += (||g||, clipped).   partial: (norm_blocks(n),)   g: (n,).
    """
    cdef Squares s = Squares(&partial[0], &g[0], g.shape[0])
    cdef Norm a = Norm(&partial[0], pieces(g.shape[0], BLOCK), &norm[0], &totals[0], theta, unit)
    program.add(squares_chunk, squares_chunks, &s, sizeof(s), (partial, g))
    program.add(norm_chunk, once, &a, sizeof(a), (norm, totals, partial))


cdef double squares_now(ndarray x):
    cdef ptrdiff_t n = cnp.PyArray_SIZE(x), blocks = pieces(n, BLOCK), b
    cdef double total = 0.0
    cdef double few[FEW_BLOCKS]
    cdef double* partial = few
    cdef double[::1] many
    if blocks > FEW_BLOCKS:
        many = np.empty(blocks)
        partial = &many[0]
    cdef Squares a = Squares(partial, <float*>x.data, n)
    cdef Op op = Op(squares_chunk, squares_chunks, &a)
    run_now(&op, 1, 0)
    for b in range(blocks):
        total += partial[b]
    return total


def _list(arrays) -> list:
    if not hasattr(arrays, "__iter__") or isinstance(arrays, (str, bytes)):
        raise TypeError(f"arrays: expected a sequence of arrays, got {type(arrays).__name__}")
    return [arrays] if isinstance(arrays, np.ndarray) else list(arrays)


def global_norm(arrays) -> float:
    """Euclidean norm of all elements of several arrays together.

    Parameters
    ----------
    arrays : sequence of array_like
        Of any shapes; an empty sequence has norm 0.

    Returns
    -------
    float
        Squares are taken and added in float64, blocks of 16384 elements in order: relative error about 1e-13.

    Raises
    ------
    TypeError
        If an array does not hold real numbers.
    """
    cdef double total = 0.0
    for i, x in enumerate(_list(arrays)):
        if not (isinstance(x, ndarray) and (<ndarray>x).descr.type_num == cnp.NPY_FLOAT32
                and cnp.PyArray_ISCARRAY_RO(<ndarray>x)):
            x = np.asarray(x)
            if x.dtype.kind not in "fiub":
                raise TypeError(f"arrays[{i}]: expected real numbers, got dtype {x.dtype}")
            x = np.ascontiguousarray(x, np.float32)
        total += squares_now(x)
    return sqrt(total)


def clip_by_global_norm(arrays, theta) -> float:
    """Scale several arrays in place so that their common norm is at most theta (Pascanu et al. 2013).

    Parameters
    ----------
    arrays : sequence of ndarray
        Float32, C-contiguous and writeable; they are multiplied by theta / norm if the norm is above theta. A norm that
        is not finite leaves them as they are.
    theta : float
        Greater than 0.

    Returns
    -------
    float
        The norm before.

    Raises
    ------
    ValueError, TypeError
        If theta or an array will not do; nothing has changed then.
    """
    cdef Scale a
    cdef Op op = Op(scale_chunk, scale_chunks, &a)
    cdef ndarray x
    arrays = _list(arrays)
    if not number(theta, "theta") > 0.0:
        raise ValueError(f"theta: expected a number > 0, got {theta}")
    for i, each in enumerate(arrays):
        in_place(each, f"arrays[{i}]", None)
    norm = global_norm(arrays)
    if isfinite(norm) and norm > theta:
        for x in arrays:
            a = Scale(<float*>x.data, x.size, <float>(theta / norm))
            run_now(&op, 1, 0)
    return norm
