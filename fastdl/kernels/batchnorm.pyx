"""Batch normalisation: statistics, forward, backward, running estimates. Chunks are blocks of columns.

Per column an op keeps, from forward to backward: mean and variance in float64 (`stats`), and in float32 (`coef`) the
five numbers that the inner loops read. The mean rounded to float32 can be off by more than a small signal on a large
offset; what is lost goes into the shift, in float64, so that nothing is.

ReLU and dropout that follow can happen in the same pass, forwards and backwards (`tail`); the bits are those of the ops
one by one.
"""
import numpy as np

from libc.stdint cimport uint8_t
from libc.string cimport memcpy
cimport numpy as cnp
from numpy cimport ndarray

from fastdl.kernels._arrays cimport matrix, number, result, vector
from fastdl.kernels._csrc cimport FASTDL_LINEAR, FASTDL_RELU, fastdl_tail
from fastdl.kernels._program cimport Program
from fastdl.kernels._scalar cimport Scalar, at, scalar
from fastdl.kernels._team cimport K, Op, Step, once, piece_size, pieces, run_now

cnp.import_array()

cdef enum:
    LEAST_ELEMENTS = 1 << 14    # of a chunk; of large batches more, so that
    MOST_ELEMENTS = 1 << 16     # the pieces of rows that a chunk walks over are not too short

cdef struct Norm:
    float* y                    # (B, n) output, or dx
    const float* x              # (B, n) input
    const float* dy             # (B, n), backward only
    ptrdiff_t cols, ldy, ldx, lddy
    const float* gamma          # (n,)
    const float* beta           # (n,)
    float* running_mean         # (n,) or NULL
    float* running_var          # (n,) or NULL
    float* dgamma               # (n,) backward only
    float* dbeta                # (n,) backward only
    double* stats               # (2, n): mean, variance
    double* sums                # (2, n): of dy, of dy (x - mean); backward only
    float* coef                 # (5, n): mean, scale = gamma / std, shift, mean_dy, slope
    double eps, momentum
    fastdl_tail tail
    Scalar rate                 # of the tail's dropout
    int statistics              # FROM_BATCH, FROM_RUNNING, GIVEN


cdef enum:
    FROM_BATCH, FROM_RUNNING, GIVEN


cdef inline bint uses_batch(const Norm* a, const Step* step) noexcept nogil:
    """A batch of one row has no variance: the running estimates stand in, as constants."""
    return a.statistics == FROM_BATCH and step.rows > 1


cdef inline ptrdiff_t col_step(const Norm* a, const Step* step) noexcept nogil:
    cdef ptrdiff_t eighth = step.rows * a.cols // 8
    return piece_size(a.cols, step.rows, min(max(eighth, <ptrdiff_t>LEAST_ELEMENTS), <ptrdiff_t>MOST_ELEMENTS), 32)


cdef ptrdiff_t norm_chunks(void* args, const Step* step) noexcept nogil:
    return pieces((<Norm*>args).cols, col_step(<const Norm*>args, step))


cdef inline fastdl_tail tail_at(const Norm* a, const Step* step, ptrdiff_t column) noexcept nogil:
    """The tail of this step, from a column of the batch on."""
    cdef fastdl_tail tail = a.tail
    tail.column = column
    tail.keep = <float>(1.0 / (1.0 - at(&a.rate, step)))
    return tail


cdef void stats_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Norm* a = <const Norm*>args
    cdef ptrdiff_t size = col_step(a, step), j = chunk * size
    K.norm_stats(a.stats + j, a.stats + a.cols + j, a.x + j, step.rows, min(size, a.cols - j), a.ldx)


cdef inline void coefficients(const Norm* a, ptrdiff_t j, ptrdiff_t end) noexcept nogil:
    """mean, scale and shift of columns j .. end from their statistics."""
    cdef ptrdiff_t n = a.cols
    K.norm_coefficients(a.coef + j, a.coef + n + j, a.coef + 2 * n + j, a.stats + j, a.stats + n + j, a.gamma + j,
                        a.beta + j, end - j, a.eps)


cdef void forward_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Norm* a = <const Norm*>args
    cdef ptrdiff_t size = col_step(a, step), j = chunk * size, end = min(j + size, a.cols), n = a.cols, c
    if uses_batch(a, step):
        K.norm_stats(a.stats + j, a.stats + n + j, a.x + j, step.rows, end - j, a.ldx)
    elif a.statistics != GIVEN:
        for c in range(j, end):
            a.stats[c] = a.running_mean[c]
            a.stats[n + c] = a.running_var[c]
    coefficients(a, j, end)
    cdef fastdl_tail tail = tail_at(a, step, j)
    K.norm_apply(a.y + j, a.x + j, a.coef + j, a.coef + n + j, a.coef + 2 * n + j, step.rows, end - j, a.ldy, a.ldx,
                 &tail)


cdef void backward_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Norm* a = <const Norm*>args
    cdef ptrdiff_t size = col_step(a, step), j = chunk * size, end = min(j + size, a.cols), n = a.cols
    cdef double through_stats = 1.0 / step.rows if uses_batch(a, step) or a.statistics == GIVEN else 0.0
    if a.statistics == GIVEN:
        coefficients(a, j, end)
    cdef fastdl_tail tail = tail_at(a, step, j)
    cdef float* g = NULL            # dy behind the tail; dx takes its place
    cdef const float* dy = a.dy + j
    cdef ptrdiff_t lddy = a.lddy
    if a.y != NULL and (tail.activation != FASTDL_LINEAR or tail.bits != NULL):
        g = a.y + j
    K.norm_sums(a.sums + j, a.sums + n + j, g, dy, a.x + j, a.coef + j, a.coef + n + j, a.coef + 2 * n + j, step.rows,
                end - j, a.ldy, lddy, a.ldx, &tail)
    if g != NULL:
        dy, lddy = g, a.ldy
    K.norm_gradients(a.dgamma + j, a.dbeta + j, a.coef + 3 * n + j, a.coef + 4 * n + j, a.sums + j, a.sums + n + j,
                     a.coef + j, a.stats + j, a.stats + n + j, end - j, a.eps, through_stats)
    if a.y != NULL:
        K.norm_backward(a.y + j, dy, a.x + j, a.coef + j, a.coef + n + j, a.coef + 3 * n + j, a.coef + 4 * n + j,
                        step.rows, end - j, a.ldy, lddy, a.ldx)


cdef void running_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    """running = momentum running + (1 - momentum) batch, the variance unbiased, as in the paper."""
    cdef const Norm* a = <const Norm*>args
    cdef double n = step.rows, t = <double>step.number, momentum = a.momentum if a.momentum >= 0.0 else t / (t + 1.0)
    cdef ptrdiff_t c
    if not uses_batch(a, step):
        return
    for c in range(a.cols):
        a.running_mean[c] = <float>(momentum * a.running_mean[c] + (1.0 - momentum) * a.stats[c])
        a.running_var[c] = <float>(momentum * a.running_var[c]
                                   + (1.0 - momentum) * a.stats[a.cols + c] * n / (n - 1.0))


cdef inline fastdl_tail nothing() noexcept:
    return fastdl_tail(FASTDL_LINEAR, NULL, 0, 0, 1.0)


TAILS = {None: FASTDL_LINEAR, "relu": FASTDL_RELU}      # activations that may follow in the same pass


cdef int follow(Norm* a, object activation, const uint8_t[::1] bits, object rate) except -1:
    a.tail = fastdl_tail(TAILS[activation], NULL, a.cols, 0, 1.0)
    a.rate = scalar(rate, "rate")
    if bits is not None:
        a.tail.bits = &bits[0]
    return 0


cdef Norm norm_of(float[:, :] x, float[::1] gamma, float[::1] beta, float[::1] running_mean, float[::1] running_var,
                  double[:, ::1] stats, float[:, ::1] coef, double eps, bint training):
    return Norm(x=&x[0, 0], cols=x.shape[1], ldx=x.strides[0] // 4, gamma=&gamma[0], beta=&beta[0],
                running_mean=&running_mean[0], running_var=&running_var[0], stats=&stats[0, 0], coef=&coef[0, 0],
                eps=eps, statistics=FROM_BATCH if training else FROM_RUNNING, y=NULL, dy=NULL, dgamma=NULL, dbeta=NULL,
                sums=NULL, ldy=0, lddy=0, momentum=0.0, tail=nothing(), rate=Scalar(0.0, -1))


def record_forward(Program program, float[:, :] y, float[:, :] x, float[::1] gamma, float[::1] beta,
                   float[::1] running_mean, float[::1] running_var, double[:, ::1] stats, float[:, ::1] coef,
                   double eps, bint training, activation=None, uint8_t[::1] bits=None, rate=0.0):
    """Record y = (x - mean) gamma / std + beta.   y, x: (B, n)   stats: (2, n)   coef: (5, n)   the rest: (n,).

    In training with more than one row mean and variance are the batch's and go to stats; else the running ones. Then
    come the activation, a key of TAILS, and dropout by the bits of record_mask, if they are given.
    """
    cdef Norm a = norm_of(x, gamma, beta, running_mean, running_var, stats, coef, eps, training)
    a.y = &y[0, 0]
    a.ldy = y.strides[0] // 4
    follow(&a, activation, bits, rate)
    program.add(forward_chunk, norm_chunks, &a, sizeof(a),
                (y, x, gamma, beta, running_mean, running_var, stats, coef, bits))


def record_backward(Program program, float[:, :] dx, float[:, :] dy, float[:, :] x, float[::1] gamma, float[::1] beta,
                    float[::1] running_mean, float[::1] running_var, double[:, ::1] stats, float[:, ::1] coef,
                    double eps, double[:, ::1] sums, float[::1] dgamma, float[::1] dbeta, activation=None,
                    uint8_t[::1] bits=None, rate=0.0):
    """Record the gradients of a training forward that left stats and coef.   dx: (B, n), may be dy, or None.

    activation, bits and rate as in the forward: dy is then the gradient behind them.
    """
    cdef Norm a = norm_of(x, gamma, beta, running_mean, running_var, stats, coef, eps, True)
    if dx is not None:
        a.y = &dx[0, 0]
        a.ldy = dx.strides[0] // 4
    a.dy = &dy[0, 0]
    a.lddy = dy.strides[0] // 4
    a.sums = &sums[0, 0]
    a.dgamma = &dgamma[0]
    a.dbeta = &dbeta[0]
    follow(&a, activation, bits, rate)
    program.add(backward_chunk, norm_chunks, &a, sizeof(a),
                (dx, dy, x, gamma, beta, running_mean, running_var, stats, coef, sums, dgamma, dbeta, bits))


def record_running(Program program, float[::1] running_mean, float[::1] running_var, double[:, ::1] stats,
                   double momentum):
    """Record the update of the running estimates. It belongs behind the finite check: no bad step leaves a trace.

    A momentum below 0 makes them the mean over the steps since number 0.
    """
    cdef Norm a = Norm(x=NULL, cols=running_mean.shape[0], ldx=0, gamma=NULL, beta=NULL, running_mean=&running_mean[0],
                       running_var=&running_var[0], stats=&stats[0, 0], coef=NULL, eps=0.0, statistics=FROM_BATCH,
                       y=NULL, dy=NULL, dgamma=NULL, dbeta=NULL, sums=NULL, ldy=0, lddy=0,
                       momentum=momentum, tail=nothing(), rate=Scalar(0.0, -1))
    program.add(running_chunk, once, &a, sizeof(a), (running_mean, running_var, stats))


cdef ndarray scratch(ptrdiff_t n):
    """Room for statistics (2, n) and sums (2, n) in float64, and behind them the coefficients (5, n) in float32."""
    cdef cnp.npy_intp size = 7 * n
    return cnp.PyArray_EMPTY(1, &size, cnp.NPY_FLOAT64, 0)


cdef Norm eager(ndarray x, ndarray gamma, ndarray beta, ndarray room, double eps):
    cdef ptrdiff_t n = x.shape[1]
    cdef double* stats = <double*>room.data
    return Norm(x=<float*>x.data, cols=n, ldx=n, gamma=<float*>gamma.data, beta=<float*>beta.data, running_mean=NULL,
                running_var=NULL, stats=stats, coef=<float*>(stats + 4 * n), eps=eps, statistics=GIVEN, y=NULL,
                dy=NULL, dgamma=NULL, dbeta=NULL, sums=stats + 2 * n, ldy=n, lddy=n, momentum=0.0, tail=nothing(),
                rate=Scalar(0.0, -1))


cdef int take_statistic(double* to, object given, str name, ptrdiff_t n) except -1:
    """Copy what the caller gave as mean or variance, float64 as it is."""
    cdef ndarray value = given if type(given) is ndarray else np.asarray(given)
    cdef ptrdiff_t i
    if value.descr.kind not in b"fiub":
        raise TypeError(f"{name}: expected an array of real numbers, got dtype {value.dtype}")
    if value.ndim != 1 or value.shape[0] != n:
        raise ValueError(f"{name}: expected shape ({n},), got {(<object>value).shape}")
    if value.descr.type_num == cnp.NPY_FLOAT32 and cnp.PyArray_ISCARRAY_RO(value):
        for i in range(n):
            to[i] = (<float*>value.data)[i]
        return 0
    if value.descr.type_num != cnp.NPY_FLOAT64 or not cnp.PyArray_ISCARRAY_RO(value):
        value = np.require(value, np.float64, ("C", "A"))
    memcpy(to, value.data, n * sizeof(double))
    return 0


cdef int take_statistics(ndarray room, object mean, object var, ptrdiff_t n, object eps) except -1:
    take_statistic(<double*>room.data, mean, "mean", n)
    take_statistic(<double*>room.data + n, var, "var", n)
    if not number(eps, "eps") >= 0.0:
        raise ValueError(f"eps: expected a number >= 0, got {eps}")
    return 0


def batchnorm_stats(x):
    """Mean and biased variance of each column.

    Parameters
    ----------
    x : array_like, shape (B, n), B >= 1

    Returns
    -------
    mean, var : ndarray, shape (n,), float64
        Float64 because the mean of a small signal on a large offset does not fit float32. Both are accurate to a few
        float64 ULP of the variance: sums are taken of x - x[0].

    Raises
    ------
    ValueError
        If x is not a matrix or has no rows.
    """
    cdef ndarray x_ = matrix(x, "x"), stats, none = np.empty(0, np.float32)
    if x_.shape[0] == 0:
        raise ValueError(f"x: expected at least one row, got shape {(<object>x_).shape}")
    stats = np.empty((2, x_.shape[1]))
    cdef Norm a = eager(x_, none, none, stats, 0.0)
    cdef Op op = Op(stats_chunk, norm_chunks, &a)
    run_now(&op, 1, x_.shape[0])
    return stats[0], stats[1]


def batchnorm_forward(x, gamma, beta, mean, var, eps=1e-5, out=None):
    """y = (x - mean) / sqrt(var + eps) * gamma + beta (Ioffe & Szegedy 2015).

    Parameters
    ----------
    x : array_like, shape (B, n)
    gamma, beta : array_like, shape (n,)
        Scale and shift.
    mean, var : array_like, shape (n,)
        Statistics, of the batch in training or running ones; float64 is used as it is.
    eps : float
        Added to the variance.
    out : ndarray, shape (B, n), float32, optional
        Where the result goes. C-contiguous, sharing no memory with the inputs.

    Returns
    -------
    ndarray, shape (B, n), float32

    Raises
    ------
    ValueError
        If shapes do not fit.
    TypeError
        If an array does not hold real numbers.
    """
    cdef ndarray x_ = matrix(x, "x"), y
    cdef ptrdiff_t n = x_.shape[1]
    cdef ndarray g = vector(gamma, "gamma", n), b = vector(beta, "beta", n)
    cdef ndarray room = scratch(n)
    take_statistics(room, mean, var, n, eps)
    y = result(out, (x_.shape[0], n), (x_, g, b))
    cdef Norm a = eager(x_, g, b, room, eps)
    a.y = <float*>y.data
    cdef Op op = Op(forward_chunk, norm_chunks, &a)
    run_now(&op, 1, x_.shape[0])
    return y


def batchnorm_backward(dy, x, gamma, mean, var, eps=1e-5):
    """Gradients of batch norm in training: mean and variance count as functions of x.

    Parameters
    ----------
    dy, x : array_like, shape (B, n)
        Gradient with respect to the output; the input.
    gamma : array_like, shape (n,)
    mean, var : array_like, shape (n,)
        Of the batch, as `batchnorm_stats` gives them.
    eps : float

    Returns
    -------
    dx : ndarray, shape (B, n), float32
        gamma / std (dy - mean(dy) - xhat mean(dy xhat)), where xhat = (x - mean) / std.
    dgamma, dbeta : ndarray, shape (n,), float32
        Column sums of dy xhat and of dy.

    Raises
    ------
    ValueError
        If shapes do not fit.
    TypeError
        If an array does not hold real numbers.
    """
    cdef ndarray dy_ = matrix(dy, "dy"), x_ = matrix(x, "x"), dx, dgamma, dbeta
    cdef ptrdiff_t rows = x_.shape[0], n = x_.shape[1]
    if dy_.shape[0] != rows or dy_.shape[1] != n:
        raise ValueError(f"dy: expected the shape of x, {(<object>x_).shape}, got {(<object>dy_).shape}")
    cdef ndarray g = vector(gamma, "gamma", n), room = scratch(n)
    take_statistics(room, mean, var, n, eps)
    dx = result(None, (rows, n), ())
    dgamma = result(None, (n,), ())
    dbeta = result(None, (n,), ())
    cdef Norm a = eager(x_, g, g, room, eps)
    a.y = <float*>dx.data
    a.dy = <float*>dy_.data
    a.dgamma = <float*>dgamma.data
    a.dbeta = <float*>dbeta.data
    cdef Op op = Op(backward_chunk, norm_chunks, &a)
    run_now(&op, 1, rows)
    return dx, dgamma, dbeta
