cimport cython

from fastdl.kernels._team cimport Op, Run, chunks_fn, run_fn


@cython.final
cdef class Program:
    cdef Op* ops
    cdef ptrdiff_t n_ops, capacity
    cdef Run run
    cdef bint running
    cdef list calls                       # Python callables of the ops that are Python's, by index of op
    cdef list keep                        # arrays that the ops point into
    cdef object scalars, __weakref__

    cdef void* add(self, run_fn run, chunks_fn chunks, const void* args, size_t size, tuple keep) except NULL
    cdef void set_up(self, ptrdiff_t n_rows, ptrdiff_t batch, ptrdiff_t steps) noexcept
    cdef bint python_ops(self) noexcept
