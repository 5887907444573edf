from libc.stdint cimport uint64_t

from fastdl.kernels._csrc cimport fastdl_table

cdef extern from "team.h" nogil:
    enum:
        FASTDL_RUNNING
        FASTDL_FINISHED
        FASTDL_DEADLINE
        FASTDL_PYTHON
        FASTDL_HALTED
        MAX_CHUNKS "FASTDL_MAX_CHUNKS"
        MAX_THREADS "FASTDL_MAX_THREADS"

    ctypedef struct Step "fastdl_step":
        ptrdiff_t rows, first
        uint64_t seed, number
        const double* scalars
        int halt

    ctypedef void (*run_fn "fastdl_run_fn")(void* args, Step* step, ptrdiff_t chunk) noexcept nogil
    ctypedef ptrdiff_t (*chunks_fn "fastdl_chunks_fn")(void* args, const Step* step) noexcept nogil

    ctypedef struct Op "fastdl_op":
        run_fn run
        chunks_fn chunks
        void* args

    ctypedef struct Run "fastdl_run":
        const Op* ops
        ptrdiff_t n_ops, op
        ptrdiff_t n_rows, batch, n_scalars
        ptrdiff_t steps_done, steps, pause
        uint64_t deadline
        int status
        Step step

    uint64_t now "fastdl_now"() noexcept

cdef const fastdl_table* K                # the kernels of the chosen instruction set

cdef void run_alone(Run* run) noexcept nogil
cdef void run_team(Run* run, int threads) noexcept nogil
cdef void run_now(Op* ops, ptrdiff_t n_ops, ptrdiff_t rows) noexcept


cdef inline ptrdiff_t pieces(ptrdiff_t total, ptrdiff_t size) noexcept nogil:
    """How many pieces of the given size cover the total."""
    return (total + size - 1) // size


cdef inline ptrdiff_t piece_size(ptrdiff_t total, ptrdiff_t unit_cost, ptrdiff_t target,
                                 ptrdiff_t multiple) noexcept nogil:
    """Units in a chunk that costs about `target`, a multiple of `multiple`, and never more than MAX_CHUNKS chunks."""
    cdef ptrdiff_t size = target // (unit_cost if unit_cost > 0 else 1) // multiple * multiple
    if size < multiple:
        size = multiple
    while pieces(total, size) > MAX_CHUNKS:
        size *= 2
    return size


cdef inline ptrdiff_t once(void* args, const Step* step) noexcept nogil:
    """The chunk count of an op that is not worth sharing."""
    return 1
