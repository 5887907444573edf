"""Gaussian noise: a normal deviate for each element, a pure function of (seed, step, stream, element)."""
from libc.stdint cimport uint32_t, uint64_t
from numpy cimport ndarray

from fastdl.kernels._arrays cimport matrix, number, result, word
from fastdl.kernels._program cimport Program
from fastdl.kernels._scalar cimport Scalar, at, scalar
from fastdl.kernels._team cimport K, Op, Step, piece_size, pieces, run_now

cdef enum:
    CHUNK_ELEMENTS = 1 << 12    # a deviate costs about a nanosecond

cdef struct Noise:
    float* y
    const float* x
    ptrdiff_t cols, ldy, ldx
    Scalar std
    uint32_t stream
    bint eager                  # seed and number are these, not the step's
    uint64_t seed, number


cdef inline ptrdiff_t row_step(const Noise* a, const Step* step) noexcept nogil:
    return piece_size(step.rows, a.cols, CHUNK_ELEMENTS, 1)


cdef ptrdiff_t noise_chunks(void* args, const Step* step) noexcept nogil:
    return pieces(step.rows, row_step(<const Noise*>args, step))


cdef void noise_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Noise* a = <const Noise*>args
    cdef ptrdiff_t size = row_step(a, step), i = chunk * size
    K.noise(a.y + i * a.ldy, a.x + i * a.ldx, i, min(size, step.rows - i), a.cols, a.ldy, a.ldx,
            <float>at(&a.std, step),
            a.seed if a.eager else step.seed, <uint32_t>(a.number if a.eager else step.number), a.stream)


def record_noise(Program program, float[:, :] y, float[:, :] x, std, uint32_t stream):
    """Record y = x + std * normal deviates.   y, x: (B, n), may be the same."""
    cdef Noise a = Noise(&y[0, 0], &x[0, 0], y.shape[1], y.strides[0] // 4, x.strides[0] // 4, scalar(std, "std"),
                         stream, False, 0, 0)
    program.add(noise_chunk, noise_chunks, &a, sizeof(a), (y, x))


def gaussian_noise(x, std, seed, step=0, stream=0, out=None):
    """Gaussian noise added to each element, y = x + std * normal.

    Parameters
    ----------
    x : array_like, shape (B, n)
    std : float
        Standard deviation, >= 0.
    seed : int
        64-bit key.
    step, stream : int
        32-bit counters: the training step and the layer.
    out : ndarray, shape (B, n), float32, optional
        Where the result goes. C-contiguous, sharing no memory with x.

    Returns
    -------
    ndarray, shape (B, n), float32
        Element (i, j) gets deviate i n + j of `random_normal` for the same (seed, step, stream): Box and Muller (1958)
        on Philox words. One rounding of x + std * normal; the deviates are within 2^-18 of exact ones. NaN stays.

    Raises
    ------
    ValueError
        If std is negative or not finite, or a shape does not fit.
    TypeError
        If x does not hold real numbers.
    """
    cdef ndarray x_ = matrix(x, "x"), y
    cdef ptrdiff_t rows = x_.shape[0], n = x_.shape[1]
    cdef double size = number(std, "std")
    if not 0.0 <= size <= 3.4e38:
        raise ValueError(f"std: expected a finite number >= 0, got {std}")
    y = result(out, (rows, n), (x_,))
    cdef Noise a = Noise(<float*>y.data, <float*>x_.data, n, n, n, Scalar(size, -1),
                         <uint32_t>word(stream, "stream", 32), True, word(seed, "seed", 64), word(step, "step", 32))
    cdef Op op = Op(noise_chunk, noise_chunks, &a)
    run_now(&op, 1, rows)
    return y
