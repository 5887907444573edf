"""Three hidden layers of 100 sigmoids, with and without batch norm."""

from __future__ import annotations

from experiments.common import SEEDS, Outcome, fit
from fastdl import nn, optim


def net(norm: bool) -> nn.Sequential:
    """The network of section 4.1 of the paper, on digits of 8 x 8."""
    hidden = [layer for _ in range(3) for layer in (nn.Dense(100), *([nn.BatchNorm()] if norm else []), nn.Sigmoid())]
    return nn.Sequential(nn.MinMaxScale(), *hidden, nn.Dense(10))


def run(quick: bool) -> Outcome:
    """Plain gradient descent at two rates."""
    epochs = 3 if quick else 60
    outcome = Outcome([f"accuracy after {epochs // 6 or 1} epochs", f"after {epochs} epochs"])
    for seed in SEEDS if not quick else SEEDS[:1]:
        for name, norm in (("without", False), ("batch norm", True)):
            for rate in (0.1, 1.0):
                curve = fit(lambda norm=norm: net(norm), seed, epochs, optimizer=optim.SGD(rate)).history[
                    "val_accuracy"
                ]
                outcome.add(f"{name}, rate {rate}", [curve[epochs // 6], curve[-1]], curve)
    return outcome
