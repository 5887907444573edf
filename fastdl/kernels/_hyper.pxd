from fastdl.kernels._csrc cimport fastdl_update

cdef enum Kind:
    SGD, NORMALIZED_SGD, MOMENTUM, LION, ADAGRAD, ADADELTA, RMSPROP, ADAM, AMSGRAD, NADAM, RADAM, ADAMAX

cdef struct Scalars:            # hyper-parameters as the user gave them
    Kind kind
    double momentum, beta1, beta2, eps, weight_decay, momentum_decay
    bint nesterov, rate_outside, decoupled
    bint eps_hat                # Adam: eps is added to the root of v, not of vhat

cdef double finite(object x, str name, bint signed=*) except? -1.0
cdef double decay_rate(object x, str name) except? -1.0
cdef double step_number(object step) except? -1.0
cdef Scalars scalars(Kind kind, object weight_decay, object eps=*) except *
cdef double rates_until(const Scalars* s, double t, double product, double done) noexcept nogil
cdef double inverse(double norm) noexcept nogil
cdef void fill(fastdl_update* u, const Scalars* s, double lr, double t, double scale, double decay,
               double product) noexcept nogil
