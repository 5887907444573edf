"""Activations of which each feature takes as much as it has learned to, y = x + alpha (f(x) - x)."""
import numpy as np

from numpy cimport ndarray

from fastdl.kernels._activation cimport alpha_of, kind_of, saves_output
from fastdl.kernels._arrays cimport matrix, result, rowwise, vector
from fastdl.kernels._partial cimport (
    BLOCK_ROWS, Totals, block_chunks, block_step, blocks, padded, record_totals, totals_chunk, totals_chunks,
)
from fastdl.kernels._program cimport Program
from fastdl.kernels._team cimport K, Op, Step, piece_size, pieces, run_now

cdef enum:
    CHUNK_ELEMENTS = 1 << 14

cdef struct Forward:
    float* y
    float* f                    # f(x), kept for the backward pass
    const float* x
    const float* alpha          # (n,)
    ptrdiff_t cols, ldy, ldf, ldx
    int kind
    float slope

cdef struct Backward:
    float* dx                   # or NULL
    double* partial             # (blocks, padded)
    const float* dy
    const float* x
    const float* f
    const float* alpha
    ptrdiff_t cols, ld, lddx, lddy, ldx, ldf
    int kind, from_output       # whether the derivative of f comes from f(x), not from x
    float slope


cdef inline ptrdiff_t row_step(const Forward* a, const Step* step) noexcept nogil:
    return piece_size(step.rows, a.cols, CHUNK_ELEMENTS, 1)


cdef ptrdiff_t forward_chunks(void* args, const Step* step) noexcept nogil:
    return pieces(step.rows, row_step(<const Forward*>args, step))


cdef void forward_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Forward* a = <const Forward*>args
    cdef ptrdiff_t size = row_step(a, step), i
    for i in range(chunk * size, min((chunk + 1) * size, step.rows)):
        K.activate(a.f + i * a.ldf, a.x + i * a.ldx, 1, a.cols, a.ldf, a.ldx, a.kind, a.slope)
        K.parametric(a.y + i * a.ldy, a.x + i * a.ldx, a.f + i * a.ldf, a.alpha, 1, a.cols, a.ldy, a.ldx, a.ldf)


cdef ptrdiff_t backward_chunks(void* args, const Step* step) noexcept nogil:
    return block_chunks(step)


cdef void backward_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Backward* a = <const Backward*>args
    cdef ptrdiff_t of = block_step(step), b, i, first, rows
    for b in range(chunk * of, min((chunk + 1) * of, blocks(step.rows))):
        first = b * BLOCK_ROWS
        rows = min(<ptrdiff_t>BLOCK_ROWS, step.rows - first)
        K.column_products(a.partial + b * a.ld, a.dy + first * a.lddy, a.f + first * a.ldf, a.x + first * a.ldx, rows,
                          a.cols, a.lddy, a.ldf, a.ldx)
        if a.dx == NULL:
            continue
        for i in range(first, first + rows):
            K.activate_backward(a.dx + i * a.lddx, a.dy + i * a.lddy,
                                a.f + i * a.ldf if a.from_output else a.x + i * a.ldx, 1, a.cols, a.lddx, a.lddy,
                                a.ldf, a.kind, a.slope)
            K.parametric_backward(a.dx + i * a.lddx, a.dy + i * a.lddy, a.alpha, 1, a.cols, a.lddx, a.lddy)


def record_forward(Program program, float[:, :] y, float[:, :] f, float[:, :] x, float[::1] alpha, kind, slope=None):
    """Record f = activation(x), y = x + alpha (f - x).   y, f, x: (B, n), all apart   alpha: (n,)."""
    cdef Forward a = Forward(&y[0, 0], &f[0, 0], &x[0, 0], &alpha[0], y.shape[1], y.strides[0] // 4,
                             f.strides[0] // 4, x.strides[0] // 4, kind_of(kind), alpha_of(kind, slope))
    program.add(forward_chunk, forward_chunks, &a, sizeof(a), (y, f, x, alpha))


def record_backward(Program program, float[:, :] dx, float[:, :] dy, float[:, :] x, float[:, :] f, float[::1] alpha,
                    double[:, :, ::1] partial, float[::1] dalpha, kind, slope=None):
    """Record dx = dy (1 - alpha + alpha f'(x)) and dalpha = column sums of dy (f - x).

    dx: (B, n), not dy, or None   dy, x, f: (B, n)   alpha, dalpha: (n,)   partial: partial_shape(B, 1, n).
    """
    cdef Backward a = Backward(rowwise(dx), &partial[0, 0, 0], &dy[0, 0], &x[0, 0], &f[0, 0], &alpha[0], x.shape[1],
                               partial.shape[2], 0, dy.strides[0] // 4, x.strides[0] // 4, f.strides[0] // 4,
                               kind_of(kind), saves_output(kind), alpha_of(kind, slope))
    if dx is not None:
        a.lddx = dx.strides[0] // 4
    program.add(backward_chunk, backward_chunks, &a, sizeof(a), (dx, dy, x, f, alpha, partial))
    record_totals(program, &dalpha[0], dalpha, partial, 0, 1, x.shape[1])


cdef inline float* at(ndarray x) noexcept:
    return <float*>x.data


cdef Forward forward_of(ndarray y, ndarray f, ndarray x, ndarray alpha, kind, slope):
    cdef ptrdiff_t n = x.shape[1]
    return Forward(at(y), at(f), at(x), at(alpha), n, n, n, n, kind_of(kind), alpha_of(kind, slope))


def parametric_forward(x, alpha, kind, slope=None, out=None):
    """Parametric activation, y = x + alpha[j] (f(x) - x) in column j: x itself where alpha is 0, f(x) where it is 1.

    As in RealMLP (Holzmueller et al. 2024, "Better by default").

    Parameters
    ----------
    x : array_like, shape (B, n)
    alpha : array_like, shape (n,)
    kind : str
        An activation f by name; see `activation_forward`.
    slope : float, optional
        That of "leaky_relu" (0.01 unless told), the bound of "elu" (1.0); of no other.
    out : ndarray, shape (B, n), float32, optional
        Where the result goes. C-contiguous, sharing no memory with the inputs.

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
    cdef ndarray x_ = matrix(x, "x"), alpha_, y, f
    cdef ptrdiff_t rows = x_.shape[0], n = x_.shape[1]
    alpha_ = vector(alpha, "alpha", n)
    y, f = result(out, (rows, n), (x_, alpha_)), result(None, (rows, n), ())
    cdef Forward a = forward_of(y, f, x_, alpha_, kind, slope)
    cdef Op op = Op(forward_chunk, forward_chunks, &a)
    if n:
        run_now(&op, 1, rows)
    return y


def parametric_backward(dy, x, alpha, kind, slope=None):
    """Gradients of `parametric_forward`: dx = dy (1 - alpha + alpha f'(x)), dalpha = column sums of dy (f(x) - x).

    Parameters
    ----------
    dy, x : array_like, shape (B, n)
    alpha : array_like, shape (n,)
    kind : str
    slope : float, optional
        As in `parametric_forward`.

    Returns
    -------
    dx : ndarray, shape (B, n), float32
    dalpha : ndarray, shape (n,), float32
        Summed in float64.

    Raises
    ------
    ValueError
        If the kind is unknown or a shape does not fit.
    TypeError
        If an array does not hold real numbers.
    """
    cdef ndarray dy_ = matrix(dy, "dy"), x_ = matrix(x, "x"), alpha_, f, dx, dalpha, partial
    cdef ptrdiff_t rows = x_.shape[0], n = x_.shape[1]
    cdef Op ops[3]
    if dy_.shape[0] != rows or dy_.shape[1] != n:
        raise ValueError(f"dy: expected the shape of x, {(<object>x_).shape}, got {(<object>dy_).shape}")
    alpha_ = vector(alpha, "alpha", n)
    dx, f, dalpha = result(None, (rows, n), ()), result(None, (rows, n), ()), result(None, (n,), ())
    partial = np.empty((blocks(rows), padded(n)))
    cdef Forward forward = forward_of(dx, f, x_, alpha_, kind, slope)    # for f alone: dx is written again
    cdef Backward a = Backward(at(dx), <double*>partial.data, at(dy_), at(x_), at(f), at(alpha_), n, padded(n), n, n,
                               n, n, kind_of(kind), saves_output(kind), alpha_of(kind, slope))
    cdef Totals t = Totals(at(dalpha), <double*>partial.data, 1, n, padded(n), padded(n))
    ops[0] = Op(forward_chunk, forward_chunks, &forward)
    ops[1] = Op(backward_chunk, backward_chunks, &a)
    ops[2] = Op(totals_chunk, totals_chunks, &t)
    if n:
        run_now(ops, 3, rows)
    return dx, dalpha
