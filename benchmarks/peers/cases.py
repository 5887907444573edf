"""The networks to train, and their data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

DROPOUT = 0.2
LEARNING_RATE = 1e-3
CLIP_NORM = 1.0
BETAS = (0.9, 0.999)
ADAM_EPS = 1e-8
BATCHNORM_EPS = 1e-5
BATCHNORM_MOMENTUM = 0.9


@dataclass(frozen=True)
class Case:
    """Widths of a network from inputs to classes, rows of a batch, and steps of an epoch.

    A plain one has hidden layers of Dense and ReLU alone, and no clipping.
    """

    name: str
    widths: tuple[int, ...]
    batch: int
    steps: int
    plain: bool = False

    @property
    def rows(self) -> int:
        """Rows of the data: whole batches only, so that every step costs the same."""
        return self.batch * self.steps

    @property
    def hidden(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""
        return self.widths[1:-1]

    @property
    def parameters(self) -> int:
        """Trained numbers: weights and biases, and the two vectors of each batch norm."""
        dense = sum(i * o + o for i, o in pairwise(self.widths))
        return dense + (0 if self.plain else 2 * sum(self.hidden))

    def __str__(self) -> str:
        return f"{self.name} ({'-'.join(map(str, self.widths))}, batch {self.batch}{', plain' * self.plain})"


CASES = {
    case.name: case
    for case in (
        Case("S1", (16, 64, 64, 2), 32, 256),
        Case("S2", (64, 128, 128, 10), 64, 128),
        Case("M1", (784, 512, 256, 10), 128, 32),
        Case("L1", (784, 1024, 1024, 10), 256, 8),
        Case("L2", (256, 2048, 2048, 100), 512, 4),
        # pytorch/pytorch issue 144633: one more unit, and torch takes every core it finds and is slower for it.
        Case("W45", (10, 45, 45, 10), 128, 100, plain=True),
        Case("W46", (10, 46, 46, 10), 128, 100, plain=True),
    )
}


class Training(Protocol):
    """A network in the middle of its training."""

    def epochs(self, count: int) -> Sequence[float]:
        """Train for so many epochs; return the seconds that each took."""

    def loss(self) -> float:
        """Return the mean cross-entropy over all rows, in inference mode."""


def make_data(case: Case, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return rows float32 (n, inputs) and labels int64 (n,) that a linear teacher gives them."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((case.rows, case.widths[0]), dtype=np.float32)
    teacher = rng.standard_normal((case.widths[0], case.widths[-1]), dtype=np.float32)
    return rows, (rows @ teacher).argmax(axis=1).astype(np.int64)


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean cross-entropy of logits (n, classes), in float64."""
    logits = logits.astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(logits).sum(axis=1))
    return float(np.mean(log_sum - logits[np.arange(len(labels)), labels]))
