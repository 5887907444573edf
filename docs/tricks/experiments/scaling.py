"""Inputs in units of their own: scaled in several ways or not, with and without outliers."""

from __future__ import annotations

from typing import Any

import numpy as np

import fastdl as fdl
from experiments.common import SEEDS, Outcome, digits, fit
from fastdl import nn, optim

SCALERS = {
    "none": nn.Identity,
    "MinMaxScale": nn.MinMaxScale,
    "Standardize": nn.Standardize,
    "RobustScale": nn.RobustScale,
}
OUTLIERS = 5  # training rows in which a pixel is a thousand times too large


def in_units(seed: int, outliers: bool) -> Any:
    """The digits, each pixel in a unit of its own between 0.01 and 100, and far from zero."""
    (X, y), (X_test, y_test) = digits(seed)
    unit = 10.0 ** (4 * fdl.kernels.random_uniform(X.shape[1], seed, 3) - 2)
    X, X_test = (X + 20.0) * unit, (X_test + 20.0) * unit
    if outliers:
        for row in range(OUTLIERS):
            X[row, (7 * row + np.arange(16)) % 64] *= 1000.0
    return (X, y), (X_test, y_test)


def run(quick: bool) -> Outcome:
    """A hidden layer of tanh, Adam."""
    epochs = 2 if quick else 30
    outcome = Outcome(["test accuracy", "with outliers"])
    for seed in SEEDS if not quick else SEEDS[:1]:
        for name, scaler in SCALERS.items():
            runs = [
                fit(
                    lambda kind=scaler: nn.Sequential(kind(), nn.Dense(64), nn.Tanh(), nn.Dense(10)),
                    seed, epochs, in_units(seed, outliers), optimizer=optim.Adam(3e-3),
                ).history
                for outliers in (False, True)
            ]  # fmt: skip
            outcome.add(name, [history["val_accuracy"][-1] for history in runs], runs[0]["val_accuracy"])
    return outcome
