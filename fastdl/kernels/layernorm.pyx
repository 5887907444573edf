"""Layer norm and RMS norm. Chunks are blocks of rows; gradients of gamma and beta are partial sums of fixed blocks.

Forward keeps three floats of each row for the backward pass (`coef`, see csrc/layernorm.c). RMS norm is the same op
without a mean and without beta.
"""
import numpy as np

from numpy cimport ndarray

from fastdl.kernels._arrays cimport flat, matrix, number, result, rowwise, vector
from fastdl.kernels._program cimport Program
from fastdl.kernels._team cimport K, Op, Step, piece_size, pieces, run_now

cdef enum:
    CHUNK_ELEMENTS = 1 << 14
    LEAST_ROWS = 16             # of a block of partial sums, which thus are small beside what they are sums of

cdef struct Forward:
    float* y
    float* coef                 # (B, 3)
    const float* x
    const float* gamma          # (n,)
    const float* beta           # (n,) or NULL: RMS norm
    ptrdiff_t cols, ldy, ldx
    double eps

cdef struct Backward:
    float* dx                   # or NULL
    double* partial             # (blocks, 2, n): sums of dy and of dy xhat
    float* dgamma               # (n,)
    float* dbeta                # (n,) or NULL: RMS norm
    const float* dy
    const float* x
    const float* coef           # (B, 3)
    const float* gamma          # (n,)
    ptrdiff_t cols, lddx, lddy, ldx


cdef inline ptrdiff_t row_step(const Forward* a, const Step* step) noexcept nogil:
    return piece_size(step.rows, a.cols, CHUNK_ELEMENTS, 1)


cdef ptrdiff_t forward_chunks(void* args, const Step* step) noexcept nogil:
    return pieces(step.rows, row_step(<const Forward*>args, step))


cdef void forward_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Forward* a = <const Forward*>args
    cdef ptrdiff_t size = row_step(a, step), i = chunk * size
    K.layernorm(a.y + i * a.ldy, a.coef + 3 * i, a.x + i * a.ldx, a.gamma, a.beta, min(size, step.rows - i), a.cols,
                a.ldy, a.ldx, a.eps, a.beta != NULL)


cdef inline ptrdiff_t block_rows(ptrdiff_t cols) noexcept nogil:
    """Rows whose contributions to dgamma and dbeta are summed in one piece: part of the promise of equal bits."""
    return piece_size(0, cols, CHUNK_ELEMENTS, LEAST_ROWS)


cdef inline ptrdiff_t block_step(const Backward* a, const Step* step) noexcept nogil:
    return piece_size(pieces(step.rows, block_rows(a.cols)), 1, 1, 1)


cdef ptrdiff_t backward_chunks(void* args, const Step* step) noexcept nogil:
    cdef const Backward* a = <const Backward*>args
    return pieces(pieces(step.rows, block_rows(a.cols)), block_step(a, step))


cdef void backward_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    """dx of some blocks of rows, and their sums. The sums come first, since dx may take the place of dy."""
    cdef const Backward* a = <const Backward*>args
    cdef ptrdiff_t size = block_rows(a.cols), blocks = pieces(step.rows, size), of = block_step(a, step), b, i, rows
    cdef double* sums
    for b in range(chunk * of, min((chunk + 1) * of, blocks)):
        i = b * size
        rows = min(size, step.rows - i)
        sums = a.partial + 2 * b * a.cols
        K.layernorm_sums(sums, sums + a.cols, a.dy + i * a.lddy, a.x + i * a.ldx, a.coef + 3 * i, rows, a.cols,
                         a.lddy, a.ldx, a.dbeta != NULL)
        if a.dx != NULL:
            K.layernorm_backward(a.dx + i * a.lddx, a.dy + i * a.lddy, a.x + i * a.ldx, a.coef + 3 * i, a.gamma, rows,
                                 a.cols, a.lddx, a.lddy, a.ldx, a.dbeta != NULL)


cdef inline ptrdiff_t col_step(const Backward* a, const Step* step) noexcept nogil:
    return piece_size(a.cols, 2 * pieces(step.rows, block_rows(a.cols)), CHUNK_ELEMENTS, 16)


cdef ptrdiff_t totals_chunks(void* args, const Step* step) noexcept nogil:
    return pieces((<Backward*>args).cols, col_step(<const Backward*>args, step))


cdef void totals_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Backward* a = <const Backward*>args
    cdef ptrdiff_t size = col_step(a, step), j = chunk * size, n = min(size, a.cols - j)
    cdef ptrdiff_t blocks = pieces(step.rows, block_rows(a.cols))
    if a.dbeta != NULL:
        K.add_partial(a.dbeta + j, a.partial + j, blocks, n, 2 * a.cols)
    K.add_partial(a.dgamma + j, a.partial + a.cols + j, blocks, n, 2 * a.cols)


def partial_blocks(Py_ssize_t rows, Py_ssize_t cols) -> int:
    """Blocks of partial sums that the backward pass of at most so many rows needs."""
    return pieces(rows, block_rows(cols))


def record_forward(Program program, float[:, :] y, float[:, :] x, float[::1] gamma, float[::1] beta,
                   float[:, ::1] coef, double eps):
    """Record layer norm, or RMS norm if beta is None.   y, x: (B, n)   gamma, beta: (n,)   coef: (B, 3)."""
    cdef Forward a = Forward(&y[0, 0], &coef[0, 0], &x[0, 0], &gamma[0], flat(beta), y.shape[1],
                             y.strides[0] // 4, x.strides[0] // 4, eps)
    program.add(forward_chunk, forward_chunks, &a, sizeof(a), (y, x, gamma, beta, coef))


def record_backward(Program program, float[:, :] dx, float[:, :] dy, float[:, :] x, float[::1] gamma,
                    float[:, ::1] coef, double[:, :, ::1] partial, float[::1] dgamma, float[::1] dbeta):
    """Record the gradients of a forward that left coef; dbeta is None for RMS norm.

    dx: (B, n), may be dy, or None   dy, x: (B, n)   partial: (partial_blocks(B, n), 2, n)   dgamma, dbeta: (n,).
    """
    cdef Backward a = Backward(rowwise(dx), &partial[0, 0, 0], &dgamma[0], flat(dbeta), &dy[0, 0], &x[0, 0],
                               &coef[0, 0], &gamma[0], x.shape[1], 0, dy.strides[0] // 4, x.strides[0] // 4)
    if dx is not None:
        a.lddx = dx.strides[0] // 4
    program.add(backward_chunk, backward_chunks, &a, sizeof(a), (dx, dy, x, gamma, coef, partial))
    program.add(totals_chunk, totals_chunks, &a, sizeof(a), (partial, dgamma, dbeta))


cdef double checked(eps) except -1.0:
    cdef double value = number(eps, "eps")
    if not value >= 0.0:
        raise ValueError(f"eps: expected a number >= 0, got {eps}")
    return value


cdef inline float* at(ndarray x) noexcept:
    if x is None:
        return NULL
    return <float*>x.data


cdef ndarray forward_now(x, gamma, beta, eps, out):
    """Both norms: beta is None for RMS norm."""
    cdef ndarray x_ = matrix(x, "x"), g, b = None, y, coef
    cdef ptrdiff_t rows = x_.shape[0], n = x_.shape[1]
    cdef double eps_ = checked(eps)
    g = vector(gamma, "gamma", n)
    if beta is not None:
        b = vector(beta, "beta", n)
    y = result(out, (rows, n), (x_, g) if b is None else (x_, g, b))
    coef = result(None, (rows, 3), ())
    cdef Forward a = Forward(at(y), at(coef), at(x_), at(g), at(b), n, n, n, eps_)
    cdef Op op = Op(forward_chunk, forward_chunks, &a)
    if n:
        run_now(&op, 1, rows)
    return y


cdef tuple backward_now(dy, x, gamma, eps, bint centered):
    """Both norms. The forward runs once more, for coef alone; its output is then overwritten by dx."""
    cdef ndarray dy_ = matrix(dy, "dy"), x_ = matrix(x, "x"), g, coef, partial, dx, dgamma, dbeta = None
    cdef ptrdiff_t rows = x_.shape[0], n = x_.shape[1]
    cdef double eps_ = checked(eps)
    cdef Op ops[3]
    if dy_.shape[0] != rows or dy_.shape[1] != n:
        raise ValueError(f"dy: expected the shape of x, {(<object>x_).shape}, got {(<object>dy_).shape}")
    g = vector(gamma, "gamma", n)
    coef = result(None, (rows, 3), ())
    dx = result(None, (rows, n), ())
    dgamma = result(None, (n,), ())
    partial = np.empty((partial_blocks(rows, n), 2, n))
    cdef Forward f = Forward(at(dx), at(coef), at(x_), at(g), NULL, n, n, n, eps_)
    cdef Backward a = Backward(at(dx), <double*>partial.data, at(dgamma), NULL, at(dy_), at(x_), at(coef), at(g), n, n,
                               n, n)
    if centered:
        f.beta = at(g)
        dbeta = result(None, (n,), ())
        a.dbeta = at(dbeta)
    ops[0] = Op(forward_chunk, forward_chunks, &f)
    ops[1] = Op(backward_chunk, backward_chunks, &a)
    ops[2] = Op(totals_chunk, totals_chunks, &a)
    if n:
        run_now(ops, 3, rows)
    return (dx, dgamma, dbeta) if centered else (dx, dgamma)


def layernorm_forward(x, gamma, beta, eps=1e-5, out=None):
    """y = (x - mean) / sqrt(var + eps) * gamma + beta, with mean and biased variance of each row (Ba et al. 2016).

    Parameters
    ----------
    x : array_like, shape (B, n)
    gamma, beta : array_like, shape (n,)
        Scale and shift.
    eps : float
        Added to the variance.
    out : ndarray, shape (B, n), float32, optional
        Where the result goes. C-contiguous, sharing no memory with the inputs.

    Returns
    -------
    ndarray, shape (B, n), float32
        Off by at most 6 * 2^-24 (|y| + |beta|) and 4 * 2^-24 |gamma|. Statistics are float64 and taken of x - x[:, :1],
        so that this holds at any offset, as long as rows have a standard deviation below 1e37.

    Raises
    ------
    ValueError
        If shapes do not fit.
    TypeError
        If an array does not hold real numbers.
    """
    if beta is None:
        raise TypeError("beta: expected an array of real numbers, got None")
    return forward_now(x, gamma, beta, eps, out)


def layernorm_backward(dy, x, gamma, eps=1e-5):
    """Gradients of layer norm.

    Parameters
    ----------
    dy, x : array_like, shape (B, n)
        Gradient with respect to the output; the input.
    gamma : array_like, shape (n,)
    eps : float

    Returns
    -------
    dx : ndarray, shape (B, n), float32
        (g - mean(g) - xhat mean(g xhat)) / std by rows, where g = dy gamma, xhat = (x - mean) / std, and
        std = sqrt(var + eps).
    dgamma, dbeta : ndarray, shape (n,), float32
        Column sums of dy xhat and of dy, added in float64 by blocks of rows in order.

    Raises
    ------
    ValueError
        If shapes do not fit.
    TypeError
        If an array does not hold real numbers.
    """
    return backward_now(dy, x, gamma, eps, True)


def rmsnorm_forward(x, gamma, eps=1e-5, out=None):
    """y = x / sqrt(mean of x^2 + eps) * gamma, by rows (Zhang & Sennrich 2019).

    Parameters
    ----------
    x : array_like, shape (B, n)
    gamma : array_like, shape (n,)
        Scale.
    eps : float
        Added to the mean square, which is float64.
    out : ndarray, shape (B, n), float32, optional
        Where the result goes. C-contiguous, sharing no memory with the inputs.

    Returns
    -------
    ndarray, shape (B, n), float32
        Relative error at most 4 * 2^-24, as long as the root mean square of a row is below 1e37.

    Raises
    ------
    ValueError
        If shapes do not fit.
    TypeError
        If an array does not hold real numbers.
    """
    return forward_now(x, gamma, None, eps, out)


def rmsnorm_backward(dy, x, gamma, eps=1e-5):
    """Gradients of RMS norm.

    Parameters
    ----------
    dy, x : array_like, shape (B, n)
        Gradient with respect to the output; the input.
    gamma : array_like, shape (n,)
    eps : float

    Returns
    -------
    dx : ndarray, shape (B, n), float32
        (g - xhat mean(g xhat)) / rms by rows, where g = dy gamma, xhat = x / rms, and rms = sqrt(mean of x^2 + eps).
    dgamma : ndarray, shape (n,), float32
        Column sums of dy xhat, added in float64 by blocks of rows in order.

    Raises
    ------
    ValueError
        If shapes do not fit.
    TypeError
        If an array does not hold real numbers.
    """
    return backward_now(dy, x, gamma, eps, False)
