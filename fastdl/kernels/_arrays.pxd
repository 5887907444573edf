from libc.stdint cimport uint64_t
from numpy cimport ndarray

cdef ndarray elements(object x, str name)
cdef ndarray matrix(object x, str name)
cdef ndarray vector(object x, str name, ptrdiff_t n)
cdef ndarray result(object out, tuple shape, tuple inputs)
cdef ndarray in_place(object x, str name, object shape)
cdef bint is_plain(object x, ndarray like)
cdef bint overlap(object a, object b) except -1
cdef ndarray beside(object x, str name, ndarray written, str other)
cdef double number(object x, str name) except? -1.0
cdef double rate_of(object rate) except? -1.0
cdef uint64_t word(object x, str name, int bits) except? 0


cdef inline float* flat(float[::1] x) noexcept:
    """Where a vector begins, NULL for None."""
    if x is None:
        return NULL
    return &x[0]


cdef inline float* rowwise(float[:, :] x) noexcept:
    """Where a matrix begins, NULL for None."""
    if x is None:
        return NULL
    return &x[0, 0]
