from numpy cimport ndarray

cdef enum Kind:
    CROSS_ENTROPY, PROBABILITY_CROSS_ENTROPY, FOCAL, BINARY_CROSS_ENTROPY
    SQUARED_ERROR, ABSOLUTE_ERROR, HUBER, POISSON, QUANTILE

cdef tuple loss_now(Kind kind, ndarray x, str name, ndarray target, object weights, object parameters)
cdef int check_same_shape(ndarray target, str name, ndarray x, str like) except -1
