"""Rows of the caller's arrays into batches and back."""
import numpy as np

from libc.stdint cimport int32_t, int64_t
from libc.string cimport memcpy
from numpy cimport ndarray

from fastdl.kernels._arrays cimport result
from fastdl.kernels._program cimport Program
from fastdl.kernels._rows cimport Rows, Source
from fastdl.kernels._team cimport K, Op, Step, piece_size, pieces, run_now

from fastdl.kernels._rows import as_readable

cdef enum:
    CHUNK_ELEMENTS = 1 << 15

cdef struct Gather:
    float* y                    # (B, n)
    const Source* source
    ptrdiff_t ldy

cdef struct Labels:
    int32_t* y                  # (B,)
    const Source* source

cdef struct Store:
    const Source* target
    const float* x              # (B, n)
    ptrdiff_t ldx


cdef inline ptrdiff_t row_step(ptrdiff_t cols, const Step* step) noexcept nogil:
    return piece_size(step.rows, cols, CHUNK_ELEMENTS, 1)


cdef ptrdiff_t gather_chunks(void* args, const Step* step) noexcept nogil:
    return pieces(step.rows, row_step((<Gather*>args).source.cols, step))


cdef void gather_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Gather* a = <const Gather*>args
    cdef const Source* s = a.source
    cdef ptrdiff_t size = row_step(s.cols, step), i = chunk * size, first = step.first + i
    K.gather(a.y + i * a.ldy, s.x if s.order != NULL else s.x + first * s.row_bytes,
             s.order + first if s.order != NULL else NULL, s.offset, s.factor, min(size, step.rows - i), s.cols, a.ldy,
             s.row_bytes, s.type)


cdef ptrdiff_t labels_chunks(void* args, const Step* step) noexcept nogil:
    return 1 if step.rows else 0


cdef void labels_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Labels* a = <const Labels*>args
    cdef const int32_t* x = <const int32_t*>a.source.x
    cdef ptrdiff_t i
    for i in range(step.rows):
        a.y[i] = x[a.source.order[step.first + i] if a.source.order != NULL else step.first + i]


cdef ptrdiff_t store_chunks(void* args, const Step* step) noexcept nogil:
    return pieces(step.rows, row_step((<Store*>args).target.cols, step))


cdef void store_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Store* a = <const Store*>args
    cdef ptrdiff_t size = row_step(a.target.cols, step), i
    for i in range(chunk * size, min((chunk + 1) * size, step.rows)):
        memcpy(a.target.x + (step.first + i) * a.target.row_bytes, a.x + i * a.ldx, a.target.cols * sizeof(float))


def record_gather(Program program, y, Rows source):
    """Record y = the next rows of the source.   y: (B, n), or (B,) from a source of one column."""
    cdef float[:, :] to = y if y.ndim == 2 else y[:, None]
    if to.shape[1] != source.cols:
        raise ValueError(f"y: expected {source.cols} columns, got shape {y.shape}")
    cdef Gather a = Gather(&to[0, 0], &source.source, to.strides[0] // 4)
    program.add(gather_chunk, gather_chunks, &a, sizeof(a), (to, source))


def record_labels(Program program, int32_t[::1] y, Rows source):
    """Record y = the next labels of a source of one int32 column.   y: (B,)."""
    cdef Labels a = Labels(&y[0], &source.source)
    program.add(labels_chunk, labels_chunks, &a, sizeof(a), (y, source))


def record_store(Program program, Rows target, float[:, :] x):
    """Record that the rows of a batch go to their places in a float32 target.   x: (B, n)."""
    cdef Store a = Store(&target.source, &x[0, 0], x.strides[0] // 4)
    program.add(store_chunk, store_chunks, &a, sizeof(a), (target, x))


def gather(x, indices, out=None):
    """Rows of a matrix of any number type, as float32.

    Parameters
    ----------
    x : array_like, shape (rows, n)
        Floats of 16, 32 or 64 bits, integers or booleans; read where they lie, also in a memory map, if rows are
        contiguous and in this machine's byte order. Float16 is converted exactly, the others are rounded once.
    indices : array_like of int, shape (B,)
        In 0 .. rows - 1.
    out : ndarray, shape (B, n), float32, optional
        Where the result goes. C-contiguous, sharing no memory with x.

    Returns
    -------
    ndarray, shape (B, n), float32

    Raises
    ------
    ValueError
        If x is not a matrix or an index is out of range.
    TypeError
        If x does not hold real numbers or the indices are not integers.
    """
    x = np.asarray(x)
    if x.dtype.kind not in "fiub":
        raise TypeError(f"x: expected an array of real numbers, got dtype {x.dtype}")
    if x.ndim != 2:
        raise ValueError(f"x: expected 2 dimensions, got shape {x.shape}")
    x = as_readable(x)
    indices = np.asarray(indices)
    if indices.dtype.kind not in "iu" and indices.size:
        raise TypeError(f"indices: expected integers, got dtype {indices.dtype}")
    if indices.ndim != 1:
        raise ValueError(f"indices: expected 1 dimension, got shape {indices.shape}")
    order = np.ascontiguousarray(indices, np.int64)
    cdef const int64_t[::1] place = order
    cdef ptrdiff_t i, rows_of_x = x.shape[0]
    cdef bint outside = False
    for i in range(place.shape[0]):
        outside |= place[i] < 0 or place[i] >= rows_of_x
    if outside:
        raise ValueError(f"indices: expected 0 .. {x.shape[0] - 1}, got {indices.min()} .. {indices.max()}")
    cdef ndarray y = result(out, (indices.size, x.shape[1]), (x,))
    cdef Rows rows = Rows(x.shape[1])
    rows.set(x, order)
    cdef Gather a = Gather(<float*>y.data, &rows.source, x.shape[1])
    cdef Op op = Op(gather_chunk, gather_chunks, &a)
    run_now(&op, 1, indices.size)
    return y
