cimport cython
from libc.stdint cimport int64_t


cdef struct Source:             # an array of the caller's; may change between runs
    char* x                     # (rows of the data, n) of the given type
    const int64_t* order        # which row comes when, or NULL: as they lie
    const double* offset        # (n,) or NULL
    const double* factor        # (n,) or NULL
    ptrdiff_t cols, row_bytes
    int type


@cython.final
cdef class Rows:
    cdef Source source
    cdef readonly Py_ssize_t cols
    cdef object keep
