"""Periodic embeddings of numbers: each column beside mixtures of its waves."""
import numpy as np

from numpy cimport ndarray

from fastdl.kernels._arrays cimport elements, matrix, result, rowwise
from fastdl.kernels._csrc cimport FASTDL_MIXTURES, fastdl_periodic
from fastdl.kernels._partial cimport (
    BLOCK_ROWS, Totals, block_chunks, block_step, blocks, padded, record_totals, totals_chunk, totals_chunks,
)
from fastdl.kernels._program cimport Program
from fastdl.kernels._team cimport K, Op, Step, piece_size, pieces, run_now

MOST_MIXTURES = FASTDL_MIXTURES

cdef enum:
    CHUNK_ELEMENTS = 1 << 13    # waves, which cost a few nanoseconds each

cdef struct Forward:
    fastdl_periodic p
    float* y
    const float* x
    ptrdiff_t ldy, ldx

cdef struct Backward:
    fastdl_periodic p
    float* dx                   # or NULL
    double* partial             # (blocks, groups, padded)
    const float* dy
    const float* x
    ptrdiff_t lddx, lddy, ldx


cdef inline ptrdiff_t groups_of(const fastdl_periodic* p) noexcept nogil:
    """Rows of the sums: frequencies, phases, weights, biases."""
    return (2 + p.mixtures) * p.waves + p.mixtures


cdef inline ptrdiff_t row_step(const Forward* a, const Step* step) noexcept nogil:
    return piece_size(step.rows, padded(a.p.cols) * a.p.waves, CHUNK_ELEMENTS, 1)


cdef ptrdiff_t forward_chunks(void* args, const Step* step) noexcept nogil:
    return pieces(step.rows, row_step(<const Forward*>args, step))


cdef void forward_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Forward* a = <const Forward*>args
    cdef ptrdiff_t size = row_step(a, step), i = chunk * size
    K.periodic(a.y + i * a.ldy, a.x + i * a.ldx, &a.p, min(size, step.rows - i), a.ldy, a.ldx)


cdef ptrdiff_t backward_chunks(void* args, const Step* step) noexcept nogil:
    return block_chunks(step)


cdef void backward_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Backward* a = <const Backward*>args
    cdef ptrdiff_t of = block_step(step), b, i
    for b in range(chunk * of, min((chunk + 1) * of, blocks(step.rows))):
        i = b * BLOCK_ROWS
        K.periodic_backward(a.dx + i * a.lddx if a.dx != NULL else NULL, a.partial + b * groups_of(&a.p) * a.p.ld,
                            a.dy + i * a.lddy, a.x + i * a.ldx, &a.p, min(<ptrdiff_t>BLOCK_ROWS, step.rows - i),
                            a.lddx, a.lddy, a.ldx)


cdef fastdl_periodic coefficients(float[:, ::1] frequency, float[:, ::1] phase, float[:, :, ::1] weight,
                                  float[:, ::1] bias) noexcept:
    return fastdl_periodic(&frequency[0, 0], &phase[0, 0], &weight[0, 0, 0], &bias[0, 0], frequency.shape[0],
                           frequency.shape[1], padded(frequency.shape[1]), <int>bias.shape[0])


def groups(Py_ssize_t waves, Py_ssize_t mixtures) -> int:
    """Rows of partial sums that the gradients of all coefficients need."""
    return (2 + mixtures) * waves + mixtures


def record_forward(Program program, float[:, :] y, Py_ssize_t start, float[:, :] x, float[:, ::1] frequency,
                   float[:, ::1] phase, float[:, :, ::1] weight, float[:, ::1] bias):
    """Record a periodic embedding of the first n columns of x.

    y: (B, start + (1 + m) n)   x: (B, n or more)   frequency, phase: (k, n)   weight: (k, m, n)   bias: (m, n).
    """
    cdef Forward a = Forward(coefficients(frequency, phase, weight, bias), &y[0, start], &x[0, 0], y.strides[0] // 4,
                             x.strides[0] // 4)
    program.add(forward_chunk, forward_chunks, &a, sizeof(a), (y, x, frequency, phase, weight, bias))


def record_backward(Program program, float[:, :] dx, float[:, :] dy, Py_ssize_t start, float[:, :] x,
                    float[:, ::1] frequency, float[:, ::1] phase, float[:, :, ::1] weight, float[:, ::1] bias,
                    double[:, :, ::1] partial, float[:, ::1] dfrequency, float[:, ::1] dphase,
                    float[:, :, ::1] dweight, float[:, ::1] dbias):
    """Record the gradients.

    dx: as x, not dy, or None   dy: as y   partial: partial_shape(B, groups(k, m), n)   others like what they belong to.
    """
    cdef Backward a = Backward(coefficients(frequency, phase, weight, bias), rowwise(dx), &partial[0, 0, 0],
                               &dy[0, start], &x[0, 0], 0, dy.strides[0] // 4, x.strides[0] // 4)
    cdef ptrdiff_t k = a.p.waves, m = a.p.mixtures, n = a.p.cols
    if dx is not None:
        a.lddx = dx.strides[0] // 4
    program.add(backward_chunk, backward_chunks, &a, sizeof(a),
                (dx, dy, x, frequency, phase, weight, bias, partial))
    record_totals(program, &dfrequency[0, 0], dfrequency, partial, 0, k, n)
    record_totals(program, &dphase[0, 0], dphase, partial, k, k, n)
    record_totals(program, &dweight[0, 0, 0], dweight, partial, 2 * k, k * m, n)
    record_totals(program, &dbias[0, 0], dbias, partial, (2 + m) * k, m, n)


cdef inline float* at(ndarray x) noexcept:
    return <float*>x.data


cdef ndarray shaped(object x, str name, tuple shape):
    """A float32 array of this shape."""
    cdef ndarray a = elements(x, name)
    if (<object>a).shape != shape:
        raise ValueError(f"{name}: expected shape {shape}, got {(<object>a).shape}")
    return a


cdef tuple checked(x, frequency, phase, weight, bias):
    """All arrays as float32, of shapes that fit together."""
    cdef ndarray x_ = matrix(x, "x"), f = matrix(frequency, "frequency"), b = matrix(bias, "bias")
    cdef ptrdiff_t n = x_.shape[1], k = f.shape[0], m = b.shape[0]
    if f.shape[1] != n:
        raise ValueError(f"frequency: expected shape (k, {n}), got {(<object>f).shape}")
    if b.shape[1] != n or m > FASTDL_MIXTURES:
        raise ValueError(f"bias: expected shape (m, {n}), m at most {FASTDL_MIXTURES}, got {(<object>b).shape}")
    return x_, f, shaped(phase, "phase", (k, n)), shaped(weight, "weight", (k, m, n)), b


cdef fastdl_periodic coefficients_of(ndarray f, ndarray phase, ndarray weight, ndarray b) noexcept:
    return fastdl_periodic(at(f), at(phase), at(weight), at(b), f.shape[0], f.shape[1], padded(f.shape[1]),
                           <int>b.shape[0])


def periodic_forward(x, frequency, phase, weight, bias, out=None):
    """Periodic embedding of each column: x itself, then m mixtures of its k waves.

    z_q = bias_q + sum over h of weight_hq cos(2 pi (frequency_h x + phase_h)), as PBLD of RealMLP (Holzmueller et al.
    2024, "Better by default").

    Parameters
    ----------
    x : array_like, shape (B, n)
    frequency, phase : array_like, shape (k, n)
        In turns.
    weight : array_like, shape (k, m, n)
    bias : array_like, shape (m, n)
        m is at most 8.
    out : ndarray, shape (B, (1 + m) n), float32, optional
        Where the result goes. C-contiguous, sharing no memory with the inputs.

    Returns
    -------
    ndarray, shape (B, (1 + m) n), float32
        Column j is x's, column (1 + q) n + j is z_q of x's column j.

    Raises
    ------
    ValueError
        If a shape does not fit.
    TypeError
        If an array does not hold real numbers.
    """
    cdef ndarray x_, f, p, w, b, y
    x_, f, p, w, b = checked(x, frequency, phase, weight, bias)
    cdef ptrdiff_t rows = x_.shape[0], n = x_.shape[1], width = (1 + b.shape[0]) * n
    y = result(out, (rows, width), (x_, f, p, w, b))
    cdef Forward a = Forward(coefficients_of(f, p, w, b), at(y), at(x_), width, n)
    cdef Op op = Op(forward_chunk, forward_chunks, &a)
    if n:
        run_now(&op, 1, rows)
    return y


def periodic_backward(dy, x, frequency, phase, weight, bias):
    """Gradients of `periodic_forward`.

    Parameters
    ----------
    dy : array_like, shape (B, (1 + m) n)
    x, frequency, phase, weight, bias : array_like
        As in `periodic_forward`.

    Returns
    -------
    dx : ndarray, shape (B, n), float32
    dfrequency, dphase : ndarray, shape (k, n), float32
    dweight : ndarray, shape (k, m, n), float32
    dbias : ndarray, shape (m, n), float32
        Summed in float32 over 32 rows, then in float64.

    Raises
    ------
    ValueError
        If a shape does not fit.
    TypeError
        If an array does not hold real numbers.
    """
    cdef ndarray x_, f, p, w, b, dy_ = matrix(dy, "dy"), dx, df, dp, dw, db, partial
    cdef double* sums
    x_, f, p, w, b = checked(x, frequency, phase, weight, bias)
    cdef ptrdiff_t rows = x_.shape[0], n = x_.shape[1], k = f.shape[0], m = b.shape[0], width = (1 + m) * n, i
    cdef ptrdiff_t ld = padded(n), of
    cdef Totals totals[4]
    cdef Op ops[5]
    if dy_.shape[0] != rows or dy_.shape[1] != width:
        raise ValueError(f"dy: expected shape {(rows, width)}, got {(<object>dy_).shape}")
    dx, df, dp, db = (result(None, shape, ()) for shape in ((rows, n), (k, n), (k, n), (m, n)))
    dw = result(None, (k, m, n), ())
    cdef Backward a = Backward(coefficients_of(f, p, w, b), at(dx), NULL, at(dy_), at(x_), n, width, n)
    of = groups_of(&a.p) * ld
    partial = np.empty((blocks(rows), of))
    a.partial = sums = <double*>partial.data
    totals[0] = Totals(at(df), sums, k, n, ld, of)
    totals[1] = Totals(at(dp), sums + k * ld, k, n, ld, of)
    totals[2] = Totals(at(dw), sums + 2 * k * ld, k * m, n, ld, of)
    totals[3] = Totals(at(db), sums + (2 + m) * k * ld, m, n, ld, of)
    ops[0] = Op(backward_chunk, backward_chunks, &a)
    for i in range(4):
        ops[i + 1] = Op(totals_chunk, totals_chunks, &totals[i])
    if n:
        run_now(ops, 5, rows)
    return dx, df, dp, dw, db
