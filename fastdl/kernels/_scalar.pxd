from fastdl.kernels._team cimport Step

cdef struct Scalar:             # a number of a step
    double value
    ptrdiff_t column            # which of the step's scalars it is, or -1: value

cdef Scalar scalar(object x, str name) except *


cdef inline double at(const Scalar* s, const Step* step) noexcept nogil:
    return s.value if s.column < 0 else step.scalars[s.column]
