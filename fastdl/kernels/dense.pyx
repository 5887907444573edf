"""Matrix products of dense layers: y = activation(x w + b), dw = xT dy, dx = dy wT, db = column sums of dy."""
from numpy cimport ndarray

from fastdl.kernels._arrays cimport matrix, result, vector
from fastdl.kernels._csrc cimport FASTDL_LINEAR, FASTDL_RELU, FASTDL_TANH, fastdl_gemm
from fastdl.kernels._program cimport Program
from fastdl.kernels._team cimport K, Op, Step, piece_size, pieces, run_now

cdef enum:
    PANEL = 32              # columns of a chunk are a multiple of the widest tile's
    LEAST_ROWS = 84         # of a chunk, where there are so many; and where a panel of B has
    TRANSPOSED_ROWS = 128   # to be transposed for them
    ALONE_FMAS = 1 << 19    # are one chunk: about 10 us with AVX-512
    LEAST_FMAS = 1 << 18    # of a chunk, where there are several
    MOST_FMAS = 1 << 26     # large products have large chunks, which copy their panels less often
    MOST_ROWS = 512         # more rows of A would not stay in L2;
    COPIED_ROWS = 256       # gemm.c copies as many out of a layout that is slow to walk,
    FEW_SETS = 256          # which is one whose stride is a multiple of 1 KiB,
    COPIED_COLS = 256       # and as many columns of C should make use of them

cdef enum Rows:             # which size of the product is the number of rows of the batch
    FIXED, ARE_M, ARE_K

cdef struct Product:
    fastdl_gemm g
    ptrdiff_t m, n
    Rows rows

cdef struct Sums:
    float* sums
    const float* x
    ptrdiff_t cols, ldx, rows          # rows < 0: those of the batch

ACTIVATIONS = {None: FASTDL_LINEAR, "relu": FASTDL_RELU, "tanh": FASTDL_TANH}


cdef struct Cut:                        # how an output is cut into chunks: by its shape alone
    ptrdiff_t m, n, k, row_step, col_step, across


cdef Cut cut(const Product* p, const Step* step) noexcept nogil:
    cdef Cut c
    c.m = step.rows if p.rows == ARE_M else p.m
    c.n = p.n
    c.k = step.rows if p.rows == ARE_K else p.g.k
    cdef ptrdiff_t fmas = c.m * pieces(c.n, 16) * 16 * c.k
    if c.m <= MOST_ROWS and fmas <= ALONE_FMAS:
        c.row_step, c.col_step, c.across = max(c.m, 1), max(c.n, 1), 1 if c.n else 0   # divisions take their time
        return c
    cdef ptrdiff_t target = min(max(fmas // 24, <ptrdiff_t>LEAST_FMAS), <ptrdiff_t>MOST_FMAS)
    cdef bint copies = (p.g.a_i if p.g.a_p == 1 else p.g.a_p) % FEW_SETS == 0
    cdef ptrdiff_t across_rows = pieces(c.m, COPIED_ROWS if copies else MOST_ROWS)
    cdef ptrdiff_t least = TRANSPOSED_ROWS if p.g.b_j != 1 else LEAST_ROWS
    across_rows = max(across_rows, min(pieces(c.m * PANEL * c.k, target), c.m // least), <ptrdiff_t>1)
    c.row_step = max(pieces(c.m, across_rows), <ptrdiff_t>1)
    c.col_step = piece_size(c.n, c.row_step * c.k, target, PANEL)
    if copies:
        c.col_step = max(c.col_step, <ptrdiff_t>COPIED_COLS)
    while pieces(c.m, c.row_step) * pieces(c.n, c.col_step) > 32768:
        c.row_step *= 2
    c.across = pieces(c.n, c.col_step)
    return c


cdef ptrdiff_t product_chunks(void* args, const Step* step) noexcept nogil:
    cdef Cut c = cut(<Product*>args, step)
    return pieces(c.m, c.row_step) * c.across


cdef void product_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Product* p = <const Product*>args
    cdef Cut c = cut(p, step)
    cdef ptrdiff_t i = chunk // c.across * c.row_step, j = chunk % c.across * c.col_step
    cdef fastdl_gemm g = p.g
    g.k = c.k
    K.gemm_block(&g, i, min(i + c.row_step, c.m), j, min(j + c.col_step, c.n))


cdef inline ptrdiff_t sum_columns(const Sums* a, const Step* step) noexcept nogil:
    return piece_size(a.cols, a.rows if a.rows >= 0 else step.rows, 1 << 15, 16)


cdef ptrdiff_t sums_chunks(void* args, const Step* step) noexcept nogil:
    cdef const Sums* a = <const Sums*>args
    return pieces(a.cols, sum_columns(a, step))


cdef void sums_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Sums* a = <const Sums*>args
    cdef ptrdiff_t size = sum_columns(a, step), j = chunk * size
    K.column_sums(a.sums + j, a.x + j, a.rows if a.rows >= 0 else step.rows, min(size, a.cols - j), a.ldx)


cdef int activation_kind(object activation) except -1:
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation: expected None, 'relu' or 'tanh', got {activation!r}")
    return ACTIVATIONS[activation]


# One product each, by shape: pointers and strides of C (m, n), A (m, k), B (k, n).

cdef Product forward_product(float* y, const float* x, const float* w, const float* b, ptrdiff_t rows, ptrdiff_t inputs,
                             ptrdiff_t outputs, ptrdiff_t ldy, ptrdiff_t ldx, ptrdiff_t ldw, int activation):
    return Product(fastdl_gemm(y, x, w, b, ldy, ldx, 1, ldw, 1, inputs, activation), rows, outputs, ARE_M)


cdef Product weight_product(float* dw, const float* x, const float* dy, ptrdiff_t rows, ptrdiff_t inputs,
                            ptrdiff_t outputs, ptrdiff_t lddw, ptrdiff_t ldx, ptrdiff_t lddy):
    return Product(fastdl_gemm(dw, x, dy, NULL, lddw, 1, ldx, lddy, 1, rows, FASTDL_LINEAR), inputs, outputs, ARE_K)


cdef Product input_product(float* dx, const float* dy, const float* w, ptrdiff_t rows, ptrdiff_t inputs,
                           ptrdiff_t outputs, ptrdiff_t lddx, ptrdiff_t lddy, ptrdiff_t ldw):
    return Product(fastdl_gemm(dx, dy, w, NULL, lddx, lddy, 1, 1, ldw, outputs, FASTDL_LINEAR), rows, inputs, ARE_M)


def record_forward(Program program, float[:, :] y, float[:, :] x, float[:, :] w, float[:] b=None, activation=None):
    """Record y = activation(x w + b).   y: (B, O)   x: (B, I)   w: (I, O)   b: (O,) or None."""
    cdef Product p = forward_product(
        &y[0, 0], &x[0, 0], &w[0, 0], NULL if b is None else &b[0], 0, w.shape[0], w.shape[1],
        y.strides[0] // 4, x.strides[0] // 4, w.strides[0] // 4, activation_kind(activation))
    program.add(product_chunk, product_chunks, &p, sizeof(p), (y, x, w, b))


def record_weight_gradient(Program program, float[:, :] dw, float[:, :] x, float[:, :] dy):
    """Record dw = xT dy.   dw: (I, O)   x: (B, I)   dy: (B, O)."""
    cdef Product p = weight_product(
        &dw[0, 0], &x[0, 0], &dy[0, 0], 0, dw.shape[0], dw.shape[1],
        dw.strides[0] // 4, x.strides[0] // 4, dy.strides[0] // 4)
    program.add(product_chunk, product_chunks, &p, sizeof(p), (dw, x, dy))


def record_bias_gradient(Program program, float[:] db, float[:, :] dy):
    """Record db = column sums of dy.   db: (O,)   dy: (B, O)."""
    cdef Sums a = Sums(&db[0], &dy[0, 0], db.shape[0], dy.strides[0] // 4, -1)
    program.add(sums_chunk, sums_chunks, &a, sizeof(a), (db, dy))


def record_input_gradient(Program program, float[:, :] dx, float[:, :] dy, float[:, :] w):
    """Record dx = dy wT.   dx: (B, I)   dy: (B, O)   w: (I, O)."""
    cdef Product p = input_product(
        &dx[0, 0], &dy[0, 0], &w[0, 0], 0, w.shape[0], w.shape[1],
        dx.strides[0] // 4, dy.strides[0] // 4, w.strides[0] // 4)
    program.add(product_chunk, product_chunks, &p, sizeof(p), (dx, dy, w))


cdef inline float* at(ndarray a) noexcept:
    return <float*>a.data


cdef void product_now(Product p, ptrdiff_t rows) noexcept:
    cdef Op op = Op(product_chunk, product_chunks, &p)
    run_now(&op, 1, rows)


def matmul(a, b, bint transpose_a=False, bint transpose_b=False, out=None):
    """Matrix product of float32 matrices.

    Parameters
    ----------
    a : array_like, shape (m, k), or (k, m) with transpose_a
    b : array_like, shape (k, n), or (n, k) with transpose_b
    transpose_a, transpose_b : bool
        Multiply by the transposed matrix; neither is copied.
    out : ndarray, shape (m, n), float32, optional
        Where the result goes. C-contiguous, sharing no memory with a or b.

    Returns
    -------
    ndarray, shape (m, n), float32
        Each element is one chain of fused multiply-adds in the order of k, so its error is at most k * 2^-24 times the
        sum of the absolute products, and its bits depend on nothing but its row of a and its column of b.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    TypeError
        If an array does not hold real numbers.
    """
    cdef ndarray x = matrix(a, "a"), y = matrix(b, "b"), c
    cdef ptrdiff_t m = x.shape[1 if transpose_a else 0], k = x.shape[0 if transpose_a else 1]
    cdef ptrdiff_t n = y.shape[0 if transpose_b else 1]
    if y.shape[1 if transpose_b else 0] != k:
        raise ValueError(f"b: expected {k} {'columns' if transpose_b else 'rows'} to match a of shape "
                         f"{(<object>x).shape}{' transposed' if transpose_a else ''}, got shape {(<object>y).shape}")
    c = result(out, (m, n), (x, y))
    cdef ptrdiff_t a_i = 1 if transpose_a else x.shape[1], a_p = x.shape[1] if transpose_a else 1
    cdef ptrdiff_t b_p = 1 if transpose_b else y.shape[1], b_j = y.shape[1] if transpose_b else 1
    cdef fastdl_gemm g = fastdl_gemm(at(c), at(x), at(y), NULL, n, a_i, a_p, b_p, b_j, k, FASTDL_LINEAR)
    product_now(Product(g, m, n, FIXED), m)
    return c


def dense_forward(x, w, b=None, activation=None, out=None):
    """Output of a dense layer, y = activation(x w + b), with bias and activation applied in the product's store.

    Parameters
    ----------
    x : array_like, shape (B, I)
        Inputs, a row each.
    w : array_like, shape (I, O)
        Weights.
    b : array_like, shape (O,), optional
        Biases.
    activation : {None, "relu", "tanh"}
        Applied to each output.
    out : ndarray, shape (B, O), float32, optional
        Where the result goes. C-contiguous, sharing no memory with the inputs.

    Returns
    -------
    ndarray, shape (B, O), float32

    Raises
    ------
    ValueError
        If shapes do not fit or the activation is unknown.
    TypeError
        If an array does not hold real numbers.
    """
    cdef ndarray x_ = matrix(x, "x"), w_ = matrix(w, "w"), b_ = None, y
    cdef int kind = activation_kind(activation)
    cdef ptrdiff_t rows = x_.shape[0], inputs = w_.shape[0], outputs = w_.shape[1]
    if x_.shape[1] != inputs:
        raise ValueError(f"x: expected {inputs} columns to match w of shape {(<object>w_).shape}, "
                         f"got shape {(<object>x_).shape}")
    if b is not None:
        b_ = vector(b, "b", outputs)
    y = result(out, (rows, outputs), (x_, w_) if b is None else (x_, w_, b_))
    product_now(forward_product(at(y), at(x_), at(w_), NULL if b is None else at(b_), rows, inputs, outputs, outputs,
                                inputs, outputs, kind), rows)
    return y


def dense_backward(dy, x, w):
    """Gradients of a dense layer y = x w + b.

    Parameters
    ----------
    dy : array_like, shape (B, O)
        Gradient of the loss with respect to y.
    x : array_like, shape (B, I)
        The layer's inputs.
    w : array_like, shape (I, O)
        Its weights.

    Returns
    -------
    dx : ndarray, shape (B, I), float32
        dy wT.
    dw : ndarray, shape (I, O), float32
        xT dy.
    db : ndarray, shape (O,), float32
        Column sums of dy, added in float64.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    TypeError
        If an array does not hold real numbers.
    """
    cdef ndarray dy_ = matrix(dy, "dy"), x_ = matrix(x, "x"), w_ = matrix(w, "w"), dx, dw, db
    cdef ptrdiff_t rows = x_.shape[0], inputs = w_.shape[0], outputs = w_.shape[1]
    if x_.shape[1] != inputs:
        raise ValueError(f"x: expected {inputs} columns to match w of shape {(<object>w_).shape}, "
                         f"got shape {(<object>x_).shape}")
    if dy_.shape[0] != rows or dy_.shape[1] != outputs:
        raise ValueError(f"dy: expected shape {(rows, outputs)} to match x {(<object>x_).shape} and "
                         f"w {(<object>w_).shape}, got {(<object>dy_).shape}")
    dx = result(None, (rows, inputs), ())
    dw = result(None, (inputs, outputs), ())
    db = result(None, (outputs,), ())
    product_now(input_product(at(dx), at(dy_), at(w_), rows, inputs, outputs, inputs, outputs, outputs), rows)
    product_now(weight_product(at(dw), at(x_), at(dy_), rows, inputs, outputs, outputs, inputs, outputs), rows)
    cdef Sums a = Sums(at(db), at(dy_), outputs, outputs, rows)
    cdef Op op = Op(sums_chunk, sums_chunks, &a)
    run_now(&op, 1, rows)
    return dx, dw, db
