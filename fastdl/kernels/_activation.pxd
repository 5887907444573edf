cdef int kind_of(object kind) except -1
cdef float alpha_of(object kind, object alpha) except? -1.0
cdef bint saves_output(object kind) except -1
