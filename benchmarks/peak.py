"""The peak of one core's multiply-add units, measured by a small C loop.

The loop is compiled on the spot by whatever C compiler there is, for this very processor, and shares nothing with
fastdl: a yardstick that fastdl made itself would shrink with its mistakes.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from time import perf_counter

from benchmarks.native import compiled

SOURCE = r"""
#if defined(__AVX512F__)
#define WIDTH 64
#elif defined(__AVX__)
#define WIDTH 32
#else
#define WIDTH 16
#endif
/* More chains than latency times units, fewer than registers. */
#define CHAINS 12
typedef float lanes __attribute__((vector_size(WIDTH)));

long flop_each(void) { return 2L * CHAINS * (WIDTH / (long)sizeof(float)); }

float run(long count, float factor, float term)
{
    lanes a[CHAINS], f = (lanes){0} + factor, t = (lanes){0} + term, sum = (lanes){0};
    for (int i = 0; i < CHAINS; i++) a[i] = t * (float)i;
    for (long n = 0; n < count; n++) {
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++) a[i] = a[i] * f + t;
    }
    for (int i = 0; i < CHAINS; i++) sum += a[i];
    return sum[0];
}
"""
WITHOUT = {"avx2": ("-mno-avx512f",), "baseline": ("-mno-avx",)}  # what those tables do not use, either
REPEATS = 20_000
SAMPLES = 10


@cache
def compiled_loop(isa: str | None) -> Callable[[int], float] | None:
    """Return a function that runs the loop so many times and gives GFLOP/s; None where there is no compiler."""
    loaded = compiled(SOURCE, *WITHOUT.get(isa or "", ()))
    if loaded is None:
        return None
    loaded.run.argtypes = (ctypes.c_long, ctypes.c_float, ctypes.c_float)
    loaded.run.restype = ctypes.c_float
    loaded.flop_each.restype = ctypes.c_long

    def rate(count: int) -> float:
        start = perf_counter()
        loaded.run(count, 0.5, 1.0)
        return 1e-9 * count * loaded.flop_each() / (perf_counter() - start)

    return rate


def fma_gflops(isa: str | None = None) -> float | None:
    """Return the best of a few samples, a couple of milliseconds in all; None where it can't be measured.

    It is that of all that the processor has, or with the means of one of fastdl's instruction sets.
    """
    rate = compiled_loop(isa)
    if rate is None:
        return None
    return max(rate(REPEATS) for _ in range(SAMPLES))
