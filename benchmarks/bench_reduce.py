"""The global norm of the gradients of a network, against NumPy. For one array see bench_kernels.py."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.compare import normal
from benchmarks.conftest import Race
from fastdl import kernels

NETWORKS = {
    "16-64-64-2": [(16, 64), (64,), (64, 64), (64,), (64, 2), (2,)],
    "784-512-256-10": [(784, 512), (512,), (512, 256), (256,), (256, 10), (10,)],
}


@pytest.mark.parametrize("network", NETWORKS)
def bench_global_norm_of_network(race: Race, network: str) -> None:
    arrays = [normal(shape, seed) for seed, shape in enumerate(NETWORKS[network])]
    race(
        f"global_norm of {network}",
        np.sqrt(sum(np.sum(np.square(array, dtype=np.float64)) for array in arrays)),
        fastdl=lambda: kernels.global_norm(arrays),
        # A dot product for each tensor: the quickest that NumPy has, although in float32.
        numpy=lambda: float(np.sqrt(sum(np.vdot(array, array) for array in arrays))),
    )
