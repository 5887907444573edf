"""Element-wise activations and their derivatives."""
from numpy cimport ndarray

from fastdl.kernels._activation cimport alpha_of, kind_of, saves_output
from fastdl.kernels._arrays cimport matrix, result
from fastdl.kernels._program cimport Program
from fastdl.kernels._team cimport K, Op, Step, piece_size, pieces, run_now

cdef enum:
    CHUNK_ELEMENTS = 1 << 15

cdef struct Forward:
    float* y
    const float* x
    ptrdiff_t cols, ldy, ldx
    int kind
    float alpha

cdef struct Backward:
    float* dx
    const float* dy
    const float* saved
    ptrdiff_t cols, lddx, lddy, lds
    int kind
    float alpha

cdef inline ptrdiff_t row_step(ptrdiff_t cols, const Step* step) noexcept nogil:
    return piece_size(step.rows, cols, CHUNK_ELEMENTS, 1)


cdef ptrdiff_t forward_chunks(void* args, const Step* step) noexcept nogil:
    return pieces(step.rows, row_step((<Forward*>args).cols, step))


cdef void forward_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Forward* a = <const Forward*>args
    cdef ptrdiff_t size = row_step(a.cols, step), i = chunk * size
    K.activate(a.y + i * a.ldy, a.x + i * a.ldx, min(size, step.rows - i), a.cols, a.ldy, a.ldx, a.kind,
               a.alpha)


cdef ptrdiff_t backward_chunks(void* args, const Step* step) noexcept nogil:
    return pieces(step.rows, row_step((<Backward*>args).cols, step))


cdef void backward_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Backward* a = <const Backward*>args
    cdef ptrdiff_t size = row_step(a.cols, step), i = chunk * size
    K.activate_backward(a.dx + i * a.lddx, a.dy + i * a.lddy, a.saved + i * a.lds, min(size, step.rows - i), a.cols,
                        a.lddx, a.lddy, a.lds, a.kind, a.alpha)


def activation_saves(kind) -> str:
    """Which of its arrays an activation needs for its gradient.

    Parameters
    ----------
    kind : str
        See `activation_forward`.

    Returns
    -------
    {"x", "y"}
        "y": the derivative comes from the output, so that the input is free. "x": from the input.
    """
    return "y" if saves_output(kind) else "x"


def record_forward(Program program, float[:, :] y, float[:, :] x, kind, alpha=None):
    """Record y = activation(x).   y, x: (B, n)."""
    cdef Forward a = Forward(&y[0, 0], &x[0, 0], y.shape[1], y.strides[0] // 4, x.strides[0] // 4, kind_of(kind),
                             alpha_of(kind, alpha))
    program.add(forward_chunk, forward_chunks, &a, sizeof(a), (y, x))


def record_backward(Program program, float[:, :] dx, float[:, :] dy, float[:, :] saved, kind, alpha=None):
    """Record dx = dy * activation'(x), from what `activation_saves` says.   dx, dy, saved: (B, n)."""
    cdef Backward a = Backward(&dx[0, 0], &dy[0, 0], &saved[0, 0], dx.shape[1], dx.strides[0] // 4,
                               dy.strides[0] // 4, saved.strides[0] // 4, kind_of(kind), alpha_of(kind, alpha))
    program.add(backward_chunk, backward_chunks, &a, sizeof(a), (dx, dy, saved))


def activation_forward(x, kind, alpha=None, out=None):
    """Activation of each element.

    Parameters
    ----------
    x : array_like, shape (B, n)
    kind : str
        One of the table below.
    alpha : float, optional
        At least 0, of "leaky_relu" (0.01 unless told) and "elu" (1.0) only.
    out : ndarray, shape (B, n), float32, optional
        Where the result goes. C-contiguous, sharing no memory with x.

    Returns
    -------
    ndarray, shape (B, n), float32
        NaN where x is NaN.

    Raises
    ------
    ValueError
        If the kind is unknown, alpha is out of its domain or not for this kind, or a shape does not fit.
    TypeError
        If an array does not hold real numbers.

    Notes
    -----
    With p(x) the standard normal distribution and s(x) = 1 / (1 + e^-x):

    ============  ===============================================  ======  =====
    kind          formula                                          error   saved
    ============  ===============================================  ======  =====
    "identity"    x                                                0       y
    "relu"        max(x, 0)                                        0       y
    "leaky_relu"  x, or alpha x where x < 0                        1 ULP   y
    "elu"         x, or alpha (e^x - 1) where x < 0                2 ULP   y
    "selu"        1.0507 elu(x, alpha=1.6733)                      2 ULP   y
    "gelu"        x p(x), exactly and not by tanh                  7 ULP   x
    "silu"        x s(x)                                           3 ULP   x
    "mish"        x tanh(ln(1 + e^x))                              4 ULP   x
    "tanh"        tanh x                                           2 ULP   y
    "sigmoid"     s(x)                                             2 ULP   y
    "softplus"    ln(1 + e^x)                                      2 ULP   y
    ============  ===============================================  ======  =====

    The errors are the largest over all float32, measured, and hold with FMA; on the instruction set without it (SSE2),
    "gelu" far below 0 is off by up to 64 ULP. "silu" and "mish" are 0 below x = -87.34, where they would be above
    -1.1e-36. Subnormal numbers count as zero. Leaky ReLU is from [1]_, ELU from [2]_, SELU from [3]_, GELU from [4]_,
    SiLU from [5]_ and Mish from [6]_.

    References
    ----------
    .. [1] Maas, Hannun, Ng: Rectifier nonlinearities improve neural network acoustic models (2013).
    .. [2] Clevert, Unterthiner, Hochreiter: Fast and accurate deep network learning by exponential linear units (2016).
    .. [3] Klambauer, Unterthiner, Mayr, Hochreiter: Self-normalizing neural networks (2017).
    .. [4] Hendrycks, Gimpel: Gaussian error linear units (2016).
    .. [5] Elfwing, Uchibe, Doya: Sigmoid-weighted linear units (2018).
    .. [6] Misra: Mish: a self regularized non-monotonic activation function (2019).
    """
    cdef int k = kind_of(kind)
    cdef float value = alpha_of(kind, alpha)
    cdef ndarray x_ = matrix(x, "x"), y = result(out, (x_.shape[0], x_.shape[1]), (x_,))
    cdef ptrdiff_t n = x_.shape[1]
    cdef Forward a = Forward(<float*>y.data, <float*>x_.data, n, n, n, k, value)
    cdef Op op = Op(forward_chunk, forward_chunks, &a)
    run_now(&op, 1, x_.shape[0])
    return y


def activation_backward(dy, saved, kind, alpha=None, out=None):
    """Gradient through an activation.

    Parameters
    ----------
    dy : array_like, shape (B, n)
        Gradient with respect to the output.
    saved : array_like, shape (B, n)
        The output y of `activation_forward`, but its input x for "gelu", "silu" and "mish": see `activation_saves`.
    kind : str
        As for `activation_forward`.
    alpha : float, optional
        As for `activation_forward`.
    out : ndarray, shape (B, n), float32, optional
        Where the result goes. C-contiguous, sharing no memory with dy or saved.

    Returns
    -------
    ndarray, shape (B, n), float32
        dy times the derivative, which is off by at most 5 * 2^-24 (of "selu": 8). Where x is 0 the rectified kinds take
        the derivative from below; where it is NaN, dy or NaN comes through.

    Raises
    ------
    ValueError
        If the kind is unknown, alpha is out of its domain or not for this kind, or the shapes differ.
    TypeError
        If an array does not hold real numbers.
    """
    cdef int k = kind_of(kind)
    cdef float value = alpha_of(kind, alpha)
    cdef ndarray dy_ = matrix(dy, "dy"), saved_ = matrix(saved, "saved"), dx
    cdef ptrdiff_t n = saved_.shape[1]
    if dy_.shape[0] != saved_.shape[0] or dy_.shape[1] != n:
        raise ValueError(f"dy: expected the shape of saved, {(<object>saved_).shape}, got {(<object>dy_).shape}")
    dx = result(out, (saved_.shape[0], n), (dy_, saved_))
    cdef Backward a = Backward(<float*>dx.data, <float*>dy_.data, <float*>saved_.data, n, n, n, n, k, value)
    cdef Op op = Op(backward_chunk, backward_chunks, &a)
    run_now(&op, 1, saved_.shape[0])
    return dx
