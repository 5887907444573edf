"""The one place where threads exist: runs recorded steps on a team, and knows which instruction set they use."""
import os

from cython.parallel cimport parallel, threadid
from libc.stdlib cimport free
from libc.string cimport memset
cimport openmp

from fastdl.kernels._csrc cimport fastdl_available, fastdl_select

cdef extern from "stdlib.h" nogil:
    int posix_memalign(void** memory, size_t alignment, size_t size)

cdef extern from "team.h" nogil:
    ctypedef struct Board "fastdl_board":
        pass
    void open_board "fastdl_open"(Board* board, Run* run, int threads) noexcept
    void work "fastdl_work"(Board* board, int me) noexcept
    void work_alone "fastdl_work_alone"(Run* run) noexcept

cdef bytes _wanted = os.environ.get("FASTDL_ISA", "").encode()
K = fastdl_select(<const char*>_wanted if _wanted else NULL)
if K == NULL:
    raise ImportError(f"FASTDL_ISA={_wanted.decode()!r} does not run on this machine")

cdef int _threads = 0                     # what set_num_threads asked for; 0: all that the process may use
cdef bint _forked = False                 # libgomp hangs in a child whose parent ran a region, so children run alone


def _after_fork() -> None:
    global _forked, _threads
    _forked, _threads = True, 0


os.register_at_fork(after_in_child=_after_fork)


def isa() -> str:
    """Name of the instruction set in use."""
    return K.isa.decode()


def available_isas() -> list[str]:
    """Names of the instruction sets that this machine can run, best first."""
    cdef int i = 0
    names = []
    while fastdl_available(i) != NULL:
        names.append(fastdl_available(i).isa.decode())
        i += 1
    return names


def use_isa(name: str) -> None:
    """Switch every kernel to another instruction set. For tests: nothing may be running meanwhile."""
    global K
    if name not in available_isas():
        raise ValueError(f"isa: expected one of {', '.join(available_isas())}, got {name!r}")
    K = fastdl_select(name.encode())


def check_threads(threads: int | None) -> int:
    """Upper bound of the team for a request: an int >= 1, or None for all that the process may use."""
    if threads is None:
        return get_num_threads()
    if isinstance(threads, bool) or not hasattr(threads, "__index__"):
        raise TypeError(f"threads: expected an int or None, got {type(threads).__name__}")
    threads = threads.__index__()
    if threads < 1:
        raise ValueError(f"threads: expected at least 1 or None, got {threads}")
    if _forked and threads > 1:
        raise RuntimeError(
            f"threads: a forked process runs on one thread, got {threads}. OpenMP cannot start a team after "
            "fork; start worker processes with multiprocessing.get_context('spawn') instead (the bits are the same)")
    return min(threads, <int>MAX_THREADS)


def set_num_threads(threads: int | None) -> None:
    """Set the most threads that a call may use.

    Parameters
    ----------
    threads : int or None
        At least 1. None goes back to all that the process may use (CPU affinity, OMP_NUM_THREADS, threadpoolctl).

    Raises
    ------
    ValueError, TypeError
        If it is not a positive int.
    RuntimeError
        In a forked child, for more than one.
    """
    global _threads
    _threads = 0 if threads is None else check_threads(threads)


def get_num_threads() -> int:
    """Get the most threads that a call may use."""
    if _forked:
        return 1
    return _threads or min(openmp.omp_get_max_threads(), <int>MAX_THREADS)


cdef void run_alone(Run* run) noexcept nogil:
    """Work through a run on the calling thread. Its status says why it came back."""
    run.status = FASTDL_RUNNING
    work_alone(run)


cdef void run_team(Run* run, int threads) noexcept nogil:
    """Work through a run. Its status says why it came back."""
    cdef Board* board
    if threads <= 1 or _forked or posix_memalign(<void**>&board, 64, sizeof(Board)) != 0:
        run_alone(run)
        return
    run.status = FASTDL_RUNNING
    open_board(board, run, threads)
    with parallel(num_threads=threads):
        work(board, threadid())
    free(board)


cdef void run_now(Op* ops, ptrdiff_t n_ops, ptrdiff_t rows) noexcept:
    """Run ops once, for an eager call: the same ops, driven directly."""
    cdef Run run
    cdef ptrdiff_t i, chunks, most = 0
    cdef int threads = get_num_threads()
    memset(&run, 0, sizeof(run))
    run.ops = ops
    run.n_ops = n_ops
    run.n_rows = run.batch = run.step.rows = rows
    run.steps = 1
    for i in range(n_ops):
        chunks = ops[i].chunks(ops[i].args, &run.step)
        most = max(most, chunks)
    with nogil:
        run_team(&run, <int>min(<ptrdiff_t>threads, most))
