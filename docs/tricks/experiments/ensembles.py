"""Committees of one to ten networks, on few rows and on wrong labels."""

from __future__ import annotations

from typing import Any

import numpy as np

import fastdl as fdl
from experiments.common import SEEDS, Outcome, digits
from experiments.penalties import ROWS, noisy
from fastdl import nn, optim
from fastdl.committee import Committee

SIZES = (1, 2, 3, 5, 10)


def net() -> nn.Sequential:
    """One hidden layer."""
    return nn.Sequential(nn.Standardize(), nn.Dense(64), nn.ReLU(), nn.Dense(10))


def accuracies(seed: int, data: Any, epochs: int) -> list[float]:
    """Test accuracy of the first 1, 2, 3, 5 and 10 members."""
    (X, y), (X_test, y_test) = data
    ensemble = fdl.Ensemble(net(), max(SIZES), optimizer=optim.Adam(3e-3), seed=1000 * seed)
    ensemble.fit(X, y, epochs=epochs, batch_size=50, progress=False)
    found = []
    for size in SIZES:
        committee = Committee()
        committee.members = ensemble.members[:size]
        found.append(float(np.mean(committee.predict_classes(X_test) == y_test)))
    return found


def run(quick: bool) -> Outcome:
    """The curve is over the number of members, on wrong labels."""
    epochs = 2 if quick else 60
    outcome = Outcome(["test accuracy", "with wrong labels"], axes=("members", "test accuracy, wrong labels"))
    for seed in SEEDS if not quick else SEEDS[:1]:
        (X, y), test = digits(seed)
        clean = accuracies(seed, ((X[:ROWS], y[:ROWS]), test), epochs)
        wrong = accuracies(seed, noisy(seed), epochs)
        for size, *values in zip(SIZES, clean, wrong, strict=True):
            outcome.add(f"{size} member{'s' * (size > 1)}", values, [])
        outcome.curves.setdefault("members", []).append(np.interp(range(1, max(SIZES) + 1), SIZES, wrong).tolist())
    return outcome
