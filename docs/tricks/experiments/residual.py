"""Thirty hidden layers, plain and as fifteen residual blocks."""

from __future__ import annotations

from experiments.common import SEEDS, Outcome, fit
from fastdl import nn, optim

WIDTH = 64


def net(kind: str) -> nn.Sequential:
    """Thirty hidden layers of ReLUs after a first one."""
    first = (nn.MinMaxScale(), nn.Dense(WIDTH), nn.ReLU())
    if kind == "plain":
        hidden = [layer for _ in range(30) for layer in (nn.Dense(WIDTH), nn.ReLU())]
    elif kind == "plain, batch norm":
        hidden = [layer for _ in range(30) for layer in (nn.Dense(WIDTH), nn.BatchNorm(), nn.ReLU())]
    else:
        zero = kind.endswith("from zero")
        hidden = [
            nn.Residual(nn.Dense(WIDTH), nn.BatchNorm(), nn.ReLU(), nn.Dense(WIDTH), nn.BatchNorm(), zero_init=zero)
            for _ in range(15)
        ]
    return nn.Sequential(*first, *hidden, nn.Dense(10))


def run(quick: bool) -> Outcome:
    """Gradient descent with momentum."""
    epochs = 2 if quick else 30
    outcome = Outcome([f"accuracy after {epochs // 6 or 1} epochs", f"after {epochs} epochs"])
    for seed in SEEDS if not quick else SEEDS[:1]:
        for kind in ("plain", "plain, batch norm", "residual", "residual, from zero"):
            curve = fit(lambda kind=kind: net(kind), seed, epochs, optimizer=optim.SGD(0.02, momentum=0.9)).history[
                "val_accuracy"
            ]
            curve = list(curve) or [0.1]
            outcome.add(kind, [curve[min(epochs // 6, len(curve) - 1)], curve[-1]], curve)
    return outcome
