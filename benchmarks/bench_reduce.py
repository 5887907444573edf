"""The global norm of gradients against NumPy, for the tensors of a network and for one long vector."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.compare import normal, times
from benchmarks.conftest import Race
from fastdl import kernels

NETWORKS = {
    "16-64-64-2": [(16, 64), (64,), (64, 64), (64,), (64, 2), (2,)],
    "784-512-256-10": [(784, 512), (512,), (512, 256), (256,), (256, 10), (10,)],
}
LENGTHS = [50_000, 400_000, 5_000_000]


def numpy_norm(arrays: list[np.ndarray]) -> float:
    """A dot product for each tensor: the quickest that NumPy has, although in float32."""
    return float(np.sqrt(sum(np.vdot(array, array) for array in arrays)))


def run(race: Race, benchmark: Any, name: str, arrays: list[np.ndarray]) -> None:
    """Check, time, and note the bytes read, so that times can be turned into bandwidth."""
    benchmark.extra_info["bytes"] = sum(array.nbytes for array in arrays)
    want = np.sqrt(sum(np.sum(np.square(array, dtype=np.float64)) for array in arrays))
    race(
        f"global norm {name}",
        want,
        fastdl=lambda: kernels.global_norm(arrays),
        numpy=lambda: numpy_norm(arrays),
    )


@pytest.mark.parametrize("network", NETWORKS)
def bench_global_norm_of_network(race: Race, benchmark: Any, network: str) -> None:
    run(race, benchmark, network, [normal(shape, seed) for seed, shape in enumerate(NETWORKS[network])])


@pytest.mark.parametrize("length", LENGTHS)
def bench_global_norm_of_vector(race: Race, benchmark: Any, length: int) -> None:
    run(race, benchmark, times((length,)), [normal(length)])
