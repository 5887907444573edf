"""Nets that vanish or explode: what `fdl.diagnose` says before the training, and what its advice does."""

from __future__ import annotations

from typing import Any

import fastdl as fdl
from experiments.common import SEEDS, Outcome, digits, fit
from fastdl import init, nn, optim

DEPTH = 10


def deep(activation: Any, start: Any, norm: bool = False) -> nn.Sequential:
    """Ten hidden layers."""
    layers: list[nn.Layer] = [nn.MinMaxScale()]
    for _ in range(DEPTH):
        layers += [nn.Dense(64, init=start), *([nn.BatchNorm()] if norm else []), activation()]
    return nn.Sequential(*layers, nn.Dense(10))


NETS = {
    "sigmoid": lambda: deep(nn.Sigmoid, "glorot"),
    "tanh, weights too small": lambda: deep(nn.Tanh, init.Gaussian(0.02)),
    "tanh, weights too large": lambda: deep(nn.Tanh, init.Gaussian(1.0)),
    "tanh, Glorot": lambda: deep(nn.Tanh, "glorot"),
    "tanh, too small, batch norm": lambda: deep(nn.Tanh, init.Gaussian(0.02), norm=True),
}


def run(quick: bool) -> Outcome:
    """What is found after one epoch, and where 20 epochs end."""
    epochs = 2 if quick else 20
    outcome = Outcome(["test accuracy", "layers that look ill"])
    for seed in SEEDS if not quick else SEEDS[:1]:
        (X, y), _ = digits(seed)
        for name, make in NETS.items():
            probe = fdl.Trainer(make(), optimizer=optim.Adam(1e-3), seed=seed)
            probe.fit(X, y, epochs=1, batch_size=50, progress=False)
            ill = {finding.layer for finding in fdl.diagnose(probe).findings}
            history = fit(make, seed, epochs, optimizer=optim.Adam(1e-3)).history
            outcome.add(name, [history["val_accuracy"][-1], len(ill)], history["val_accuracy"])
    return outcome
