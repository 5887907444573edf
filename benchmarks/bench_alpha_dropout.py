"""Alpha dropout against NumPy: a generator's float32 numbers, compared, chosen, and mapped."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.compare import check, normal, times
from benchmarks.conftest import Race
from fastdl import kernels

SHAPES = [(32, 64), (128, 512), (512, 2048)]
RATE, ALPHA, SEED = 0.1, -1.7580993408473766, 7
SCALE = ((1 - RATE) * (1 + RATE * ALPHA**2)) ** -0.5


@pytest.mark.parametrize("shape", SHAPES, ids=times)
def bench_forward(race: Race, shape: tuple[int, int]) -> None:
    x, out, chance = normal(shape), np.empty(shape, dtype=np.float32), np.empty(shape, dtype=np.float32)
    rng = np.random.default_rng(SEED)
    # The two sides draw different masks, so only fastdl's can be foretold.
    kept = np.where(kernels.dropout_mask(shape, RATE, SEED), x.astype(np.float64), ALPHA)
    check("alpha dropout", kernels.alpha_dropout_forward(x, RATE, SEED), SCALE * (kept - RATE * ALPHA))

    def numpy() -> np.ndarray:
        rng.random(dtype=np.float32, out=chance)
        np.copyto(out, x)
        out[chance < RATE] = ALPHA
        np.multiply(out, np.float32(SCALE), out=out)
        return np.add(out, np.float32(-SCALE * RATE * ALPHA), out=out)

    race(
        f"alpha dropout {times(shape)}",
        None,
        fastdl=lambda: kernels.alpha_dropout_forward(x, RATE, SEED, out=out),
        numpy=numpy,
    )
