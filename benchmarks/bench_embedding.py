"""Embeddings against NumPy: take for the rows, and the quickest scatter-add that it has."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.compare import normal, times
from benchmarks.conftest import Race
from fastdl import kernels

SHAPES = [(32, 10, 4), (256, 100, 16), (1024, 10000, 32)]  # rows, size of the table, length of its vectors


def codes_of(rows: int, size: int) -> np.ndarray:
    """Return codes as a column of float32 holds them."""
    return np.random.default_rng(0).integers(0, size, rows).astype(np.float32)


@pytest.mark.parametrize("shape", SHAPES, ids=times)
def bench_forward(race: Race, shape: tuple[int, int, int]) -> None:
    rows, size, dim = shape
    codes, table, out = codes_of(rows, size), normal((size, dim)), np.empty((rows, dim), dtype=np.float32)
    race(
        f"embedding forward {times(shape)}",
        table[codes.astype(np.intp)],
        fastdl=lambda: kernels.embedding_forward(codes, table, out=out),
        numpy=lambda: np.take(table, codes.astype(np.intp), axis=0, out=out, mode="clip"),
    )


@pytest.mark.parametrize("shape", SHAPES, ids=times)
def bench_backward(race: Race, shape: tuple[int, int, int]) -> None:
    rows, size, dim = shape
    codes, dy, out = codes_of(rows, size), normal((rows, dim)), np.empty((size, dim), dtype=np.float32)
    want = np.zeros((size, dim))
    np.add.at(want, codes.astype(np.intp), dy)

    def numpy() -> np.ndarray:
        out.fill(0)
        np.add.at(out, codes.astype(np.intp), dy)
        return out

    race(
        f"embedding backward {times(shape)}",
        want,
        fastdl=lambda: kernels.embedding_backward(dy, codes, size, out=out),
        numpy=numpy,
    )
