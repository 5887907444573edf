"""Random numbers as pure functions of (seed, step, stream, index)."""
import numpy as np

from libc.stdint cimport int64_t, uint32_t, uint64_t
from numpy cimport ndarray

from fastdl.kernels._arrays cimport word
from fastdl.kernels._team cimport K

cdef extern from *:
    """
    /* The high half of a product: a draw from 0 .. n - 1 out of 64 random bits (Lemire 2019), bias below n / 2^64. */
    static inline uint64_t fastdl_below(uint64_t random, uint64_t n)
    {
        return (uint64_t)((unsigned __int128)random * n >> 64);
    }
    """
    uint64_t fastdl_below(uint64_t random, uint64_t n) noexcept nogil

cdef enum:
    DRAWS = 32                  # 64-bit draws made in one go


cdef ndarray _empty(object n, object dtype):
    if not hasattr(n, "__index__"):
        raise TypeError(f"n: expected an int, got {type(n).__name__}")
    if n < 0:
        raise ValueError(f"n: expected an int >= 0, got {n}")
    return np.empty(n, dtype)


def _words(values, str name, int count) -> list:
    if not hasattr(values, "__iter__") or isinstance(values, (str, bytes)):
        raise TypeError(f"{name}: expected {count} ints, got {type(values).__name__}")
    found = [word(value, name, 32) for value in values]
    if len(found) != count:
        raise ValueError(f"{name}: expected {count} words, got {len(found)}")
    return found


def philox4x32(counter, key):
    """One block of Philox4x32-10 (Salmon et al. 2011).

    Parameters
    ----------
    counter : sequence of 4 int
        32 bits each.
    key : sequence of 2 int
        32 bits each.

    Returns
    -------
    ndarray, shape (4,), uint32
    """
    c, k = (_words(counter, "counter", 4), _words(key, "key", 2))
    cdef ndarray words = np.empty(4, np.uint32)
    cdef uint64_t block = c[0] | c[1] << 32, seed = k[0] | k[1] << 32
    K.philox(<uint32_t*>words.data, block, 1, seed, c[2], c[3])
    return words


def random_uniform(n, seed, step=0, stream=0):
    """Uniform deviates on [0, 1), multiples of 2^-24.

    Parameters
    ----------
    n : int
    seed : int
        64-bit key.
    step, stream : int
        32-bit counters.

    Returns
    -------
    ndarray, shape (n,), float32
        Element e is the upper 24 bits of word e % 4 of Philox block e // 4; it does not depend on n.
    """
    cdef ndarray y = _empty(n, np.float32)
    cdef ptrdiff_t size = y.shape[0]
    cdef uint64_t s = word(seed, "seed", 64)
    cdef uint32_t i = <uint32_t>word(step, "step", 32), j = <uint32_t>word(stream, "stream", 32)
    with nogil:
        K.uniform(<float*>y.data, 0, size, s, i, j)
    return y


def random_normal(n, seed, step=0, stream=0):
    """Standard normal deviates by Box and Muller (1958), at most 5.77 in size.

    Parameters and Returns are those of `random_uniform`.
    """
    cdef ndarray y = _empty(n, np.float32)
    cdef ptrdiff_t size = y.shape[0]
    cdef uint64_t s = word(seed, "seed", 64)
    cdef uint32_t i = <uint32_t>word(step, "step", 32), j = <uint32_t>word(stream, "stream", 32)
    with nogil:
        K.normal(<float*>y.data, 0, size, s, i, j)
    return y


def permutation(n, seed, step=0, stream=0):
    """Random permutation of 0 .. n - 1 (Fisher & Yates), 64 random bits a draw.

    Parameters
    ----------
    n : int
    seed, step, stream : int
        As in `random_uniform`.

    Returns
    -------
    ndarray, shape (n,), int64
    """
    cdef ndarray order = _empty(n, np.int64)
    cdef int64_t* p = <int64_t*>order.data
    cdef ptrdiff_t size = order.shape[0], i, draw = 0
    cdef uint64_t s = word(seed, "seed", 64), j
    cdef uint32_t number = <uint32_t>word(step, "step", 32), series = <uint32_t>word(stream, "stream", 32)
    cdef uint64_t[DRAWS] words
    with nogil:
        for i in range(size):
            p[i] = i
        for i in range(size - 1, 0, -1):
            if draw % DRAWS == 0:
                K.philox(<uint32_t*>words, draw // 2, DRAWS // 2, s, number, series)
            j = fastdl_below(words[draw % DRAWS], <uint64_t>(i + 1))
            p[i], p[j] = p[j], p[i]
            draw += 1
    return order
