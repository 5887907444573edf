"""Clipping by the norm of each tensor and by value, against NumPy in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benchmarks.compare import check, normal, times
from benchmarks.conftest import Race
from fastdl import kernels

SHAPES = [(64, 64), (784, 512), (2048, 2048)]


def numpy_norm(x: np.ndarray, theta: float) -> None:
    """In float32, by a dot product."""
    norm = np.sqrt(np.vdot(x, x))
    if norm > theta:
        x *= theta / norm


def numpy_value(x: np.ndarray, value: float) -> None:
    """The ufunc, without a copy."""
    np.clip(x, -value, value, out=x)


@pytest.mark.parametrize("shape", SHAPES, ids=times)
@pytest.mark.parametrize(
    ("name", "ours", "theirs"),
    [("norm", kernels.clip_by_norm, numpy_norm), ("value", kernels.clip_by_value, numpy_value)],
    ids=["norm", "value"],
)
def bench_clip(
    race: Race, shape: tuple[int, int], name: str, ours: Callable[..., Any], theirs: Callable[..., Any]
) -> None:
    x, fresh = normal(shape), normal(shape)
    one, two = x.copy(), x.astype(np.float64)
    ours(one, 0.5)
    theirs(two, 0.5)
    check(f"clip by {name}", one, two)

    def run(kernel: Callable[..., Any]) -> None:
        x[:] = fresh
        kernel(x, 0.5)

    race(f"clip by {name} and a copy {times(shape)}", None, fastdl=lambda: run(ours), numpy=lambda: run(theirs))
