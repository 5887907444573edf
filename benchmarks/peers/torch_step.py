"""torch, float32, eager, with its fused Adam."""

from __future__ import annotations

from itertools import pairwise
from time import perf_counter

import numpy as np
import torch
from torch import nn

from benchmarks.peers.cases import (
    ADAM_EPS,
    BATCHNORM_EPS,
    BATCHNORM_MOMENTUM,
    BETAS,
    CLIP_NORM,
    DROPOUT,
    LEARNING_RATE,
    Case,
    cross_entropy,
)


class TorchTraining:
    """The usual loop, with everything that torch itself recommends for speed on a CPU."""

    def __init__(self, case: Case, rows: np.ndarray, labels: np.ndarray) -> None:
        self.batch, self.clips = case.batch, not case.plain
        self.rows, self.labels = torch.from_numpy(rows), torch.from_numpy(labels)
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(case.widths[:-1]):
            if case.plain:
                layers += [nn.Linear(inputs, outputs), nn.ReLU(inplace=True)]
                continue
            # torch's momentum is the weight of the new batch, not of the old estimate.
            norm = nn.BatchNorm1d(outputs, eps=BATCHNORM_EPS, momentum=1 - BATCHNORM_MOMENTUM)
            layers += [nn.Linear(inputs, outputs), norm, nn.ReLU(inplace=True), nn.Dropout(DROPOUT)]
        layers.append(nn.Linear(case.widths[-2], case.widths[-1]))
        self.model = nn.Sequential(*layers)
        self.parameters = list(self.model.parameters())
        self.optimizer = torch.optim.Adam(self.parameters, lr=LEARNING_RATE, betas=BETAS, eps=ADAM_EPS, fused=True)

    def mean_loss(self, rows: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The loss of a batch; torch_compiled_step.py and torch_bf16_step.py have their own."""
        return nn.functional.cross_entropy(self.model(rows), labels)

    def epochs(self, count: int) -> list[float]:
        self.model.train()
        seconds = []
        for _ in range(count):
            start = perf_counter()
            for index in torch.randperm(len(self.rows)).split(self.batch):
                self.optimizer.zero_grad(set_to_none=True)
                self.mean_loss(self.rows.index_select(0, index), self.labels.index_select(0, index)).backward()
                if self.clips:
                    nn.utils.clip_grad_norm_(self.parameters, CLIP_NORM)
                self.optimizer.step()
            seconds.append(perf_counter() - start)
        return seconds

    def loss(self) -> float:
        self.model.eval()
        with torch.inference_mode():
            return cross_entropy(self.model(self.rows).numpy(), self.labels.numpy())


def prepare(threads: int) -> None:
    """Set what holds for the whole process."""
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)


def start(case: Case, rows: np.ndarray, labels: np.ndarray, threads: int) -> TorchTraining:
    """Return the training on so many threads."""
    prepare(threads)
    return TorchTraining(case, rows, labels)
