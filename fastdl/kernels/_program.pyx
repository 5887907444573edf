"""A recorded step: a flat list of ops, bound to memory, that a team runs many times over without Python."""
import numpy as np

cimport cython
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memset

from fastdl.kernels._team cimport (
    FASTDL_DEADLINE, FASTDL_FINISHED, FASTDL_HALTED, FASTDL_PYTHON, Op, Run, chunks_fn, now, run_fn, run_team,
)

_STATUS = {FASTDL_FINISHED: "finished", FASTDL_DEADLINE: "deadline", FASTDL_HALTED: "halted"}


@cython.final
cdef class Program:
    """Ops are added by the record functions of the kernel modules, in the order in which they run."""

    def __cinit__(self):
        self.calls = []
        self.keep = []
        memset(&self.run, 0, sizeof(Run))

    def __dealloc__(self):
        cdef ptrdiff_t i
        for i in range(self.n_ops):
            free(self.ops[i].args)
        free(self.ops)

    cdef void* add(self, run_fn run, chunks_fn chunks, const void* args, size_t size, tuple keep) except NULL:
        """Append an op with a copy of its arguments, which is returned; what is in keep lives as long as we do."""
        cdef Op* ops
        cdef void* copy
        if self.n_ops == self.capacity:
            ops = <Op*>realloc(self.ops, <size_t>(2 * self.capacity + 32) * sizeof(Op))
            if ops == NULL:
                raise MemoryError("a program's list of ops")
            self.ops = ops
            self.capacity = 2 * self.capacity + 32
        copy = malloc(size if size else 1)
        if copy == NULL:
            raise MemoryError("the arguments of an op")
        if size:
            memcpy(copy, args, size)
        self.ops[self.n_ops] = Op(run, chunks, copy)
        self.n_ops += 1
        self.calls.append(None)
        self.keep.append(keep)
        return copy

    cdef void set_up(self, ptrdiff_t n_rows, ptrdiff_t batch, ptrdiff_t steps) noexcept:
        """Stand before the first of so many steps, with no scalars and seed and number 0."""
        memset(&self.run, 0, sizeof(Run))
        self.run.ops = self.ops
        self.run.n_ops = self.n_ops
        self.run.n_rows = n_rows
        self.run.batch = batch
        self.run.steps = steps
        self.run.step.rows = min(batch, n_rows)

    cdef bint python_ops(self) noexcept:
        """Whether some op is Python's."""
        cdef ptrdiff_t i
        for i in range(self.n_ops):
            if self.ops[i].run == NULL:
                return True
        return False

    def call(self, function) -> None:
        """Append an op that is Python's: the run pauses and `function(rows)` is called with the GIL."""
        self.add(NULL, NULL, NULL, 0, ())
        self.calls[self.n_ops - 1] = function

    def _refuse_if_running(self) -> None:
        if self.running:
            raise RuntimeError(
                "this network is already running in another thread; two fits of one network are an error")

    def begin(self, Py_ssize_t n_rows, Py_ssize_t batch, Py_ssize_t steps, seed, step, scalars) -> None:
        """Set up `steps` steps over rows 0 .. n_rows in batches.

        seed and step (the number of the first step) are what random streams depend on; scalars has a row of
        hyper-parameters for each step, shape (steps, k), float64.
        """
        self._refuse_if_running()
        if n_rows < 1 or batch < 1 or not 0 <= (steps - 1) * batch < n_rows:
            raise ValueError(f"steps: {steps} steps of {batch} rows do not fit {n_rows} rows")
        cdef const double[:, ::1] table = np.ascontiguousarray(scalars, np.float64)
        if table.shape[0] < steps:
            raise ValueError(f"scalars: expected a row for each of {steps} steps, got {table.shape[0]}")
        self.scalars = table
        self.set_up(n_rows, batch, steps)
        self.run.n_scalars = table.shape[1]
        self.run.step.seed = seed & 0xFFFFFFFFFFFFFFFF
        self.run.step.number = step
        self.run.step.scalars = &table[0, 0] if table.shape[1] else NULL

    def advance(self, int threads, double seconds=0.0, Py_ssize_t steps=0) -> str:
        """Run on, at most about the given time and at most so many steps (0: to the end).

        Returns "finished", "deadline" or "halted".
        """
        cdef int status
        self._refuse_if_running()
        if self.run.steps_done >= self.run.steps:
            return "finished"
        self.running = True
        self.run.pause = self.run.steps_done + steps if steps > 0 else 0
        self.run.deadline = now() + <unsigned long long>(seconds * 1e9) if seconds > 0 else 0
        try:
            while True:
                with nogil:
                    run_team(&self.run, threads)
                status = self.run.status
                if status != FASTDL_PYTHON:
                    return _STATUS[status]
                self.calls[self.run.op](self.run.step.rows)
                self.run.op += 1
        finally:
            self.running = False

    def time_ops(self, Py_ssize_t repeats):
        """Seconds that each op takes on one thread: the least over so many runs of the step that begin has set up.

        The ops run in order, so that each finds the caches as the one before left them. Whatever they change is
        changed `repeats` times; the caller restores it.
        """
        cdef Run one
        cdef ptrdiff_t i, _repeat
        cdef unsigned long long start
        self._refuse_if_running()
        best = np.full(self.n_ops, np.inf)
        cdef double[::1] seconds = best
        self.running = True
        try:
            for _repeat in range(repeats):
                for i in range(self.n_ops):
                    start = now()
                    if self.ops[i].run == NULL:
                        self.calls[i](self.run.step.rows)
                    else:
                        one = self.run
                        one.ops = &self.ops[i]
                        one.n_ops = one.steps = 1
                        one.deadline = 0
                        run_team(&one, 1)
                    seconds[i] = min(seconds[i], 1e-9 * <double>(now() - start))
        finally:
            self.running = False
        return best

    def __len__(self) -> int:
        return self.n_ops

    @property
    def steps_done(self) -> int:
        """Whole steps finished since begin."""
        return self.run.steps_done

    @property
    def rows(self) -> int:
        """Rows of the batch at which the run stands."""
        return self.run.step.rows
