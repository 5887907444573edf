"""Optimizer steps, fused: clip factor, decay, bias corrections and update in one pass over a flat range."""
import numpy as np

from libc.math cimport pow, sqrt
from libc.stdint cimport int64_t
from libc.string cimport memset
from numpy cimport ndarray

from fastdl.kernels._arrays cimport flat, in_place, number, vector
from fastdl.kernels._csrc cimport fastdl_update
from fastdl.kernels._program cimport Program
from fastdl.kernels._team cimport K, Op, Step, once, piece_size, pieces, run_now

cdef enum:
    CHUNK_ELEMENTS = 1 << 14

cdef enum Kind:
    SGD, MOMENTUM, ADAM

cdef struct Scalars:            # made new once a step, for all chunks
    double momentum, beta1, beta2, eps, weight_decay
    bint nesterov, decoupled, rate_outside
    ptrdiff_t lr                # which of the step's scalars is the learning rate
    const double* factor        # what the gradient is multiplied by
    fastdl_update update[2]     # of parameters that don't decay, and of those that do

cdef struct Update:
    Kind kind
    float* w
    float* first                # velocity, or first moment
    float* second               # second moment
    const float* g
    const fastdl_update* update  # (2,)
    const int64_t* blocks       # (n, 3): start, length, decays
    const int64_t* chunk        # (chunks + 1,): the first block of each
    ptrdiff_t chunks


cdef Scalars scalars(ptrdiff_t lr, double weight_decay, const double* factor) noexcept:
    """What every optimizer has; the caller sets what its own has beside that."""
    cdef Scalars s
    memset(&s, 0, sizeof(s))
    s.lr = lr
    s.weight_decay = weight_decay
    s.factor = factor
    return s


cdef void fill(fastdl_update* u, const Scalars* s, double lr, double t, double factor, double decay) noexcept nogil:
    u.lr = <float>lr
    u.grad_scale = <float>factor
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
    u.step_size = <float>(lr / (1.0 - pow(s.beta1, t)))
    u.root_scale = <float>(1.0 / sqrt(1.0 - pow(s.beta2, t)))


cdef void prepare_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef Scalars* s = <Scalars*>args
    cdef double lr = step.scalars[s.lr], t = <double>(step.number + 1)
    fill(&s.update[0], s, lr, t, s.factor[0], 0.0)
    fill(&s.update[1], s, lr, t, s.factor[0], s.weight_decay)


cdef void apply(const Update* a, ptrdiff_t start, ptrdiff_t n, const fastdl_update* u) noexcept nogil:
    if a.kind == ADAM:
        K.adam(a.w + start, a.first + start, a.second + start, a.g + start, n, u)
    elif a.kind == MOMENTUM:
        K.momentum(a.w + start, a.first + start, a.g + start, n, u)
    else:
        K.sgd(a.w + start, a.g + start, n, u)


cdef ptrdiff_t update_chunks(void* args, const Step* step) noexcept nogil:
    return (<Update*>args).chunks


cdef void update_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Update* a = <const Update*>args
    cdef ptrdiff_t b
    for b in range(a.chunk[chunk], a.chunk[chunk + 1]):
        apply(a, a.blocks[3 * b], a.blocks[3 * b + 1], &a.update[a.blocks[3 * b + 2]])


def _cut(segments):
    """Blocks (start, length, decays) of some CHUNK_ELEMENTS, none across two segments, and where each chunk begins."""
    size, total = CHUNK_ELEMENTS, sum(length for _, length, _ in segments)
    while total > size * 16384:
        size *= 2
    blocks, chunks, held = [], [0], 0
    for start, length, decays in segments:
        for at in range(start, start + length, size):
            n = min(size, start + length - at)
            blocks.append((at, n, bool(decays)))
            held += n
            if held >= size:
                chunks.append(len(blocks))
                held = 0
    if held:
        chunks.append(len(blocks))
    return np.array(blocks, np.int64).reshape(-1, 3), np.array(chunks, np.int64)


cdef object record(Program program, Update a, Scalars s, object segments, tuple keep):
    blocks, chunks = _cut(segments)
    cdef const int64_t[:, ::1] table = blocks
    cdef const int64_t[::1] first = chunks
    a.update = (<Scalars*>program.add(prepare_chunk, once, &s, sizeof(s), ())).update
    a.chunks = first.shape[0] - 1
    a.blocks = &table[0, 0] if a.chunks else NULL
    a.chunk = &first[0]
    program.add(update_chunk, update_chunks, &a, sizeof(a), (table, first, *keep))


def record_sgd(Program program, float[::1] w, float[::1] g, float[::1] v, double[::1] norm, segments, Py_ssize_t lr,
               double momentum, bint nesterov, double weight_decay, bint rate_outside):
    """Record SGD over a flat arena.   w, g, v: (n,), v is None without momentum   norm: (2,) of record_norm.

    rate_outside is PyTorch's form. segments lists (start, length, decays); lr is the index of the learning rate among a
    step's scalars.
    """
    cdef Scalars s = scalars(lr, weight_decay, &norm[1])
    s.momentum = momentum
    s.nesterov = nesterov
    s.rate_outside = rate_outside
    cdef Update a = Update(SGD if v is None else MOMENTUM, &w[0], flat(v), NULL, &g[0], NULL, NULL, NULL, 0)
    record(program, a, s, segments, (w, g, v, norm))


def record_adam(Program program, float[::1] w, float[::1] g, float[::1] m, float[::1] v, double[::1] norm, segments,
                Py_ssize_t lr, double beta1, double beta2, double eps, double weight_decay, bint decoupled):
    """Record Adam over a flat arena.   w, g, m, v: (n,)   norm: (2,) of record_norm. The rest as in record_sgd."""
    cdef Scalars s = scalars(lr, weight_decay, &norm[1])
    s.beta1 = beta1
    s.beta2 = beta2
    s.eps = eps
    s.decoupled = decoupled
    cdef Update a = Update(ADAM, &w[0], &m[0], &v[0], &g[0], NULL, NULL, NULL, 0)
    record(program, a, s, segments, (w, g, m, v, norm))


cdef ptrdiff_t flat_chunks(void* args, const Step* step) noexcept nogil:
    return pieces(step.rows, piece_size(step.rows, 1, CHUNK_ELEMENTS, 16))


cdef void flat_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Update* a = <const Update*>args
    cdef ptrdiff_t size = piece_size(step.rows, 1, CHUNK_ELEMENTS, 16), i = chunk * size
    apply(a, i, min(size, step.rows - i), a.update)


cdef int update_now(Kind kind, Scalars s, double lr, double t, double grad_scale, object w, object g, object first,
                    object second) except -1:
    """Check all, then change anything."""
    for name, value in (("lr", lr), ("grad_scale", grad_scale), ("weight_decay", s.weight_decay), ("eps", s.eps)):
        if not np.isfinite(value) or (value < 0.0 and name != "grad_scale"):
            raise ValueError(f"{name}: expected a finite number{'' if name == 'grad_scale' else ' >= 0'}, got {value}")
    in_place(w, "w", None)
    if kind != SGD and first is None or kind == ADAM and second is None:
        raise TypeError("m, v: expected NumPy arrays, got None")
    cdef ndarray g_ = np.asarray(g)
    if (<object>g_).shape != w.shape:
        raise ValueError(f"g: expected the shape of w, {w.shape}, got {(<object>g_).shape}")
    g_ = vector((<object>g_).reshape(-1), "g", -1)
    for name, slot in (("m" if kind == ADAM else "v", first), ("v", second)):
        if slot is None:
            continue
        in_place(slot, name, w.shape)
        if np.may_share_memory(slot, w) or np.may_share_memory(slot, g_):
            raise ValueError(f"{name}: expected an array that shares no memory with w and g, got one that overlaps")
    if second is not None and np.may_share_memory(first, second):
        raise ValueError("v: expected an array that shares no memory with m, got one that overlaps")
    if np.may_share_memory(w, g_):
        raise ValueError("g: expected an array that shares no memory with w, got one that overlaps")
    cdef fastdl_update u
    fill(&u, &s, lr, t, grad_scale, s.weight_decay)
    cdef Update a = Update(kind, <float*>(<ndarray>w).data, NULL, NULL, <float*>g_.data, &u, NULL, NULL, 0)
    if first is not None:
        a.first = <float*>(<ndarray>first).data
    if second is not None:
        a.second = <float*>(<ndarray>second).data
    cdef Op op = Op(flat_chunk, flat_chunks, &a)
    run_now(&op, 1, g_.size)
    return 0


def sgd_update(w, g, lr, weight_decay=0.0, grad_scale=1.0) -> None:
    """One step of gradient descent, in place: g' = grad_scale g + weight_decay w; w -= lr g'.

    Parameters
    ----------
    w : ndarray, float32, C-contiguous
        Parameters, any shape; changed in place.
    g : array_like, shape of w
        Gradient; not changed.
    lr : float
        Learning rate.
    weight_decay : float
        Coupled decay.
    grad_scale : float
        Factor of the gradient, applied before the decay (clipping).

    Raises
    ------
    ValueError, TypeError
        If an argument will not do; nothing has changed then.
    """
    cdef Scalars s = scalars(0, number(weight_decay, "weight_decay"), NULL)
    update_now(SGD, s, number(lr, "lr"), 1.0, number(grad_scale, "grad_scale"), w, g, None, None)


def momentum_update(w, g, v, lr, momentum, bint nesterov=False, weight_decay=0.0,
                    grad_scale=1.0, bint rate_outside=False) -> None:
    """One step of gradient descent with momentum, in place (the form of Sutskever et al. 2013, and of Keras).

    g' = grad_scale g + weight_decay w; v = momentum v - lr g'; w += v, or w += momentum v - lr g' with nesterov.

    Parameters
    ----------
    w, v : ndarray, float32, C-contiguous
        Parameters and velocity, of one shape; changed in place.
    g : array_like, shape of w
        Gradient; not changed.
    lr, momentum : float
        momentum in [0, 1].
    nesterov : bool
    weight_decay, grad_scale : float
        As in `sgd_update`.
    rate_outside : bool
        PyTorch's form: v = momentum v + g'; w -= lr v, or w -= lr (g' + momentum v) with nesterov.

    Raises
    ------
    ValueError, TypeError
        If an argument will not do; nothing has changed then.
    """
    if not 0.0 <= number(momentum, "momentum") <= 1.0:
        raise ValueError(f"momentum: expected a number in [0, 1], got {momentum}")
    cdef Scalars s = scalars(0, number(weight_decay, "weight_decay"), NULL)
    s.momentum = momentum
    s.nesterov = nesterov
    s.rate_outside = rate_outside
    update_now(MOMENTUM, s, number(lr, "lr"), 1.0, number(grad_scale, "grad_scale"), w, g, v, None)


def adam_update(w, g, m, v, lr, beta1, beta2, eps, step, weight_decay=0.0,
                bint decoupled=False, grad_scale=1.0) -> None:
    """One step of Adam (Kingma & Ba 2015), or of AdamW (Loshchilov & Hutter 2019) with decoupled decay, in place.

    g' = grad_scale g + weight_decay w (coupled); m = beta1 m + (1 - beta1) g'; v = beta2 v + (1 - beta2) g'^2;
    w -= lr mhat / (sqrt(vhat) + eps), where mhat = m / (1 - beta1^step) and vhat = v / (1 - beta2^step). Decoupled:
    w *= 1 - lr weight_decay before that, and nothing is added to g'.

    Parameters
    ----------
    w, m, v : ndarray, float32, C-contiguous
        Parameters, first and second moment, of one shape; changed in place.
    g : array_like, shape of w
        Gradient; not changed.
    lr, beta1, beta2, eps : float
        beta1 and beta2 in [0, 1).
    step : int
        From 1.
    weight_decay, grad_scale : float
    decoupled : bool

    Raises
    ------
    ValueError, TypeError
        If an argument will not do; nothing has changed then.
    """
    for name, value in (("beta1", beta1), ("beta2", beta2)):
        if not 0.0 <= number(value, name) < 1.0:
            raise ValueError(f"{name}: expected a number in [0, 1), got {value}")
    if isinstance(step, bool) or not hasattr(step, "__index__"):
        raise TypeError(f"step: expected an int, got {type(step).__name__}")
    if step < 1:
        raise ValueError(f"step: expected an int >= 1, got {step}")
    cdef double epsilon = number(eps, "eps")
    cdef Scalars s = scalars(0, number(weight_decay, "weight_decay"), NULL)
    s.beta1 = beta1
    s.beta2 = beta2
    s.eps = epsilon
    s.decoupled = decoupled
    update_now(ADAM, s, number(lr, "lr"), <double>step, number(grad_scale, "grad_scale"), w, g, m, v)
