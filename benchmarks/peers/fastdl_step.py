"""fastdl's Trainer, as a user would write it."""

from __future__ import annotations

from itertools import pairwise
from time import perf_counter

import numpy as np

import fastdl as fdl
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
from fastdl import callbacks, nn, optim


class EpochClock(callbacks.Callback):
    """Notes when the first epoch of a fit begins, and when each one ends."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def on_epoch_begin(self, trainer: fdl.Trainer, epoch: int) -> None:
        if not self.times:
            self.times.append(perf_counter())

    def on_epoch_end(self, trainer: fdl.Trainer, epoch: int, logs: dict[str, float]) -> None:
        self.times.append(perf_counter())


class FastdlTraining:
    """A second ``fit`` goes on from where the first one ended."""

    def __init__(self, case: Case, rows: np.ndarray, labels: np.ndarray, threads: int) -> None:
        self.batch = case.batch
        self.rows, self.labels = rows, labels
        layers: list[nn.Layer] = []
        for width in case.hidden:
            if case.plain:
                layers += [nn.Dense(width), nn.ReLU()]
                continue
            norm = nn.BatchNorm(momentum=BATCHNORM_MOMENTUM, eps=BATCHNORM_EPS)
            layers += [nn.Dense(width), norm, nn.ReLU(), nn.Dropout(DROPOUT)]
        self.net = nn.Sequential(*layers, nn.Dense(case.widths[-1]))
        self.trainer = fdl.Trainer(
            self.net,
            loss="cross_entropy",
            optimizer=optim.Adam(LEARNING_RATE, betas=BETAS, eps=ADAM_EPS),
            clip=None if case.plain else optim.ClipNorm(CLIP_NORM),
            seed=0,
            threads=threads,
        )

    def epochs(self, count: int) -> list[float]:
        # From end to end, so that whatever happens between two epochs is counted. What a fit does before its first
        # epoch (checking the data, lowering the network) is not, as the others' first calls aren't.
        clock = EpochClock()
        self.trainer.fit(self.rows, self.labels, epochs=count, batch_size=self.batch, callbacks=[clock], progress=False)
        return [end - begin for begin, end in pairwise(clock.times)]

    def loss(self) -> float:
        return cross_entropy(self.net.predict(self.rows), self.labels)


def start(case: Case, rows: np.ndarray, labels: np.ndarray, threads: int) -> FastdlTraining:
    """Return the training on at most so many threads."""
    return FastdlTraining(case, rows, labels, threads)
