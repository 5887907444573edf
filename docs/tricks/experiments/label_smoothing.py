"""Softer targets: smoothed labels and mixed rows, on clean labels and on wrong ones."""

from __future__ import annotations

from typing import Any

from experiments.common import SEEDS, Outcome, digits, fit
from experiments.penalties import ROWS, noisy
from fastdl import losses, nn, optim

SOFT: dict[str, dict[str, Any]] = {
    "plain": {},
    "smoothing 0.1": {"loss": losses.CrossEntropy(0.1)},
    "smoothing 0.3": {"loss": losses.CrossEntropy(0.3)},
    "mixup 0.2": {"mixup": 0.2},
    "mixup 1": {"mixup": 1.0},
}


def net() -> nn.Sequential:
    """One wide hidden layer."""
    return nn.Sequential(nn.Standardize(), nn.Dense(256), nn.ReLU(), nn.Dense(10))


def run(quick: bool) -> Outcome:
    """300 rows, of which a fifth carries a wrong label in the second column; tests are clean."""
    epochs = 2 if quick else 100
    outcome = Outcome(["test accuracy", "with wrong labels", "confidence, clean labels"])
    for seed in SEEDS if not quick else SEEDS[:1]:
        (X, y), test = digits(seed)
        for name, options in SOFT.items():
            clean, wrong = (
                fit(net, seed, epochs, data, optimizer=optim.Adam(3e-3), **options)
                for data in (((X[:ROWS], y[:ROWS]), test), noisy(seed))
            )
            sure = float(clean.net.predict_proba(test[0]).max(axis=1).mean())
            values = [run.history["val_accuracy"][-1] for run in (clean, wrong)]
            outcome.add(name, [*values, sure], wrong.history["val_accuracy"])
    return outcome
