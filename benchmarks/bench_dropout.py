"""Dropout against NumPy's quickest: a generator's float32 numbers, compared and multiplied."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.compare import check, normal, times
from benchmarks.conftest import Race
from fastdl import kernels

SHAPES = [(32, 64), (128, 512), (512, 2048)]
RATE = 0.2
SCALE = np.float32(1 / (1 - RATE))
SEED = 7


def check_mask(shape: tuple[int, int]) -> np.ndarray:
    """Return fastdl's mask, after a look at how many elements it keeps."""
    mask = kernels.dropout_mask(shape, RATE, SEED)
    deviation = np.sqrt(RATE * (1 - RATE) / mask.size)
    kept = np.mean(mask)
    assert abs(kept - (1 - RATE)) < 6 * deviation + 2**-16, f"dropout keeps {kept:.3f} of {times(shape)}"
    return mask


@pytest.mark.parametrize("shape", SHAPES, ids=times)
def bench_forward(race: Race, shape: tuple[int, int]) -> None:
    x, out, chance = normal(shape), np.empty(shape, dtype=np.float32), np.empty(shape, dtype=np.float32)
    rng = np.random.default_rng(SEED)
    # The two sides draw different masks, so only fastdl's can be foretold.
    want = np.where(check_mask(shape), x.astype(np.float64) / (1 - RATE), 0)
    check("dropout forward", kernels.dropout_forward(x, RATE, SEED), want)

    def numpy() -> np.ndarray:
        rng.random(dtype=np.float32, out=chance)
        np.multiply(x, SCALE, out=out)
        return np.multiply(out, chance >= RATE, out=out)

    race(
        f"dropout forward {times(shape)}",
        None,
        fastdl=lambda: kernels.dropout_forward(x, RATE, SEED, out=out),
        numpy=numpy,
    )


@pytest.mark.parametrize("shape", SHAPES, ids=times)
def bench_backward(race: Race, shape: tuple[int, int]) -> None:
    """NumPy has kept its mask; fastdl's eager call draws its own again."""
    dy, out, mask = normal(shape), np.empty(shape, dtype=np.float32), check_mask(shape)
    factor = np.where(mask, SCALE, np.float32(0))
    race(
        f"dropout backward {times(shape)}",
        np.where(mask, dy.astype(np.float64) / (1 - RATE), 0),
        fastdl=lambda: kernels.dropout_backward(dy, RATE, SEED, out=out),
        numpy=lambda: np.multiply(dy, factor, out=out),
    )


@pytest.mark.parametrize("shape", SHAPES, ids=times)
def bench_mask(race: Race, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(SEED)
    check_mask(shape)
    race(
        f"dropout mask {times(shape)}",
        None,
        fastdl=lambda: kernels.dropout_mask(shape, RATE, SEED),
        numpy=lambda: rng.random(shape, dtype=np.float32) >= RATE,
    )
