"""torch with autocast to bfloat16: products in half the precision and, where there is AMX, at many times the rate."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.peers.cases import Case
from benchmarks.peers.torch_step import TorchTraining, prepare


class AutocastTraining(TorchTraining):
    """Parameters and optimizer stay in float32."""

    def mean_loss(self, rows: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return super().mean_loss(rows, labels)


def start(case: Case, rows: np.ndarray, labels: np.ndarray, threads: int) -> AutocastTraining:
    """Return the training on so many threads."""
    prepare(threads)
    return AutocastTraining(case, rows, labels)
