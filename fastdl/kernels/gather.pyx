"""Rows of the caller's arrays into batches and back."""
import numpy as np

cimport cython
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memcpy
from numpy cimport ndarray

from fastdl.kernels._arrays cimport result
from fastdl.kernels._csrc cimport (
    FASTDL_BOOL, FASTDL_FLOAT16, FASTDL_FLOAT32, FASTDL_FLOAT64, FASTDL_INT8, FASTDL_INT16, FASTDL_INT32, FASTDL_INT64,
    FASTDL_UINT8, FASTDL_UINT16, FASTDL_UINT32, FASTDL_UINT64,
)
from fastdl.kernels._program cimport Program
from fastdl.kernels._team cimport K, Op, Step, piece_size, pieces, run_now

cdef enum:
    CHUNK_ELEMENTS = 1 << 15

cdef struct Source:             # an array of the caller's; may change between runs
    char* x                     # (rows of the data, n) of the given type
    const int64_t* order        # which row comes when, or NULL: as they lie
    const double* offset        # (n,) or NULL
    const double* factor        # (n,) or NULL
    ptrdiff_t cols, row_bytes
    int type

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

KINDS = {                       # by kind and size
    ("f", 2): FASTDL_FLOAT16, ("f", 4): FASTDL_FLOAT32, ("f", 8): FASTDL_FLOAT64, ("i", 1): FASTDL_INT8,
    ("i", 2): FASTDL_INT16, ("i", 4): FASTDL_INT32, ("i", 8): FASTDL_INT64, ("u", 1): FASTDL_UINT8,
    ("u", 2): FASTDL_UINT16, ("u", 4): FASTDL_UINT32, ("u", 8): FASTDL_UINT64, ("b", 1): FASTDL_BOOL,
}


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


cdef int type_of(object dtype) except -2:
    """What the C gather calls this element type, -1 if it does not know it."""
    return KINDS.get((dtype.kind, dtype.itemsize), -1)


def readable(x) -> bool:
    """Whether the gather can read this array where it lies."""
    return (isinstance(x, np.ndarray) and x.ndim == 2 and x.dtype.isnative and type_of(x.dtype) >= 0
            and (x.shape[1] <= 1 or x.shape[0] == 0 or x.strides[1] == x.itemsize) and x.flags.aligned)


def as_readable(x):
    """A matrix of real numbers as one that is readable: itself, or a copy, of its own type if the gather knows that."""
    if readable(x):
        return x
    own = x.dtype.newbyteorder("=")
    if type_of(own) < 0:
        own = np.float64
    return np.require(x, own, ("C", "A"))


@cython.final
cdef class Rows:
    """An array of the caller's that a recorded step reads or writes by rows; another one may be set between runs."""

    cdef Source source
    cdef readonly Py_ssize_t cols
    cdef object keep

    def __init__(self, Py_ssize_t cols):
        self.cols = cols

    def set(self, x, order=None, offset=None, factor=None) -> None:
        """Read these rows from now on, in the given order, as (x - offset) * factor in float64.

        x: (rows, cols), `readable`   order: (rows,) int64 or None   offset, factor: (cols,) float64 or None.
        """
        cdef const int64_t[::1] o
        cdef const double[::1] shift, scale
        if not readable(x) or x.shape[1] != self.cols:
            raise ValueError(f"x: expected a matrix of {self.cols} columns that can be read in place, got "
                             f"{getattr(x, 'dtype', type(x).__name__)} {getattr(x, 'shape', '')}")
        cdef ndarray data = x
        self.source = Source(<char*>data.data, NULL, NULL, NULL, self.cols, data.strides[0], type_of(x.dtype))
        if order is not None:
            o = order
            if o.shape[0]:
                self.source.order = &o[0]
        if offset is not None:
            shift, scale = offset, factor
            self.source.offset, self.source.factor = &shift[0], &scale[0]
        self.keep = (x, order, offset, factor)

    def clear(self) -> None:
        """Let go of the array."""
        self.keep = None


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
    if indices.size and (indices.min() < 0 or indices.max() >= x.shape[0]):
        raise ValueError(f"indices: expected 0 .. {x.shape[0] - 1}, got {indices.min()} .. {indices.max()}")
    order = np.ascontiguousarray(indices, np.int64)
    cdef ndarray y = result(out, (indices.size, x.shape[1]), (x,))
    cdef Rows rows = Rows(x.shape[1])
    rows.set(x, order)
    cdef Gather a = Gather(<float*>y.data, &rows.source, x.shape[1])
    cdef Op op = Op(gather_chunk, gather_chunks, &a)
    run_now(&op, 1, indices.size)
    return y
