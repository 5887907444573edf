"""Dropout. Two ops: the mask as bits, a pure function of (seed, step, stream, element), and its use."""
import numpy as np

from libc.math cimport sqrt
from libc.stdint cimport uint8_t, uint32_t, uint64_t
cimport numpy as cnp
from numpy cimport ndarray

from fastdl.kernels._arrays cimport matrix, rate_of, result, word
from fastdl.kernels._program cimport Program
from fastdl.kernels._scalar cimport Scalar, at, scalar
from fastdl.kernels._team cimport K, Op, Step, piece_size, pieces, run_now

cnp.import_array()

cdef enum:
    GROUP = 128                 # elements whose bits one pass of Philox makes
    CHUNK_ELEMENTS = 1 << 15

cdef struct Bits:
    uint8_t* bits               # of the whole batch, and 4 bytes more
    ptrdiff_t cols
    Scalar rate
    uint32_t stream
    bint eager                  # seed and number are these, not the step's
    uint64_t seed, number

cdef struct Apply:
    float* y
    const float* x
    const uint8_t* bits
    ptrdiff_t cols, ldy, ldx
    Scalar rate

cdef struct Alpha:
    float* y
    const float* x
    const uint8_t* bits
    ptrdiff_t cols, ldy, ldx
    Scalar rate
    bint backward

cdef double ALPHA = -1.7580993408473766         # what SELU tends to at -infinity


cdef inline ptrdiff_t groups_of(const Bits* a, const Step* step) noexcept nogil:
    return pieces(step.rows * a.cols, GROUP)


cdef ptrdiff_t bits_chunks(void* args, const Step* step) noexcept nogil:
    cdef ptrdiff_t groups = groups_of(<const Bits*>args, step)
    return pieces(groups, piece_size(groups, GROUP, CHUNK_ELEMENTS, 1))


cdef void bits_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Bits* a = <const Bits*>args
    cdef ptrdiff_t groups = groups_of(a, step), size = piece_size(groups, GROUP, CHUNK_ELEMENTS, 1), i = chunk * size
    K.dropout_bits(a.bits + 16 * i, i, min(size, groups - i), a.seed if a.eager else step.seed,
                   <uint32_t>(a.number if a.eager else step.number), a.stream,
                   <uint32_t>(at(&a.rate, step) * 65536.0 + 0.5))


cdef inline ptrdiff_t row_step(ptrdiff_t cols, const Step* step) noexcept nogil:
    return piece_size(step.rows, cols, CHUNK_ELEMENTS, 1)


cdef inline float keep_factor(const Scalar* rate, const Step* step) noexcept nogil:
    return <float>(1.0 / (1.0 - at(rate, step)))


cdef ptrdiff_t apply_chunks(void* args, const Step* step) noexcept nogil:
    return pieces(step.rows, row_step((<const Apply*>args).cols, step))


cdef void apply_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Apply* a = <const Apply*>args
    cdef ptrdiff_t size = row_step(a.cols, step), i = chunk * size
    K.dropout_apply(a.y + i * a.ldy, a.x + i * a.ldx, a.bits, i, min(size, step.rows - i), a.cols, a.ldy, a.ldx,
                    keep_factor(&a.rate, step))


cdef ptrdiff_t alpha_chunks(void* args, const Step* step) noexcept nogil:
    return pieces(step.rows, row_step((<const Alpha*>args).cols, step))


cdef void alpha_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    """The affine map that keeps mean 0 and variance 1, y = x scale + kept; its gradient has no shift."""
    cdef const Alpha* a = <const Alpha*>args
    cdef ptrdiff_t size = row_step(a.cols, step), i = chunk * size
    cdef double rate = at(&a.rate, step)
    cdef double scale = 1.0 / sqrt((1.0 - rate) * (1.0 + ALPHA * ALPHA * rate)), kept = -scale * ALPHA * rate
    cdef double dropped = scale * ALPHA + kept
    if a.backward:
        kept = dropped = 0.0
    K.alpha_dropout(a.y + i * a.ldy, a.x + i * a.ldx, a.bits, i, min(size, step.rows - i), a.cols, a.ldy, a.ldx,
                    <float>scale, <float>kept, <float>dropped)


cdef Scalar rate_in(object rate) except *:
    """A dropout rate of a recorded op: a number in [0, 1), or a Column, whose numbers the caller has checked."""
    cdef Scalar s = scalar(rate, "rate")
    if s.column < 0:
        rate_of(rate)
    return s


def mask_bytes(Py_ssize_t elements) -> int:
    """Bytes that the bits of so many elements need."""
    return pieces(elements, GROUP) * 16 + 4


def record_mask(Program program, uint8_t[::1] bits, Py_ssize_t cols, rate, uint32_t stream):
    """Record the keep-bits of a batch of rows of `cols` elements.   bits: (mask_bytes(B * cols),)."""
    cdef Bits a = Bits(&bits[0], cols, rate_in(rate), stream, False, 0, 0)
    program.add(bits_chunk, bits_chunks, &a, sizeof(a), (bits,))


def record_apply(Program program, float[:, :] y, float[:, :] x, uint8_t[::1] bits, rate):
    """Record y = x * mask / (1 - rate); the backward pass is the same.   y, x: (B, n), may be the same."""
    cdef Apply a = Apply(&y[0, 0], &x[0, 0], &bits[0], y.shape[1], y.strides[0] // 4, x.strides[0] // 4,
                         rate_in(rate))
    program.add(apply_chunk, apply_chunks, &a, sizeof(a), (y, x, bits))


def record_alpha(Program program, float[:, :] y, float[:, :] x, uint8_t[::1] bits, rate, bint backward):
    """Record alpha dropout, or with backward y = its gradient for x = dy.   y, x: (B, n), may be the same."""
    cdef Alpha a = Alpha(&y[0, 0], &x[0, 0], &bits[0], y.shape[1], y.strides[0] // 4, x.strides[0] // 4,
                         rate_in(rate), backward)
    program.add(alpha_chunk, alpha_chunks, &a, sizeof(a), (y, x, bits))


cdef Bits eager_bits(ndarray bits, ptrdiff_t cols, double rate, object seed, object step, object stream) except *:
    return Bits(<uint8_t*>bits.data, cols, Scalar(rate, -1), <uint32_t>word(stream, "stream", 32), True,
                word(seed, "seed", 64), word(step, "step", 32))


cdef ndarray room_for_bits(ptrdiff_t elements):
    cdef cnp.npy_intp size = pieces(elements, GROUP) * 16 + 4
    return cnp.PyArray_EMPTY(1, &size, cnp.NPY_UINT8, 0)


cdef ndarray bits_now(ptrdiff_t rows, ptrdiff_t cols, double rate, object seed, object step, object stream):
    cdef ndarray bits = room_for_bits(rows * cols)
    cdef Bits a = eager_bits(bits, cols, rate, seed, step, stream)
    cdef Op op = Op(bits_chunk, bits_chunks, &a)
    run_now(&op, 1, rows)
    return bits


def dropout_mask(shape, rate, seed, step=0, stream=0):
    """Which elements dropout keeps.

    Parameters
    ----------
    shape : tuple of int
        Of the batch. An element's place in the flattened (C-ordered) batch is all that matters of it.
    rate : float
        Probability of dropping, in [0, 1), in steps of 2^-16.
    seed : int
        64-bit key.
    step, stream : int
        32-bit counters: the training step and the layer.

    Returns
    -------
    ndarray of bool
        True where kept: half e % 8 of Philox4x32-10 block e // 8 is at least rate * 65536, where the block's counter is
        (e // 8 low, e // 8 high, step, stream), and low halves of a word come first. These bits never change.

    Raises
    ------
    ValueError
        If the rate is outside [0, 1).
    """
    sizes = (shape,) if hasattr(shape, "__index__") else tuple(shape) if hasattr(shape, "__iter__") else None
    if sizes is None or not all(hasattr(n, "__index__") for n in sizes):
        raise TypeError(f"shape: expected an int or a tuple of int, got {shape!r}")
    shape = tuple(n.__index__() for n in sizes)
    if any(n < 0 for n in shape):
        raise ValueError(f"shape: expected sizes >= 0, got {shape}")
    size = 1
    for n in shape:
        size *= n
    bits = bits_now(1, size, rate_of(rate), seed, step, stream)
    return np.unpackbits(bits, count=size, bitorder="little").astype(bool).reshape(shape)


def dropout_forward(x, rate, seed, step=0, stream=0, out=None):
    """Inverted dropout, y = x * mask / (1 - rate) (Srivastava et al. 2014).

    Parameters
    ----------
    x : array_like, shape (B, n)
    rate : float
        Probability of dropping, in [0, 1).
    seed, step, stream : int
        What the mask depends on; see `dropout_mask`.
    out : ndarray, shape (B, n), float32, optional
        Where the result goes. C-contiguous, sharing no memory with x.

    Returns
    -------
    ndarray, shape (B, n), float32
        NaN comes through where it is dropped, too: the mask is a factor.

    Raises
    ------
    ValueError
        If the rate is outside [0, 1) or a shape does not fit.
    TypeError
        If x does not hold real numbers.
    """
    cdef ndarray x_ = matrix(x, "x"), bits, y
    cdef ptrdiff_t rows = x_.shape[0], n = x_.shape[1]
    cdef double probability = rate_of(rate)
    y = result(out, (rows, n), (x_,))
    bits = room_for_bits(rows * n)
    cdef Bits mask = eager_bits(bits, n, probability, seed, step, stream)
    cdef Apply a = Apply(<float*>y.data, <float*>x_.data, mask.bits, n, n, n, mask.rate)
    cdef Op[2] ops = [Op(bits_chunk, bits_chunks, &mask), Op(apply_chunk, apply_chunks, &a)]
    run_now(ops, 2, rows)
    return y


def dropout_backward(dy, rate, seed, step=0, stream=0, out=None):
    """Gradient of dropout, dx = dy * mask / (1 - rate), with the mask of the same (seed, step, stream).

    Parameters and errors are those of `dropout_forward`, with dy for x.

    Returns
    -------
    ndarray, shape (B, n), float32
    """
    return dropout_forward(matrix(dy, "dy"), rate, seed, step, stream, out)


cdef ndarray alpha_now(ndarray x, object rate, object seed, object step, object stream, object out, bint backward):
    cdef ptrdiff_t rows = x.shape[0], n = x.shape[1]
    cdef double probability = rate_of(rate)
    cdef ndarray y = result(out, (rows, n), (x,)), bits = room_for_bits(rows * n)
    cdef Bits mask = eager_bits(bits, n, probability, seed, step, stream)
    cdef Alpha a = Alpha(<float*>y.data, <float*>x.data, mask.bits, n, n, n, mask.rate, backward)
    cdef Op[2] ops = [Op(bits_chunk, bits_chunks, &mask), Op(alpha_chunk, alpha_chunks, &a)]
    run_now(ops, 2, rows)
    return y


def alpha_dropout_forward(x, rate, seed, step=0, stream=0, out=None):
    """Alpha dropout (Klambauer et al. 2017, "Self-normalizing neural networks"), which keeps mean 0 and variance 1.

    Parameters
    ----------
    x : array_like, shape (B, n)
        Such as outputs of SELU.
    rate : float
        Probability of dropping, in [0, 1).
    seed, step, stream : int
        What the mask depends on; it is that of `dropout_mask`.
    out : ndarray, shape (B, n), float32, optional
        Where the result goes. C-contiguous, sharing no memory with x.

    Returns
    -------
    ndarray, shape (B, n), float32
        a x + b where kept, a alpha + b elsewhere, with alpha = -1.7580993408473766, the limit of SELU at -infinity,
        a = ((1 - rate) (1 + rate alpha^2))^(-1/2) and b = -a rate alpha. Error at most 2^-22 (|a x| + |a alpha| + |b|).
        NaN comes through where it is dropped, too.

    Raises
    ------
    ValueError
        If the rate is outside [0, 1) or a shape does not fit.
    TypeError
        If x does not hold real numbers.
    """
    return alpha_now(matrix(x, "x"), rate, seed, step, stream, out, False)


def alpha_dropout_backward(dy, rate, seed, step=0, stream=0, out=None):
    """Gradient of alpha dropout: a dy where kept, else 0, with a and the mask of `alpha_dropout_forward`.

    Parameters and errors are those of `alpha_dropout_forward`, with dy for x.

    Returns
    -------
    ndarray, shape (B, n), float32
        NaN comes through where it is dropped, too.
    """
    return alpha_now(matrix(dy, "dy"), rate, seed, step, stream, out, True)
