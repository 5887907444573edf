"""L1 and L2 penalties on weights: their gradients added to those of the loss, their value in float64."""
import numpy as np

from libc.stdint cimport int64_t
from numpy cimport ndarray

from fastdl.kernels._arrays cimport beside, in_place, number
from fastdl.kernels._blocks cimport block_chunks, blocks_per_chunk
from fastdl.kernels._program cimport Program
from fastdl.kernels._team cimport K, Op, Step, once, run_now

from fastdl.kernels._blocks import cut

cdef struct Penalty:            # for both phases
    float* g
    const float* w
    const int64_t* blocks       # (n, 3): start, length, segment
    const double* factors       # (segments, 2): c1, c2
    double* sums                # (n, 2): of |w| and of w^2
    double* totals              # (2,): the value of this step, and the sum over the steps
    const double* share         # (2,) or NULL: the gradient is divided by share[1]
    ptrdiff_t n


cdef ptrdiff_t penalty_chunks(void* args, const Step* step) noexcept nogil:
    return block_chunks((<Penalty*>args).n)


cdef void penalty_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Penalty* a = <const Penalty*>args
    cdef ptrdiff_t size = blocks_per_chunk(a.n), b
    cdef const int64_t* block
    cdef const double* factors
    cdef double part = 1.0
    if a.share != NULL:
        part = 1.0 / a.share[1] if a.share[1] > 0.0 else 0.0
    for b in range(chunk * size, min((chunk + 1) * size, a.n)):
        block = a.blocks + 3 * b
        factors = a.factors + 2 * block[2]
        K.penalty(a.g + block[0], a.sums + 2 * b, a.w + block[0], block[1], <float>(part * factors[0]),
                  <float>(part * 2.0 * factors[1]))


cdef void total_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Penalty* a = <const Penalty*>args
    cdef double total = 0.0
    cdef const double* factors
    cdef ptrdiff_t b
    for b in range(a.n):
        factors = a.factors + 2 * a.blocks[3 * b + 2]
        total += factors[0] * a.sums[2 * b] + factors[1] * a.sums[2 * b + 1]
    a.totals[0] = total
    a.totals[1] += total


def record_penalty(Program program, float[::1] g, float[::1] w, double[::1] totals, segments,
                   double[::1] share=None):
    """Record g += c1 sign(w) + 2 c2 w, and totals = (value, totals[1] + value), value = c1 sum |w| + c2 sum w^2.

    segments lists (start, length, c1, c2). With a share, which is a total of `record_total`, what is added to g is
    divided by the batch's sum of weights; the value is not.   g, w: (n,)   totals, share: (2,).
    """
    blocks = cut([(start, length) for start, length, _, _ in segments])
    cdef const int64_t[:, ::1] table = blocks
    if not table.shape[0]:
        return
    cdef const double[:, ::1] factors = np.array([(c1, c2) for _, _, c1, c2 in segments], np.float64)
    cdef double[:, ::1] sums = np.zeros((table.shape[0], 2))
    cdef Penalty a = Penalty(&g[0], &w[0], &table[0, 0], &factors[0, 0], &sums[0, 0], &totals[0],
                             NULL, table.shape[0])
    if share is not None:
        a.share = &share[0]
    cdef object keep = (g, w, table, factors, sums, totals, share)
    program.add(penalty_chunk, penalty_chunks, &a, sizeof(a), keep)
    program.add(total_chunk, once, &a, sizeof(a), keep)


def penalty_l1l2(w, g, c1=0.0, c2=0.0) -> float:
    """Value and gradient of the penalty c1 sum |w| + c2 sum w^2; the gradient is added to g in place.

    g += c1 sign(w) + 2 c2 w, where sign(0) = 0 and sign(NaN) = NaN.

    Parameters
    ----------
    w : array_like
        Weights, any shape; not changed.
    g : ndarray, float32, C-contiguous, shape of w
        Gradient of the loss; changed in place, rounded once for each of the two terms.
    c1, c2 : float
        At least 0. Of the lasso and of ridge regression (Tibshirani 1996, Hoerl & Kennard 1970).

    Returns
    -------
    float
        The penalty's value, summed in float64: relative error about 1e-13.

    Raises
    ------
    ValueError, TypeError
        If an argument will not do; nothing has changed then.
    """
    for name, value in (("c1", c1), ("c2", c2)):
        if not 0.0 <= number(value, name) <= 1e38:
            raise ValueError(f"{name}: expected a number in [0, 1e38], got {value}")
    in_place(g, "g", None)
    cdef ndarray y = g, x = beside(w, "w", y, "g")
    if not x.size:
        return 0.0
    cdef const int64_t[:, ::1] table = cut([(0, x.size)])
    cdef double[:, ::1] sums = np.zeros((table.shape[0], 2))
    cdef double factors[2]
    cdef double totals[2]
    factors[0], factors[1] = c1, c2
    totals[0], totals[1] = 0.0, 0.0
    cdef Penalty a = Penalty(<float*>y.data, <float*>x.data, &table[0, 0], &factors[0], &sums[0, 0], &totals[0],
                             NULL, table.shape[0])
    cdef Op ops[2]
    ops[0], ops[1] = Op(penalty_chunk, penalty_chunks, &a), Op(total_chunk, once, &a)
    run_now(ops, 2, 1)
    return totals[0]
