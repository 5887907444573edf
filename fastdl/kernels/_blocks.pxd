from fastdl.kernels._program cimport Program
from fastdl.kernels._team cimport pieces, piece_size

cdef int record_count(Program program, double[::1] totals, int[::1] happened) except -1


cdef inline ptrdiff_t blocks_per_chunk(ptrdiff_t blocks) noexcept nogil:
    """One, unless that would make too many chunks."""
    return piece_size(blocks, 1, 1, 1)


cdef inline ptrdiff_t block_chunks(ptrdiff_t blocks) noexcept nogil:
    """Chunks of an op over so many blocks."""
    return pieces(blocks, blocks_per_chunk(blocks))
