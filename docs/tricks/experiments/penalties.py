"""What holds weights back: penalties, decay and limits, on few rows with wrong labels among them."""

from __future__ import annotations

from typing import Any

import numpy as np

import fastdl as fdl
from experiments.common import SEEDS, Outcome, digits, fit
from fastdl import nn, optim

ROWS, WRONG = 300, 0.2
LIMITS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "L2 0.0003": {"penalty": fdl.L2(3e-4)},
    "L2 0.003": {"penalty": fdl.L2(3e-3)},
    "L1 0.0003": {"penalty": fdl.L1(3e-4)},
    "decay 0.1, coupled (Adam)": {"optimizer": optim.Adam(3e-3, weight_decay=0.1)},
    "decay 0.1, decoupled (AdamW)": {"optimizer": optim.AdamW(3e-3, weight_decay=0.1)},
    "decay 1, decoupled (AdamW)": {"optimizer": optim.AdamW(3e-3, weight_decay=1.0)},
    "max-norm 1": {"max_norm": 1.0},
    "max-norm 0.5": {"max_norm": 0.5},
}


def net(max_norm: float | None) -> nn.Sequential:
    """One wide hidden layer."""
    return nn.Sequential(nn.Standardize(), nn.Dense(256, max_norm=max_norm), nn.ReLU(), nn.Dense(10))


def noisy(seed: int) -> Any:
    """Few rows, of which some carry a wrong label, and clean ones to test on."""
    (X, y), test = digits(seed)
    X, y = X[:ROWS], y[:ROWS].copy()
    wrong = fdl.kernels.random_uniform(ROWS, seed, 1) < WRONG
    y[wrong] = (y[wrong] + 1 + np.floor(9 * fdl.kernels.random_uniform(ROWS, seed, 2)[wrong]).astype(int)) % 10
    return (X, y), test


def run(quick: bool) -> Outcome:
    """Long enough to learn the wrong labels by heart."""
    epochs = 2 if quick else 100
    outcome = Outcome(["test accuracy", "accuracy on the training labels", "norm of the weights"])
    for seed in SEEDS if not quick else SEEDS[:1]:
        data = noisy(seed)
        for name, options in LIMITS.items():
            more = {"optimizer": optim.Adam(3e-3), **options}
            max_norm = more.pop("max_norm", None)
            trainer = fit(lambda limit=max_norm: net(limit), seed, epochs, data, **more)
            history, weights = trainer.history, trainer.net.parameters()
            size = np.sqrt(sum(float(np.square(w).sum()) for name, w in weights.items() if "weight" in name))
            outcome.add(name, [history["val_accuracy"][-1], history["accuracy"][-1], size], history["val_accuracy"])
    return outcome
