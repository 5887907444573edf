"""L1 and L2 penalties, value and gradient, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.compare import check, normal
from benchmarks.conftest import Race
from fastdl import kernels

LENGTHS = [5_000, 400_000, 5_000_000]
C1, C2 = 1e-3, 1e-2


def numpy_penalty(w: np.ndarray, g: np.ndarray, scratch: np.ndarray) -> float:
    """In place; sums in the arrays' own type."""
    np.sign(w, out=scratch)
    scratch *= C1
    g += scratch
    np.multiply(w, 2.0 * C2, out=scratch)
    g += scratch
    np.abs(w, out=scratch)
    return float(C1 * scratch.sum() + C2 * np.vdot(w, w))


@pytest.mark.parametrize("length", LENGTHS)
def bench_penalty(race: Race, length: int) -> None:
    w, g, scratch = normal(length), normal(length, 1), np.empty(length, np.float32)
    one, two = g.copy(), g.astype(np.float64)
    values = kernels.penalty_l1l2(w, one, C1, C2), numpy_penalty(w.astype(np.float64), two, np.empty(length))
    check("penalty", (values[0], one), (values[1], two))
    race(
        f"L1 and L2 penalty {length}",
        None,
        fastdl=lambda: kernels.penalty_l1l2(w, g, C1, C2),
        numpy=lambda: numpy_penalty(w, g, scratch),
    )
