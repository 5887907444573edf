"""How far an average moves in a step."""
from fastdl.kernels._team cimport Step


cdef inline float rest_of(double decay, bint warmup, const Step* step) noexcept nogil:
    """1 - d, where d = decay or, with warmup, min(decay, (1 + t) / (10 + t)), and t is the step's number from 1."""
    cdef double t = <double>(step.number + 1)
    if warmup:
        decay = min(decay, (1.0 + t) / (10.0 + t))
    return <float>(1.0 - decay)
