"""Dropout rates on few rows, clean and with wrong labels."""

from __future__ import annotations

import numpy as np

import fastdl as fdl
from experiments.common import SEEDS, Outcome, digits, fit
from fastdl import nn


def net(rate: float) -> nn.Sequential:
    """Two hidden layers, wide for 200 rows."""
    hidden = [layer for _ in range(2) for layer in (nn.Dense(256), nn.ReLU(), nn.Dropout(rate))]
    return nn.Sequential(nn.MinMaxScale(), *hidden, nn.Dense(10))


def run(quick: bool) -> Outcome:
    """200 training rows; in the second column every fifth label is another digit's."""
    epochs = 3 if quick else 100
    outcome = Outcome(["accuracy, clean labels", "accuracy, a fifth of the labels wrong"])
    for seed in SEEDS if not quick else SEEDS[:1]:
        (X, y), test = digits(seed)
        X, y = X[:200], y[:200]
        wrong = y.copy()
        shift = 1 + (fdl.kernels.random_uniform(40, seed, 1) * 9).astype(np.int64)
        wrong[::5] = (wrong[::5] + shift) % 10
        for rate in (0.0, 0.2, 0.5, 0.8):
            curves = [
                fit(lambda rate=rate: net(rate), seed, epochs, ((X, labels), test)).history["val_accuracy"]
                for labels in (y, wrong)
            ]
            outcome.add(f"rate {rate}", [curve[-1] for curve in curves], curves[1])
    outcome.axes = ("epoch", "test accuracy, a fifth wrong")
    return outcome
