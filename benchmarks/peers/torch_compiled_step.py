"""torch.compile of the forward pass and the loss, float32; the rest of the step is torch_step's."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.peers.cases import Case
from benchmarks.peers.torch_step import TorchTraining, prepare


class CompiledTraining(TorchTraining):
    """Compiles in its first epochs, which are not timed."""

    def __init__(self, case: Case, rows: np.ndarray, labels: np.ndarray) -> None:
        super().__init__(case, rows, labels)
        self.compiled = torch.compile(super().mean_loss)

    def mean_loss(self, rows: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        loss: torch.Tensor = self.compiled(rows, labels)
        return loss


def start(case: Case, rows: np.ndarray, labels: np.ndarray, threads: int) -> CompiledTraining:
    """Return the training on so many threads."""
    prepare(threads)
    return CompiledTraining(case, rows, labels)
