"""Element-wise activations and their derivatives."""
from numpy cimport ndarray

from fastdl.kernels._arrays cimport matrix, result
from fastdl.kernels._csrc cimport FASTDL_RELU, FASTDL_TANH
from fastdl.kernels._program cimport Program
from fastdl.kernels._team cimport K, Op, Step, piece_size, pieces, run_now

cdef enum:
    CHUNK_ELEMENTS = 1 << 15

cdef struct Forward:
    float* y
    const float* x
    ptrdiff_t cols, ldy, ldx
    int kind

cdef struct Backward:
    float* dx
    const float* dy
    const float* y
    ptrdiff_t cols, lddx, lddy, ldy
    int kind

KINDS = {"relu": FASTDL_RELU, "tanh": FASTDL_TANH}


cdef inline ptrdiff_t row_step(ptrdiff_t cols, const Step* step) noexcept nogil:
    return piece_size(step.rows, cols, CHUNK_ELEMENTS, 1)


cdef ptrdiff_t forward_chunks(void* args, const Step* step) noexcept nogil:
    return pieces(step.rows, row_step((<Forward*>args).cols, step))


cdef void forward_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Forward* a = <const Forward*>args
    cdef ptrdiff_t size = row_step(a.cols, step), i = chunk * size
    K.activate(a.y + i * a.ldy, a.x + i * a.ldx, min(size, step.rows - i), a.cols, a.ldy, a.ldx, a.kind)


cdef ptrdiff_t backward_chunks(void* args, const Step* step) noexcept nogil:
    return pieces(step.rows, row_step((<Backward*>args).cols, step))


cdef void backward_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Backward* a = <const Backward*>args
    cdef ptrdiff_t size = row_step(a.cols, step), i = chunk * size
    K.activate_backward(a.dx + i * a.lddx, a.dy + i * a.lddy, a.y + i * a.ldy, min(size, step.rows - i), a.cols,
                        a.lddx, a.lddy, a.ldy, a.kind)


cdef int kind_of(object kind) except -1:
    if kind not in KINDS:
        raise ValueError(f"kind: expected one of {', '.join(map(repr, KINDS))}, got {kind!r}")
    return KINDS[kind]


def record_forward(Program program, float[:, :] y, float[:, :] x, kind):
    """Record y = activation(x).   y, x: (B, n)."""
    cdef Forward a = Forward(&y[0, 0], &x[0, 0], y.shape[1], y.strides[0] // 4, x.strides[0] // 4, kind_of(kind))
    program.add(forward_chunk, forward_chunks, &a, sizeof(a), (y, x))


def record_backward(Program program, float[:, :] dx, float[:, :] dy, float[:, :] y, kind):
    """Record dx = dy * activation'(x), from the output y.   dx, dy, y: (B, n)."""
    cdef Backward a = Backward(&dx[0, 0], &dy[0, 0], &y[0, 0], y.shape[1], dx.strides[0] // 4, dy.strides[0] // 4,
                               y.strides[0] // 4, kind_of(kind))
    program.add(backward_chunk, backward_chunks, &a, sizeof(a), (dx, dy, y))


def activation_forward(x, kind, out=None):
    """Activation of each element.

    Parameters
    ----------
    x : array_like, shape (B, n)
    kind : {"relu", "tanh"}
        max(x, 0), which passes NaN on, or the hyperbolic tangent (error below 2 ULP).
    out : ndarray, shape (B, n), float32, optional
        Where the result goes. C-contiguous, sharing no memory with x.

    Returns
    -------
    ndarray, shape (B, n), float32

    Raises
    ------
    ValueError
        If the kind is unknown or a shape does not fit.
    TypeError
        If an array does not hold real numbers.
    """
    cdef int k = kind_of(kind)
    cdef ndarray x_ = matrix(x, "x"), y = result(out, (x_.shape[0], x_.shape[1]), (x_,))
    cdef ptrdiff_t n = x_.shape[1]
    cdef Forward a = Forward(<float*>y.data, <float*>x_.data, n, n, n, k)
    cdef Op op = Op(forward_chunk, forward_chunks, &a)
    run_now(&op, 1, x_.shape[0])
    return y


def activation_backward(dy, y, kind, out=None):
    """Gradient through an activation, from its output.

    Parameters
    ----------
    dy : array_like, shape (B, n)
        Gradient with respect to the output.
    y : array_like, shape (B, n)
        The output of `activation_forward`.
    kind : {"relu", "tanh"}
        dy where y > 0 (or is NaN), or dy (1 - y^2).
    out : ndarray, shape (B, n), float32, optional
        Where the result goes. C-contiguous, sharing no memory with dy or y.

    Returns
    -------
    ndarray, shape (B, n), float32

    Raises
    ------
    ValueError
        If the kind is unknown or the shapes differ.
    TypeError
        If an array does not hold real numbers.
    """
    cdef int k = kind_of(kind)
    cdef ndarray dy_ = matrix(dy, "dy"), y_ = matrix(y, "y"), dx
    cdef ptrdiff_t n = y_.shape[1]
    if dy_.shape[0] != y_.shape[0] or dy_.shape[1] != n:
        raise ValueError(f"dy: expected the shape of y, {(<object>y_).shape}, got {(<object>dy_).shape}")
    dx = result(out, (y_.shape[0], n), (dy_, y_))
    cdef Backward a = Backward(<float*>dx.data, <float*>dy_.data, <float*>y_.data, n, n, n, n, k)
    cdef Op op = Op(backward_chunk, backward_chunks, &a)
    run_now(&op, 1, y_.shape[0])
    return dx
