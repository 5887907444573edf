"""Mixup: training on mixtures of two rows and of their targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.errors import check_number
from fastdl.kernels import random_normal, random_uniform
from fastdl.kernels.mixup import record_mix, record_mix_labels
from fastdl.losses import CrossEntropy
from fastdl.nn.embedding import Embedding

if TYPE_CHECKING:
    from fastdl.kernels._scalar import Column
    from fastdl.losses import Loss
    from fastdl.nn.network import Network
    from fastdl.program import Array, Buffer, Recorder, Window

SHARE_STREAM = 1 << 30
GRAIN = 1 << 16  # shares are multiples of 1 / GRAIN, so that logarithms which differ in their last place give the same


class Mixup:
    """Each row x, y of a batch becomes l x + (1 - l) x', l y + (1 - l) y' (Zhang et al. 2018).

    x', y' are the next row of the batch, behind the last one the first: as batches are drawn at random, so are the
    pairs. l, one for each step, is drawn from Beta(alpha, alpha). Labels become probabilities, sample weights are mixed
    likewise. Rows are mixed as the network's scaler leaves them. History and metrics are those of the mixtures;
    validation is not mixed.
    """

    def __init__(self, alpha: float) -> None:
        self.alpha = check_number("mixup", alpha, 0.0, 1e6, open_low=True)

    def check(self, network: Network, loss: Loss) -> None:
        """Refuse what cannot be mixed."""
        if isinstance(network.first_layer(), Embedding):
            raise ValueError("mixup: categories can't be mixed, and the network begins with an Embedding")
        if loss.labels and not isinstance(loss, CrossEntropy):
            raise ValueError(f"mixup: the loss {loss.name or loss!r} takes labels, not probabilities")

    base = 1.0

    def over(self, window: Window) -> Array:
        """l of each step of an epoch."""
        return self.shares(len(window.steps), window.seed, window.epoch)

    def shares(self, steps: int, seed: int, epoch: int) -> Array:
        """l of each step of an epoch: (steps,)."""
        first, second = (log_gammas(self.alpha, steps, seed, epoch, SHARE_STREAM + 2 * i) for i in range(2))
        with np.errstate(over="ignore"):
            return np.round(GRAIN / (1.0 + np.exp(second - first))) / GRAIN

    def record(
        self, recorder: Recorder, loss: Loss, outputs: int, x: Buffer, targets: Buffer, weights: Buffer | None
    ) -> tuple[Buffer, Buffer, Buffer | None]:
        """Record the mixing of a batch. Returns the mixtures of x, targets and weights."""
        share, mixed_weights = recorder.scalar("mixup", self), None
        if weights is not None:
            mixed_weights = recorder.vector()
            recorder.add(record_mix, y=mixed_weights, x=weights, share=share)
        if len(targets.shape) == 1:
            assert isinstance(loss, CrossEntropy)
            probabilities = recorder.matrix(outputs)
            smoothing = loss.label_smoothing
            recorder.add(record_mix_labels, y=probabilities, labels=targets, share=share, smoothing=smoothing)
            return self._mixed(recorder, x, share), probabilities, mixed_weights
        return self._mixed(recorder, x, share), self._mixed(recorder, targets, share), mixed_weights

    def _mixed(self, recorder: Recorder, x: Buffer, share: float | Column) -> Buffer:
        y = recorder.matrix(x.shape[1])
        recorder.add(record_mix, y=y, x=x, share=share)
        return y

    def __repr__(self) -> str:
        return f"Mixup({self.alpha!r})"


def log_gammas(alpha: float, n: int, seed: int, epoch: int, stream: int) -> Array:
    """Logarithms of n draws from Gamma(alpha, 1); a small alpha gives some that float64 would not hold.

    Marsaglia & Tsang 2000: one for alpha + 1, by rejection, times u^(1 / alpha).
    """
    d = alpha + 2.0 / 3.0
    result = np.zeros(n)
    wanted, trial = np.arange(n), 1
    while len(wanted):
        # All of them are drawn again, so that each depends on its place and the number of its trials alone.
        normal = random_normal(n, seed, epoch, stream + 4 * trial)[wanted].astype(np.float64)
        uniform = 1.0 - random_uniform(n, seed, epoch, stream + 4 * trial + 1)[wanted].astype(np.float64)
        v = (1.0 + normal / np.sqrt(9.0 * d)) ** 3
        with np.errstate(invalid="ignore", divide="ignore"):
            good = (v > 0.0) & (np.log(uniform) < 0.5 * normal**2 + d * (1.0 - v + np.log(v)))
        result[wanted[good]] = np.log(d * v[good])
        wanted, trial = wanted[~good], trial + 1
    uniform = 1.0 - random_uniform(n, seed, epoch, stream).astype(np.float64)
    logs: Array = result + np.log(uniform) / alpha
    return logs


def mixup_of(alpha: Any) -> Mixup | None:
    """The option of a Trainer: a number, or None or 0 for none."""
    return None if alpha is None or check_number("mixup", alpha, 0.0, 1e6) == 0.0 else Mixup(alpha)
