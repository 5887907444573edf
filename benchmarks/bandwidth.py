"""How fast one core moves numbers: in its caches, and beyond them.

Each element of an array is read, changed and written back, as an optimizer or an activation in place does it; a number
read and written counts as eight bytes. The array's size decides which cache it comes from.
"""

from __future__ import annotations

import ctypes
from functools import cache
from time import perf_counter

import numpy as np

from benchmarks.native import compiled

SOURCE = r"""
void change(float *restrict x, long n, long repeats)
{
    for (long r = 0; r < repeats; r++) {
        for (long i = 0; i < n; i++) x[i] = x[i] * 0.5f + 1.0f;
        __asm__ volatile("" ::: "memory");
    }
}
"""
SAMPLES, SAMPLE_BYTES = 7, 1 << 25


@cache
def gigabytes_a_second(size: int) -> float | None:
    """Return the best of a few samples over an array of so many bytes; None where there is no compiler."""
    loaded = compiled(SOURCE)
    if loaded is None:
        return None
    loaded.change.argtypes = (ctypes.c_void_p, ctypes.c_long, ctypes.c_long)
    loaded.change.restype = None
    x = np.zeros(max(size // 4, 16) + 16, np.float32)
    start = -(x.ctypes.data // 4) % 16
    x = x[start : start + max(size // 4, 16)]
    repeats = max(1, SAMPLE_BYTES // x.nbytes)
    best = 0.0
    for _ in range(SAMPLES):
        begin = perf_counter()
        loaded.change(x.ctypes.data, x.size, repeats)
        best = max(best, 2e-9 * x.nbytes * repeats / (perf_counter() - begin))
    return best
