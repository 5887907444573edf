cimport cython

from fastdl.kernels._program cimport Program
from fastdl.kernels._rows cimport Rows, Source


@cython.final
cdef class FewRows:
    cdef Program program
    cdef Rows source, target
    cdef Source scaled                    # all of a source but the array
    cdef Py_ssize_t most
    cdef object keep
