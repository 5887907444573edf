"""Branches of different widths beside one of the same number of parameters."""

from __future__ import annotations

from experiments.common import SEEDS, Outcome, fit
from fastdl import nn, optim


def branch(width: int, depth: int) -> nn.Sequential:
    """Some layers of one width."""
    return nn.Sequential(*(layer for _ in range(depth) for layer in (nn.Dense(width), nn.ReLU())))


NETS = {
    "one width": lambda: [nn.Dense(104), nn.ReLU(), nn.Dense(72), nn.ReLU()],
    "three equal branches": lambda: [nn.Parallel(*(branch(42, 2) for _ in range(3)))],
    "widths 20, 36 and 64": lambda: [nn.Parallel(branch(20, 2), branch(36, 2), branch(64, 2))],
    "depths 1, 2 and 3": lambda: [nn.Parallel(branch(64, 1), branch(48, 2), branch(32, 3))],
}


def run(quick: bool) -> Outcome:
    """Adam, all nets within a tenth of the same number of parameters."""
    epochs = 2 if quick else 30
    outcome = Outcome(["test accuracy", "parameters"])
    for seed in SEEDS if not quick else SEEDS[:1]:
        for name, layers in NETS.items():
            make = lambda layers=layers: nn.Sequential(nn.MinMaxScale(), *layers(), nn.Dense(10))  # noqa: E731
            trainer = fit(make, seed, epochs, optimizer=optim.Adam(3e-3))
            history = trainer.history
            outcome.add(name, [history["val_accuracy"][-1], trainer.net.count_parameters()], history["val_accuracy"])
    return outcome
