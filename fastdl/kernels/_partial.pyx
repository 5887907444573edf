"""Sums over the rows of a batch, in partial sums of fixed blocks of rows: what parameters of one row learn from."""
from fastdl.kernels._program cimport Program
from fastdl.kernels._team cimport K, Step, piece_size, pieces


cdef inline ptrdiff_t group_step(const Totals* a) noexcept nogil:
    return piece_size(a.groups, a.cols, 1 << 11, 1)


cdef ptrdiff_t totals_chunks(void* args, const Step* step) noexcept nogil:
    cdef const Totals* a = <const Totals*>args
    return pieces(a.groups, group_step(a))


cdef void totals_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Totals* a = <const Totals*>args
    cdef ptrdiff_t size = group_step(a), g
    for g in range(chunk * size, min((chunk + 1) * size, a.groups)):
        K.add_partial(a.sums + g * a.cols, a.partial + g * a.ld, blocks(step.rows), a.cols, a.of)


cdef int record_totals(Program program, float* sums, object owner, double[:, :, ::1] partial, ptrdiff_t first,
                       ptrdiff_t groups, ptrdiff_t cols) except -1:
    """Record sums = the totals of some groups of partial sums.

    sums: (groups, cols), memory of owner   partial: (blocks, all groups, padded).
    """
    cdef Totals a = Totals(sums, &partial[0, first, 0], groups, cols, partial.shape[2],
                           partial.shape[1] * partial.shape[2])
    program.add(totals_chunk, totals_chunks, &a, sizeof(a), (owner, partial))
    return 0


def partial_shape(Py_ssize_t rows, Py_ssize_t groups, Py_ssize_t cols) -> tuple[int, int, int]:
    """Shape of the partial sums of so many rows."""
    return blocks(rows), groups, padded(cols)
