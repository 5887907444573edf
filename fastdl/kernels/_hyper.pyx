"""Hyper-parameters of optimizers: checked, and once a step made into the numbers that the kernels want."""
from libc.math cimport isfinite, pow, sqrt
from libc.string cimport memset

from fastdl.kernels._arrays cimport number


cdef double decay_rate(object x, str name) except? -1.0:
    """How much of a running mean stays: in [0, 1)."""
    cdef double value = number(x, name)
    if not 0.0 <= value < 1.0:
        raise ValueError(f"{name}: expected a number in [0, 1), got {x}")
    return value


cdef double step_number(object step) except? -1.0:
    if type(step) is not int and (isinstance(step, bool) or not hasattr(step, "__index__")):
        raise TypeError(f"step: expected an int, got {type(step).__name__}")
    value = step.__index__()
    if not 1 <= value < 1 << 63:
        raise ValueError(f"step: expected an int >= 1, got {value}")
    return <double>value


cdef double finite(object x, str name, bint signed=False) except? -1.0:
    cdef double value = number(x, name)
    if not isfinite(value) or (value < 0.0 and not signed):
        raise ValueError(f"{name}: expected a finite number{'' if signed else ' >= 0'}, got {x}")
    return value


cdef Scalars scalars(Kind kind, object weight_decay, object eps=0.0) except *:
    """What every optimizer has; the caller sets what its own has beside that."""
    cdef Scalars s
    memset(&s, 0, sizeof(s))
    s.kind = kind
    s.weight_decay = finite(weight_decay, "weight_decay")
    s.eps = finite(eps, "eps")
    return s


cdef double momentum_rate(const Scalars* s, double t) noexcept nogil:
    """NAdam's rate of step t."""
    return s.beta1 * (1.0 - 0.5 * pow(0.96, t * s.momentum_decay))


cdef double rates_until(const Scalars* s, double t, double product, double done) noexcept nogil:
    """Product of NAdam's rates of steps 1 .. t, of which the first `done` are in `product`.

    In the order of the steps, so that it depends on t alone, whether training was resumed or not. What is far below
    the last place of 1 - product is as good as zero, and there is no need to go on.
    """
    while done < t and product > 1e-30:
        done += 1.0
        product *= momentum_rate(s, done)
    return product


cdef void fill(fastdl_update* u, const Scalars* s, double lr, double t, double scale, double decay,
               double product) noexcept nogil:
    """The numbers of step t for parameters with this rate and decay."""
    cdef double first = 1.0 - pow(s.beta1, t), second = 1.0 - pow(s.beta2, t), longest, length, next_rate
    u.lr = <float>lr
    u.grad_scale = <float>scale
    u.coupled_decay = 0.0 if s.decoupled else <float>decay
    u.shrink = <float>(1.0 - lr * decay) if s.decoupled else 1.0
    u.momentum = <float>s.momentum
    u.nesterov = s.nesterov
    u.rate_outside = s.rate_outside
    u.beta1 = <float>s.beta1
    u.beta2 = <float>s.beta2
    u.rest1 = <float>(1.0 - s.beta1)
    u.rest2 = <float>(1.0 - s.beta2)
    u.eps = <float>s.eps
    u.step_size = <float>(lr / first)
    u.root_scale = <float>(1.0 / sqrt(second))
    u.gradient_size = 0.0
    u.rectified = 1
    if s.kind == ADAM and s.eps_hat:
        u.step_size = <float>(lr / first * sqrt(second))
        u.root_scale = 1.0
    if s.kind == NADAM:
        next_rate = momentum_rate(s, t + 1.0)
        u.step_size = <float>(lr * next_rate / (1.0 - product * next_rate))
        u.gradient_size = <float>(lr * (1.0 - momentum_rate(s, t)) / (1.0 - product))
    elif s.kind == RADAM:
        longest = 2.0 / (1.0 - s.beta2) - 1.0
        length = longest - 2.0 * t * pow(s.beta2, t) / second
        u.rectified = length > 5.0
        if u.rectified:
            u.step_size = <float>(lr / first * sqrt(second) * sqrt(
                (length - 4.0) * (length - 2.0) * longest / ((longest - 4.0) * (longest - 2.0) * length)))
            u.root_scale = 1.0


cdef double inverse(double norm) noexcept nogil:
    """The factor that makes the norm one, or 0 if it is 0."""
    return 1.0 / norm if norm != 0.0 else 0.0
