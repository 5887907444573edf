"""Flat arrays of many tensors in blocks, none across two tensors, and steps counted in which a block had an event."""
import numpy as np

from fastdl.kernels._program cimport Program
from fastdl.kernels._team cimport Step, once

cdef enum:
    BLOCK = 1 << 14             # elements summed in one piece; part of the promise of equal bits

cdef struct Count:
    double* totals              # (2,): the second counts steps
    const int* happened         # (n,)
    ptrdiff_t n


def cut(segments):
    """Blocks (start, length, number of its segment) of segments (start, length): (n, 3) int64."""
    blocks = [
        (at, min(<Py_ssize_t>BLOCK, start + length - at), number)
        for number, (start, length) in enumerate(segments)
        for at in range(start, start + length, BLOCK)
    ]
    return np.array(blocks, np.int64).reshape(-1, 3)


cdef void count_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Count* a = <const Count*>args
    cdef ptrdiff_t b
    for b in range(a.n):
        if a.happened[b]:
            a.totals[1] += 1.0
            return


cdef int record_count(Program program, double[::1] totals, int[::1] happened) except -1:
    """Record totals[1] += 1 in a step in which it happened in any block."""
    cdef Count a = Count(&totals[0], &happened[0], happened.shape[0])
    program.add(count_chunk, once, &a, sizeof(a), (totals, happened))
    return 0
