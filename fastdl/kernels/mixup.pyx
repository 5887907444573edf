"""Rows of a batch mixed with the row behind them, and labels likewise."""
from libc.stdint cimport int32_t
from libc.string cimport memcpy

from fastdl.kernels._program cimport Program
from fastdl.kernels._scalar cimport Scalar, at, scalar
from fastdl.kernels._team cimport K, Step, piece_size, pieces

cdef enum:
    CHUNK_ELEMENTS = 1 << 15

cdef struct Mixture:
    float* y                    # (B, n)
    const float* x              # (B, n), or
    const int32_t* labels       # (B,)
    ptrdiff_t cols, ldy, ldx
    Scalar share
    double smoothing


cdef inline ptrdiff_t row_step(const Mixture* a, const Step* step) noexcept nogil:
    return piece_size(step.rows, a.cols, CHUNK_ELEMENTS, 1)


cdef ptrdiff_t mixture_chunks(void* args, const Step* step) noexcept nogil:
    return pieces(step.rows, row_step(<const Mixture*>args, step))


cdef void rows_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Mixture* a = <const Mixture*>args
    cdef ptrdiff_t size = row_step(a, step), i, j
    cdef float share = <float>at(&a.share, step)
    for i in range(chunk * size, min((chunk + 1) * size, step.rows)):
        j = i + 1 if i + 1 < step.rows else 0
        memcpy(a.y + i * a.ldy, a.x + j * a.ldx, a.cols * sizeof(float))
        K.average(a.y + i * a.ldy, a.x + i * a.ldx, a.cols, share)


cdef void labels_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Mixture* a = <const Mixture*>args
    cdef ptrdiff_t size = row_step(a, step), i, j, c
    cdef double share = at(&a.share, step), kept = 1.0 - a.smoothing, own, next_
    for i in range(chunk * size, min((chunk + 1) * size, step.rows)):
        j = i + 1 if i + 1 < step.rows else 0
        for c in range(a.cols):
            own = 1.0 if a.labels[i] == c else 0.0
            next_ = 1.0 if a.labels[j] == c else 0.0
            a.y[i * a.ldy + c] = <float>(kept * (next_ + share * (own - next_)) + a.smoothing / <double>a.cols)


def record_mix(Program program, y, x, share):
    """Record y[i] = l x[i] + (1 - l) x[i + 1], behind the last row the first.   y, x: (B, n) or (B,), not the same.

    l is the share, a number in [0, 1] or a Column. Computed as x[i + 1] + l (x[i] - x[i + 1]), one fused
    multiply-add, so that equal rows stay what they are.
    """
    cdef float[:, :] to = y if y.ndim == 2 else y[:, None], of = x if x.ndim == 2 else x[:, None]
    cdef Mixture a = Mixture(
        &to[0, 0], &of[0, 0], NULL, to.shape[1], to.strides[0] // 4, of.strides[0] // 4,
        scalar(share, "share"), 0.0)
    program.add(rows_chunk, mixture_chunks, &a, sizeof(a), (to, of))


def record_mix_labels(Program program, float[:, :] y, int32_t[::1] labels, share, double smoothing):
    """Record probabilities y[i] = (1 - e) (l at the label of row i + (1 - l) at that of row i + 1) + e / n.

    y: (B, n)   labels: (B,), in [0, n)   l: the share   e: smoothing.
    """
    cdef Mixture a = Mixture(
        &y[0, 0], NULL, &labels[0], y.shape[1], y.strides[0] // 4, 0, scalar(share, "share"), smoothing)
    program.add(labels_chunk, mixture_chunks, &a, sizeof(a), (y, labels))
