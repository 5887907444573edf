"""torch's fused Adam, where torch is installed: a line more in the groups of bench_kernels.py."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.compare import normal
from benchmarks.conftest import THREADS
from fastdl.cli.races import SIZES
from fastdl.cli.races.updates import BETAS, EPS, RATE


@pytest.mark.parametrize("size", SIZES)
def bench_adam_of_torch(benchmark: Any, size: str) -> None:
    torch = pytest.importorskip("torch")
    torch.set_num_threads(THREADS)
    rows, cols = SIZES[size]
    parameter = torch.nn.Parameter(torch.from_numpy(normal((rows, cols)) / 100))
    parameter.grad = torch.from_numpy(normal((rows, cols), seed=1))
    optimizer = torch.optim.Adam([parameter], lr=RATE, betas=BETAS, eps=EPS, fused=True)
    benchmark.group = f"adam_update {rows}x{cols}"
    benchmark(optimizer.step)
