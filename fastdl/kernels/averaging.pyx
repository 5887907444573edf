"""Averages of weights over the steps of a training."""
from numpy cimport ndarray

from fastdl.kernels._arrays cimport beside, in_place, number
from fastdl.kernels._average cimport rest_of
from fastdl.kernels._program cimport Program
from fastdl.kernels._team cimport K, Op, Step, piece_size, pieces, run_now

cdef enum:
    CHUNK_ELEMENTS = 1 << 15

cdef struct Average:
    float* a                    # (n,)
    const float* w              # (n,)
    ptrdiff_t n
    double decay
    bint warmup


cdef ptrdiff_t average_chunks(void* args, const Step* step) noexcept nogil:
    cdef ptrdiff_t n = (<Average*>args).n
    return pieces(n, piece_size(n, 1, CHUNK_ELEMENTS, 16))


cdef void average_chunk(void* args, Step* step, ptrdiff_t chunk) noexcept nogil:
    cdef const Average* e = <const Average*>args
    cdef ptrdiff_t size = piece_size(e.n, 1, CHUNK_ELEMENTS, 16), i = chunk * size
    K.average(e.a + i, e.w + i, min(size, e.n - i), rest_of(e.decay, e.warmup, step))


def record_ema(Program program, float[::1] average, float[::1] w, double decay, bint warmup=False):
    """Record average = d average + (1 - d) w, where d = decay or, with warmup, min(decay, (1 + t) / (10 + t)).

    t is the number of the step from 1.   average, w: (n,).
    """
    cdef Average a = Average(&average[0], &w[0], w.shape[0], decay, warmup)
    program.add(average_chunk, average_chunks, &a, sizeof(a), (average, w))


def ema_update(average, w, decay) -> None:
    """One step of an exponential moving average, in place: average = decay average + (1 - decay) w.

    Parameters
    ----------
    average : ndarray, float32, C-contiguous
        Any shape; changed in place.
    w : array_like, shape of average
        Not changed.
    decay : float
        In [0, 1].

    Raises
    ------
    ValueError, TypeError
        If an argument will not do; nothing has changed then.

    Notes
    -----
    Computed as average + (1 - decay) (w - average) with one fused multiply-add, so an average that equals w stays
    there. The error is at most 2^-24 |result| + 2^-23 (1 - decay) |w - average|. Averages of the weights of a descent
    are due to Polyak & Juditsky 1992; this is the form of Keras and PyTorch.
    """
    if not 0.0 <= number(decay, "decay") <= 1.0:
        raise ValueError(f"decay: expected a number in [0, 1], got {decay}")
    in_place(average, "average", None)
    cdef ndarray y = average, x = beside(w, "w", y, "average")
    cdef Average a = Average(<float*>y.data, <float*>x.data, x.size, <double>decay, False)
    cdef Op op = Op(average_chunk, average_chunks, &a)
    run_now(&op, 1, 1)
