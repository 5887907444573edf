"""Embeddings: rows of a table by category code, beside the columns that pass through."""
import numpy as np

from libc.stdint cimport int64_t
from numpy cimport ndarray

from fastdl.kernels._arrays cimport matrix, result, vector
from fastdl.kernels._program cimport Program
from fastdl.kernels._team cimport K, Op, Step, piece_size, pieces, run_now

cdef enum:
    CHUNK_ELEMENTS = 1 << 14

MOST_CODES = 1 << 24            # up to here every whole number is a float32

cdef struct Lookup:
    float* y                    # (B, dim)
    const float* codes          # (B,)
    const float* table          # (size, dim)
    ptrdiff_t dim, size, ldy, ldx

cdef struct Scatter:
    float* dtable               # (size, dim)
    const float* dy             # (B, dim)
    const float* codes          # (B,)
    ptrdiff_t dim, size, lddy, ldx

cdef struct Columns:
    float* some                 # (B, count)
    float* all                  # (B, cols)
    const int64_t* columns      # (count,)
    ptrdiff_t count, cols, ld_some, ld_all
    bint put                    # all from some, else some from all


cdef inline ptrdiff_t row_step(ptrdiff_t cols, const Step* step) noexcept nogil:
    return piece_size(step.rows, cols, CHUNK_ELEMENTS, 1)


cdef ptrdiff_t lookup_chunks(void* args, const Step* step) noexcept nogil:
    return pieces(step.rows, row_step((<Lookup*>args).dim, step))


cdef void lookup_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Lookup* a = <const Lookup*>args
    cdef ptrdiff_t size = row_step(a.dim, step), i = chunk * size
    K.embedding(a.y + i * a.ldy, a.codes + i * a.ldx, a.table, min(size, step.rows - i), a.dim, a.size, a.ldy, a.ldx)


cdef inline ptrdiff_t table_step(const Scatter* a) noexcept nogil:
    """Chunks are of the table's rows: each looks at all codes, adds up its own, and no two meet."""
    return piece_size(a.size, a.dim, CHUNK_ELEMENTS, 1)


cdef ptrdiff_t scatter_chunks(void* args, const Step* step) noexcept nogil:
    return pieces((<Scatter*>args).size, table_step(<const Scatter*>args))


cdef void scatter_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Scatter* a = <const Scatter*>args
    cdef ptrdiff_t size = table_step(a), first = chunk * size
    K.embedding_backward(a.dtable, a.dy, a.codes, first, min(first + size, a.size), step.rows, a.dim, a.size, a.lddy,
                         a.ldx)


cdef ptrdiff_t columns_chunks(void* args, const Step* step) noexcept nogil:
    return pieces(step.rows, row_step((<Columns*>args).cols, step))


cdef void columns_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Columns* a = <const Columns*>args
    cdef ptrdiff_t size = row_step(a.cols, step), i = chunk * size, rows = min(size, step.rows - i)
    if a.put:
        K.put_columns(a.all + i * a.ld_all, a.some + i * a.ld_some, a.columns, rows, a.count, a.cols, a.ld_all,
                      a.ld_some)
    else:
        K.take_columns(a.some + i * a.ld_some, a.all + i * a.ld_all, a.columns, rows, a.count, a.ld_some, a.ld_all)


def record_columns(Program program, float[:, :] y, float[:, :] x, const int64_t[::1] columns, bint put):
    """Record that the first columns of y are the given ones of x, or with put the reverse, and 0 in the others of x.

    y: (B, at least k)   x: (B, n)   columns: (k,).
    """
    cdef const int64_t* which = NULL
    if columns.shape[0]:
        which = &columns[0]
    cdef Columns a = Columns(&y[0, 0], &x[0, 0], which, columns.shape[0], x.shape[1], y.strides[0] // 4,
                             x.strides[0] // 4, put)
    program.add(columns_chunk, columns_chunks, &a, sizeof(a), (y, x, columns))


def record_embedding(Program program, float[:, :] y, Py_ssize_t start, float[:, :] x, Py_ssize_t column,
                     float[:, ::1] table):
    """Record y[:, start:start + dim] = the rows of the table that x[:, column] names.   y, x: (B, ...)."""
    cdef Lookup a = Lookup(&y[0, start], &x[0, column], &table[0, 0], table.shape[1], table.shape[0],
                           y.strides[0] // 4, x.strides[0] // 4)
    program.add(lookup_chunk, lookup_chunks, &a, sizeof(a), (y, x, table))


def record_embedding_backward(Program program, float[:, ::1] dtable, float[:, :] dy, Py_ssize_t start, float[:, :] x,
                              Py_ssize_t column):
    """Record dtable = the sums of dy[:, start:start + dim] over the rows of each code.   dy, x: (B, ...)."""
    cdef Scatter a = Scatter(&dtable[0, 0], &dy[0, start], &x[0, column], dtable.shape[1], dtable.shape[0],
                             dy.strides[0] // 4, x.strides[0] // 4)
    program.add(scatter_chunk, scatter_chunks, &a, sizeof(a), (dtable, dy, x))


def first_bad_code(values, size):
    """Index of the first element that is no whole number of 0 .. size - 1 and not NaN, or None."""
    with np.errstate(invalid="ignore"):
        bad = ~((values >= 0) & (values < size) & (values == np.floor(values))) & (values == values)
    return np.unravel_index(bad.argmax(), bad.shape) if bad.any() else None


cdef ndarray codes_of(object codes, ptrdiff_t rows, object size):
    cdef ndarray a
    with np.errstate(over="ignore"):
        a = vector(codes, "codes", rows)
    given = np.asarray(codes)
    at = first_bad_code(given, size)
    if at is not None:
        raise ValueError(f"codes: expected whole numbers in 0 .. {size - 1}, got {given[at]}")
    return a


def embedding_forward(codes, table, out=None):
    """Rows of a table by category code.

    Parameters
    ----------
    codes : array_like, shape (B,)
        Whole numbers in 0 .. size - 1.
    table : array_like, shape (size, d)
        A learned vector for each code; size at most 2^24.
    out : ndarray, shape (B, d), float32, optional
        Where the result goes. C-contiguous, sharing no memory with the inputs.

    Returns
    -------
    ndarray, shape (B, d), float32
        table[codes], exactly. A code that is NaN gives a row of NaN.

    Raises
    ------
    ValueError
        If a code is out of range or no whole number, or a shape does not fit.
    TypeError
        If an array does not hold real numbers.
    """
    cdef ndarray table_ = matrix(table, "table"), codes_, y
    cdef ptrdiff_t size = table_.shape[0], dim = table_.shape[1]
    if size > MOST_CODES:
        raise ValueError(f"table: expected at most 2^24 rows, got {size}")
    codes_ = codes_of(codes, -1, size)
    y = result(out, (codes_.shape[0], dim), (codes_, table_))
    cdef Lookup a = Lookup(<float*>y.data, <float*>codes_.data, <float*>table_.data, dim, size, dim, 1)
    cdef Op op = Op(lookup_chunk, lookup_chunks, &a)
    run_now(&op, 1, codes_.shape[0])
    return y


def embedding_backward(dy, codes, size, out=None):
    """Gradient of `embedding_forward` with respect to the table; with respect to the codes it is 0.

    Parameters
    ----------
    dy : array_like, shape (B, d)
        Gradient with respect to the output.
    codes : array_like, shape (B,)
        Whole numbers in 0 .. size - 1.
    size : int
        Rows of the table, in 1 .. 2^24.
    out : ndarray, shape (size, d), float32, optional
        Where the result goes. C-contiguous, sharing no memory with the inputs.

    Returns
    -------
    ndarray, shape (size, d), float32
        Row c is the sum of the rows of dy whose code is c, added in their order, so that the error is at most
        2^-24 k sum |dy| for k of them; 0 if there is none. Rows whose code is NaN are left out.

    Raises
    ------
    ValueError
        If a code is out of range or no whole number, or a shape does not fit.
    TypeError
        If an array does not hold real numbers or size is not an int.
    """
    if isinstance(size, bool) or not hasattr(size, "__index__"):
        raise TypeError(f"size: expected an int, got {type(size).__name__}")
    if not 1 <= size.__index__() <= MOST_CODES:
        raise ValueError(f"size: expected an int in 1 .. 2^24, got {size}")
    cdef ndarray dy_ = matrix(dy, "dy"), codes_ = codes_of(codes, dy_.shape[0], size), dtable
    cdef ptrdiff_t dim = dy_.shape[1]
    dtable = result(out, (size.__index__(), dim), (dy_, codes_))
    cdef Scatter a = Scatter(<float*>dtable.data, <float*>dy_.data, <float*>codes_.data, dim, size, dim, 1)
    cdef Op op = Op(scatter_chunk, scatter_chunks, &a)
    run_now(&op, 1, dy_.shape[0])
    return dtable
