"""What all optimizers share: the parameters cut into chunks, and the kernel called on each.

A step is fused: clip factor, decay, bias corrections, update and the average of the weights are one pass over a flat
range.
"""
import numpy as np

from libc.math cimport copysign, sqrt
from libc.stdint cimport int64_t
from libc.string cimport memset
from numpy cimport ndarray

from fastdl.kernels._arrays cimport elements, flat, in_place, is_plain, overlap
from fastdl.kernels._average cimport rest_of
from fastdl.kernels._csrc cimport fastdl_update
from fastdl.kernels._hyper cimport (
    ADADELTA, ADAGRAD, ADAM, ADAMAX, AMSGRAD, LION, MOMENTUM, NADAM, NORMALIZED_SGD, RADAM, RMSPROP, SGD, Kind, Scalars,
    fill, finite, inverse, rates_until,
)
from fastdl.kernels._program cimport Program
from fastdl.kernels._scalar cimport Scalar, at, scalar
from fastdl.kernels._team cimport K, Op, Step, once, piece_size, pieces, run_now

cdef enum:
    CHUNK_ELEMENTS = 1 << 14
    NORM_BLOCK = 1 << 14        # that of global_norm, so that the norm has the same bits
    SLOTS = 3                   # places for them; a kernel that may do without one finds NULL there

KINDS = {
    "sgd": SGD, "normalized_sgd": NORMALIZED_SGD, "momentum": MOMENTUM, "lion": LION, "adagrad": ADAGRAD,
    "adadelta": ADADELTA, "rmsprop": RMSPROP, "adam": ADAM, "amsgrad": AMSGRAD, "nadam": NADAM, "radam": RADAM,
    "adamax": ADAMAX,
}

cdef struct Prepare:
    Scalars s
    Scalar lr, weight_decay, momentum, beta1, beta2, eps    # those of the step; s has its copies of them
    const double* norm          # (2,): that of the gradient, and the factor that clips it
    const double* groups        # (groups, 2): factors of the decay and of the rate
    ptrdiff_t n_groups
    fastdl_update* update       # (groups,)
    double product, product_of  # NAdam's product of rates, and how many steps are in it

cdef struct Update:
    Kind kind
    float* w
    float* slot[SLOTS]
    const float* g
    const fastdl_update* update  # (groups,)
    float* average              # of w after the step, or NULL
    double average_decay
    bint average_warmup
    const int64_t* blocks       # (n, 3): start, length, group; group -1 is only averaged
    const int64_t* chunk        # (chunks + 1,): the first block of each
    ptrdiff_t chunks

cdef struct Squares:
    double* norm
    const float* g
    ptrdiff_t n


cdef void prepare_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef Prepare* a = <Prepare*>args
    cdef double lr = at(&a.lr, step), t = <double>(step.number + 1), scale = a.norm[1]
    cdef ptrdiff_t i
    a.s.weight_decay = at(&a.weight_decay, step)
    a.s.momentum = at(&a.momentum, step)
    a.s.beta1 = at(&a.beta1, step)
    a.s.beta2 = at(&a.beta2, step)
    a.s.eps = at(&a.eps, step)
    if a.s.kind == NADAM:
        if a.product_of > t:
            a.product, a.product_of = 1.0, 0.0
        a.product = rates_until(&a.s, t, a.product, a.product_of)
        a.product_of = t
    elif a.s.kind == NORMALIZED_SGD:
        scale = inverse(a.norm[0])
        lr = lr if scale != 0.0 else 0.0
    for i in range(a.n_groups):
        fill(&a.update[i], &a.s, lr * a.groups[2 * i + 1], t, scale, a.s.weight_decay * a.groups[2 * i], a.product)


cdef void apply(const Update* a, ptrdiff_t i, ptrdiff_t n, const fastdl_update* u) noexcept nogil:
    """The kernel on elements i .. i + n."""
    cdef float* w = a.w + i
    cdef const float* g = a.g + i
    cdef float* slot[SLOTS]
    cdef int j
    for j in range(SLOTS):
        slot[j] = a.slot[j] + i if a.slot[j] != NULL else NULL
    if a.kind == SGD or a.kind == NORMALIZED_SGD:
        K.sgd(w, g, n, u)
    elif a.kind == MOMENTUM:
        K.momentum(w, slot[0], g, n, u)
    elif a.kind == LION:
        K.lion(w, slot[0], g, n, u)
    elif a.kind == ADAGRAD:
        K.adagrad(w, slot[0], g, n, u)
    elif a.kind == ADADELTA:
        K.adadelta(w, slot[0], slot[1], g, n, u)
    elif a.kind == RMSPROP:
        K.rmsprop(w, slot[0], slot[1], slot[2], g, n, u)
    elif a.kind == ADAM:
        K.adam(w, slot[0], slot[1], g, n, u)
    elif a.kind == AMSGRAD:
        K.amsgrad(w, slot[0], slot[1], slot[2], g, n, u)
    elif a.kind == NADAM:
        K.nadam(w, slot[0], slot[1], g, n, u)
    elif a.kind == RADAM:
        K.radam(w, slot[0], slot[1], g, n, u)
    else:
        K.adamax(w, slot[0], slot[1], g, n, u)


cdef ptrdiff_t update_chunks(void* args, const Step* step) noexcept nogil:
    return (<Update*>args).chunks


cdef void update_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Update* a = <const Update*>args
    cdef const int64_t* block
    cdef float rest = 0.0
    cdef ptrdiff_t b
    if a.average != NULL:
        rest = rest_of(a.average_decay, a.average_warmup, step)
    for b in range(a.chunk[chunk], a.chunk[chunk + 1]):
        block = a.blocks + 3 * b
        if block[2] >= 0:
            apply(a, block[0], block[1], &a.update[block[2]])
        if a.average != NULL:
            K.average(a.average + block[0], a.w + block[0], block[1], rest)


def _with_gaps(segments, size):
    """All of range(size) as segments in their order; None for the factors of what was in none."""
    result, end = [], 0
    for segment in sorted(segments):
        if segment[0] > end:
            result.append((end, segment[0] - end, None, None))
        result.append(segment)
        end = segment[0] + segment[1]
    if size > end:
        result.append((end, size - end, None, None))
    return result


def _cut(segments):
    """Blocks (start, length, group) of some CHUNK_ELEMENTS, none across two segments, where each chunk begins, and of
    each group the factors of its decay and of its rate; group -1 has none."""
    size, total = CHUNK_ELEMENTS, sum(length for _, length, _, _ in segments)
    while total > size * 16384:
        size *= 2
    blocks, chunks, held = [], [0], 0
    groups: dict[tuple[float, float], int] = {}
    for start, length, decay, rate in segments:
        group = -1 if rate is None else groups.setdefault((float(decay), float(rate)), len(groups))
        for at in range(start, start + length, size):
            n = min(size, start + length - at)
            blocks.append((at, n, group))
            held += n
            if held >= size:
                chunks.append(len(blocks))
                held = 0
    if held:
        chunks.append(len(blocks))
    return (np.array(blocks, np.int64).reshape(-1, 3), np.array(chunks, np.int64),
            np.array(list(groups), np.float64).reshape(-1, 2))


def record_update(Program program, str kind, float[::1] w, float[::1] g, float[::1] first, float[::1] second,
                  float[::1] third, double[::1] norm, segments, lr, weight_decay=0.0, bint decoupled=False,
                  momentum=0.0, bint nesterov=False, bint rate_outside=False, beta1=0.0, beta2=0.0, eps=0.0,
                  double momentum_decay=0.0, bint eps_hat=False, float[::1] average=None, double average_decay=0.0,
                  bint average_warmup=False):
    """Record an optimizer's step over a flat arena.   w, g, first, second, third: (n,)   norm: (2,) of record_norm.

    kind is one of KINDS; first, second and third are the slots in the order of its kernel, None for what it does not
    have or want. segments lists (start, length, decay, rate): elements in none are left alone, and decay and rate are
    factors of weight_decay and of the learning rate. lr, weight_decay, momentum, beta1, beta2 and eps are numbers or
    Columns; NAdam's beta1, whose product over all steps is kept, is a number. With eps_hat Adam's eps is added to the
    root of v itself, as at the end of section 2 of its paper.

    average: (n,), or None. After the update of a block, while it is in the cache, all of w, also what is in no segment,
    is taken into it as `record_ema` with average_decay and average_warmup would.
    """
    cdef Scalars s = Scalars(
        KINDS[kind], 0.0, 0.0, 0.0, 0.0, 0.0, momentum_decay, nesterov, rate_outside, decoupled, eps_hat)
    blocks, chunks, groups = _cut(segments if average is None else _with_gaps(segments, w.shape[0]))
    cdef const int64_t[:, ::1] table = blocks
    cdef const int64_t[::1] starts = chunks
    cdef const double[:, ::1] facts = groups
    cdef ptrdiff_t n = facts.shape[0]
    cdef unsigned char[::1] update = np.zeros(max(1, n) * sizeof(fastdl_update), np.uint8)
    cdef Prepare p = Prepare(
        s, scalar(lr, "lr"), scalar(weight_decay, "weight_decay"), scalar(momentum, "momentum"), scalar(beta1, "beta1"),
        scalar(beta2, "beta2"), scalar(eps, "eps"), &norm[0], NULL, n, <fastdl_update*>&update[0], 1.0, 0.0)
    cdef Update a
    memset(&a, 0, sizeof(a))
    a.kind, a.w, a.g, a.update = s.kind, &w[0], &g[0], p.update
    a.slot[0], a.slot[1], a.slot[2] = flat(first), flat(second), flat(third)
    a.average, a.average_decay, a.average_warmup = flat(average), average_decay, average_warmup
    a.chunks = starts.shape[0] - 1
    a.chunk = &starts[0]
    if table.shape[0]:
        a.blocks = &table[0, 0]
    if n:
        p.groups = &facts[0, 0]
    program.add(prepare_chunk, once, &p, sizeof(p), (facts, update, norm))
    program.add(update_chunk, update_chunks, &a, sizeof(a),
                (w, g, first, second, third, table, starts, update, average))


cdef ptrdiff_t flat_chunks(void* args, const Step* step) noexcept nogil:
    return pieces(step.rows, piece_size(step.rows, 1, CHUNK_ELEMENTS, 16))


cdef void flat_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Update* a = <const Update*>args
    cdef ptrdiff_t size = piece_size(step.rows, 1, CHUNK_ELEMENTS, 16), i = chunk * size
    apply(a, i, min(size, step.rows - i), a.update)


cdef void norm_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Squares* a = <const Squares*>args
    cdef double total = 0.0, part
    cdef ptrdiff_t b
    for b in range(pieces(a.n, NORM_BLOCK)):
        K.sum_of_squares(&part, a.g + b * NORM_BLOCK, min(<ptrdiff_t>NORM_BLOCK, a.n - b * NORM_BLOCK))
        total += part
    a.norm[0] = sqrt(total)


cdef int check_arrays(object w, ndarray g, tuple names, tuple slots, int needed) except -1:
    """Refuse what can't be updated in place, by name."""
    cdef int i
    in_place(w, "w", None)
    if (<object>g).shape != w.shape:
        raise ValueError(f"g: expected the shape of w, {w.shape}, got {(<object>g).shape}")
    before = {"w": w, "g": g}
    if overlap(w, g):
        raise ValueError("g: expected an array that shares no memory with w, got one that overlaps")
    for i, (name, each) in enumerate(zip(names, slots)):
        if each is None and i >= needed:
            continue
        in_place(each, name, w.shape)
        for other, earlier in before.items():
            if overlap(each, earlier):
                raise ValueError(f"{name}: expected an array that shares no memory with {other}, got one that overlaps")
        before[name] = each
    return 0


cdef bint are_plain(object w, ndarray g, tuple slots, int needed) except -1:
    """Whether there is nothing to refuse, looked at without a detour through Python."""
    cdef int i, j
    if not is_plain(w, g) or overlap(w, g):
        return False
    for i in range(<int>len(slots)):
        if slots[i] is None and i >= needed:
            continue
        if not is_plain(slots[i], g) or overlap(slots[i], w) or overlap(slots[i], g):
            return False
        for j in range(i):
            if slots[j] is not None and overlap(slots[i], slots[j]):
                return False
    return True


cdef int update_now(Scalars s, object lr, double t, object grad_scale, object w, object g, tuple names, tuple slots,
                    int needed=SLOTS, object norm=None) except -1:
    """Check all, then change anything. Slots are in the order of the kernel; from `needed` on, None will do."""
    cdef double rate = finite(lr, "lr"), scale = finite(grad_scale, "grad_scale", True), length = 0.0
    cdef ndarray g_ = elements(g, "g")
    cdef fastdl_update u
    cdef Update a
    cdef Squares squares
    cdef Op op
    cdef int i
    if not are_plain(w, g_, slots, needed):
        check_arrays(w, g_, names, slots, needed)
    memset(&a, 0, sizeof(a))
    a.kind, a.w, a.g, a.update = s.kind, <float*>(<ndarray>w).data, <float*>g_.data, &u
    for i in range(<int>len(slots)):
        if slots[i] is not None:
            a.slot[i] = <float*>(<ndarray>slots[i]).data
    if s.kind == NORMALIZED_SGD:
        if norm is not None:
            length = finite(norm, "norm")
        else:
            squares = Squares(&length, a.g, g_.size)
            op = Op(norm_chunk, once, &squares)
            run_now(&op, 1, 0)
        scale = copysign(1.0, scale) * inverse(length) if scale != 0.0 else 0.0
        rate = rate if scale != 0.0 else 0.0
    fill(&u, &s, rate, t, scale, s.weight_decay, rates_until(&s, t, 1.0, 0.0) if s.kind == NADAM else 0.0)
    op = Op(flat_chunk, flat_chunks, &a)
    run_now(&op, 1, g_.size)
    return 0
