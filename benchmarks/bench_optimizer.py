"""Optimizer updates against NumPy, and Adam also against torch's fused one where torch is installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benchmarks.compare import check, normal
from benchmarks.conftest import THREADS, Race
from fastdl import kernels

LENGTHS = [5_000, 50_000, 5_000_000]
RATE, MOMENTUM, BETAS, EPS, STEP = 1e-3, 0.9, (0.9, 0.999), 1e-8, 3
Arrays = tuple[np.ndarray, ...]


def sgd(w: np.ndarray, g: np.ndarray, scratch: np.ndarray) -> None:
    """w -= rate g."""
    np.multiply(g, RATE, out=scratch)
    w -= scratch


def momentum(w: np.ndarray, g: np.ndarray, v: np.ndarray, scratch: np.ndarray) -> None:
    """v = momentum v - rate g; w += v."""
    np.multiply(g, RATE, out=scratch)
    v *= MOMENTUM
    v -= scratch
    w += v


def adam(w: np.ndarray, g: np.ndarray, m: np.ndarray, v: np.ndarray, scratch: np.ndarray) -> None:
    """Adam in place, with the bias corrections in two scalars."""
    np.multiply(g, 1 - BETAS[0], out=scratch)
    m *= BETAS[0]
    m += scratch
    np.multiply(g, g, out=scratch)
    scratch *= 1 - BETAS[1]
    v *= BETAS[1]
    v += scratch
    np.sqrt(v, out=scratch)
    scratch *= 1 / np.sqrt(1 - BETAS[1] ** STEP)
    scratch += EPS
    np.divide(m, scratch, out=scratch)
    scratch *= RATE / (1 - BETAS[0] ** STEP)
    w -= scratch


def state(length: int, slots: int) -> Arrays:
    """Return weights so small that an update shows in their check, gradient, and positive slots."""
    return (normal(length) / 100, normal(length, seed=1), *(np.abs(normal(length, seed=2 + n)) for n in range(slots)))


def run(race: Race, name: str, length: int, slots: int, ours: Callable[..., Any], theirs: Callable[..., Any]) -> None:
    """Check one update from the same state on both sides, then time them on arrays of their own."""
    arrays = state(length, slots)
    want = [array.astype(np.float64) for array in arrays]
    theirs(*want, np.empty(length))
    updated, scratch = tuple(map(np.copy, arrays)), np.empty(length, dtype=np.float32)
    ours(*updated)
    check(f"{name}, fastdl", updated, want)
    race(f"{name} {length}", None, fastdl=lambda: ours(*arrays), numpy=lambda: theirs(*arrays, scratch))


@pytest.mark.parametrize("length", LENGTHS)
def bench_sgd(race: Race, length: int) -> None:
    run(race, "SGD", length, 0, lambda w, g: kernels.sgd_update(w, g, RATE), sgd)


@pytest.mark.parametrize("length", LENGTHS)
def bench_momentum(race: Race, length: int) -> None:
    run(race, "momentum", length, 1, lambda w, g, v: kernels.momentum_update(w, g, v, RATE, MOMENTUM), momentum)


@pytest.mark.parametrize("length", LENGTHS)
def bench_adam(race: Race, length: int) -> None:
    def ours(w: np.ndarray, g: np.ndarray, m: np.ndarray, v: np.ndarray) -> None:
        kernels.adam_update(w, g, m, v, RATE, *BETAS, EPS, STEP)

    run(race, "Adam", length, 2, ours, adam)


@pytest.mark.parametrize("length", LENGTHS)
def bench_adam_of_torch(benchmark: Any, length: int) -> None:
    """A line more in the groups of Adam."""
    torch = pytest.importorskip("torch")
    torch.set_num_threads(THREADS)
    w, g = state(length, 0)
    parameter = torch.nn.Parameter(torch.from_numpy(w))
    parameter.grad = torch.from_numpy(g)
    optimizer = torch.optim.Adam([parameter], lr=RATE, betas=BETAS, eps=EPS, fused=True)
    benchmark.group = f"Adam {length}"
    benchmark(optimizer.step)
