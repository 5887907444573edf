"""Sums over the rows of a batch, in partial sums of fixed blocks of rows: what parameters of one row learn from."""
from fastdl.kernels._program cimport Program
from fastdl.kernels._team cimport Op, Step, piece_size, pieces

cdef enum:
    BLOCK_ROWS = 32             # summed in one piece: part of the promise of equal bits

cdef struct Totals:
    float* sums                 # (groups, cols)
    const double* partial       # (blocks, of), the first of the groups at its beginning
    ptrdiff_t groups, cols, ld  # ld: doubles of a group
    ptrdiff_t of                # doubles of a block

cdef ptrdiff_t totals_chunks(void* args, const Step* step) noexcept nogil
cdef void totals_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil
cdef int record_totals(Program program, float* sums, object owner, double[:, :, ::1] partial, ptrdiff_t first,
                       ptrdiff_t groups, ptrdiff_t cols) except -1


cdef inline ptrdiff_t blocks(ptrdiff_t rows) noexcept nogil:
    """Blocks of so many rows."""
    return pieces(rows, BLOCK_ROWS)


cdef inline ptrdiff_t padded(ptrdiff_t cols) noexcept nogil:
    """Doubles of a row of partial sums: kernels write whole vectors."""
    return pieces(cols, 16) * 16


cdef inline ptrdiff_t block_step(const Step* step) noexcept nogil:
    """Blocks in a chunk."""
    return piece_size(blocks(step.rows), 1, 1, 1)


cdef inline ptrdiff_t block_chunks(const Step* step) noexcept nogil:
    """Chunks of an op over the blocks of a batch."""
    return pieces(blocks(step.rows), block_step(step))
