"""Gathering a batch of shuffled rows as float32, against NumPy's take."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.compare import times
from benchmarks.conftest import Race
from fastdl import kernels

# rows of the data, columns, rows of the batch
SIZES = [(8192, 16, 32), (8192, 128, 64), (4096, 784, 128), (4096, 512, 128)]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "uint8"])
@pytest.mark.parametrize("size", SIZES, ids=times)
def bench_rows(race: Race, size: tuple[int, int, int], dtype: str) -> None:
    rows, columns, batch = size
    rng = np.random.default_rng(0)
    data = rng.integers(256, size=(rows, columns)).astype(dtype)
    indices = rng.permutation(rows)[:batch]
    out, taken = np.empty((batch, columns), dtype=np.float32), np.empty((batch, columns), dtype=dtype)

    def numpy() -> np.ndarray:
        # mode="clip" is what lets take write into out without a copy between.
        if dtype == "float32":
            return np.take(data, indices, axis=0, out=out, mode="clip")
        np.take(data, indices, axis=0, out=taken, mode="clip")
        out[...] = taken
        return out

    race(
        f"gather {batch} of {rows}x{columns} {dtype}",
        data[indices].astype(np.float64),
        fastdl=lambda: kernels.gather(data, indices, out=out),
        numpy=numpy,
    )
