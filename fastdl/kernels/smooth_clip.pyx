"""A smooth bound on outliers."""
from numpy cimport ndarray

from fastdl.kernels._arrays cimport matrix, number, result
from fastdl.kernels._program cimport Program
from fastdl.kernels._team cimport K, Op, Step, piece_size, pieces, run_now

cdef enum:
    CHUNK_ELEMENTS = 1 << 15

cdef struct Clip:
    float* y
    const float* x
    ptrdiff_t cols, ldy, ldx
    float clip


cdef inline ptrdiff_t row_step(const Clip* a, const Step* step) noexcept nogil:
    return piece_size(step.rows, a.cols, CHUNK_ELEMENTS, 1)


cdef ptrdiff_t clip_chunks(void* args, const Step* step) noexcept nogil:
    return pieces(step.rows, row_step(<const Clip*>args, step))


cdef void clip_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Clip* a = <const Clip*>args
    cdef ptrdiff_t size = row_step(a, step), i = chunk * size
    K.smooth_clip(a.y + i * a.ldy, a.x + i * a.ldx, min(size, step.rows - i), a.cols, a.ldy, a.ldx, a.clip)


def record_smooth_clip(Program program, float[:, :] y, float[:, :] x, double clip):
    """Record y = x / sqrt(1 + (x / clip)^2).   y, x: (B, n), may be the same."""
    cdef Clip a = Clip(&y[0, 0], &x[0, 0], y.shape[1], y.strides[0] // 4, x.strides[0] // 4, <float>clip)
    program.add(clip_chunk, clip_chunks, &a, sizeof(a), (y, x))


def smooth_clip(x, clip, out=None):
    """Smooth bound on each element, x / sqrt(1 + (x / clip)^2): about x near 0, never beyond +-clip.

    As in RealMLP (Holzmueller et al. 2024, "Better by default").

    Parameters
    ----------
    x : array_like, shape (B, n)
    clip : float
        The bound, between 1e-30 and 1e30.
    out : ndarray, shape (B, n), float32, optional
        Where the result goes. C-contiguous, sharing no memory with x.

    Returns
    -------
    ndarray, shape (B, n), float32
        Relative error at most 2^-21. +-infinity gives +-clip, NaN stays.

    Raises
    ------
    ValueError
        If clip is out of range or a shape does not fit.
    TypeError
        If x does not hold real numbers.
    """
    cdef ndarray x_ = matrix(x, "x"), y
    cdef ptrdiff_t n = x_.shape[1]
    cdef double limit = number(clip, "clip")
    if not 1e-30 <= limit <= 1e30:
        raise ValueError(f"clip: expected a number in [1e-30, 1e+30], got {clip}")
    y = result(out, (x_.shape[0], n), (x_,))
    cdef Clip a = Clip(<float*>y.data, <float*>x_.data, n, n, n, <float>limit)
    cdef Op op = Op(clip_chunk, clip_chunks, &a)
    run_now(&op, 1, x_.shape[0])
    return y
