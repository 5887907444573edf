"""Activations by name: which number C knows them by, their parameter, and what their derivative needs."""
from fastdl.errors import unknown_name

from libc.float cimport FLT_MAX

from fastdl.kernels._arrays cimport number
from fastdl.kernels._csrc cimport (
    FASTDL_ELU,
    FASTDL_GELU,
    FASTDL_LEAKY_RELU,
    FASTDL_LINEAR,
    FASTDL_MISH,
    FASTDL_RELU,
    FASTDL_SELU,
    FASTDL_SIGMOID,
    FASTDL_SILU,
    FASTDL_SOFTPLUS,
    FASTDL_TANH,
)

KINDS = {
    "identity": FASTDL_LINEAR, "relu": FASTDL_RELU, "leaky_relu": FASTDL_LEAKY_RELU, "elu": FASTDL_ELU,
    "selu": FASTDL_SELU, "gelu": FASTDL_GELU, "silu": FASTDL_SILU, "mish": FASTDL_MISH, "tanh": FASTDL_TANH,
    "sigmoid": FASTDL_SIGMOID, "softplus": FASTDL_SOFTPLUS,
}
ALPHA = {"leaky_relu": 0.01, "elu": 1.0}    # the kinds that have one, and what it is unless told
FROM_INPUT = {"gelu", "silu", "mish"}       # all others have derivatives from their outputs


cdef int kind_of(object kind) except -1:
    if not isinstance(kind, str) or kind not in KINDS:
        raise unknown_name("kind", kind, KINDS)
    return KINDS[kind]


cdef float alpha_of(object kind, object alpha) except? -1.0:
    if kind not in ALPHA:
        if alpha is not None:
            raise ValueError(f"alpha: expected None, which is all that {kind!r} knows, got {alpha!r}")
        return 0.0
    cdef double value = number(ALPHA[kind] if alpha is None else alpha, "alpha")
    if not 0.0 <= value <= FLT_MAX:
        raise ValueError(f"alpha: expected a finite number >= 0, got {alpha!r}")
    return <float>value


cdef bint saves_output(object kind) except -1:
    """Whether the derivative comes from the output."""
    kind_of(kind)
    return kind not in FROM_INPUT
