"""Every optimizer on the same network, each at the best of four rates."""

from __future__ import annotations

import numpy as np

from experiments.common import SEEDS, Outcome, fit
from fastdl import nn, optim

BEST_OF = 4  # rates, each three times the one before
KINDS = {
    "SGD": (optim.SGD, 0.05),
    "SGD, momentum 0.9": (lambda lr: optim.SGD(lr, momentum=0.9), 0.01),
    "SGD, Nesterov": (lambda lr: optim.SGD(lr, momentum=0.9, nesterov=True), 0.01),
    "NormalizedSGD": (optim.NormalizedSGD, 0.01),
    "Adagrad": (optim.Adagrad, 0.01),
    "Adadelta": (optim.Adadelta, 0.3),
    "RMSprop": (optim.RMSprop, 3e-4),
    "Adam": (optim.Adam, 3e-4),
    "AdamW": (optim.AdamW, 3e-4),
    "Adamax": (optim.Adamax, 1e-3),
    "NAdam": (optim.NAdam, 3e-4),
    "RAdam": (optim.RAdam, 1e-3),
    "Lion": (optim.Lion, 3e-5),
}


def net() -> nn.Sequential:
    """Two hidden layers."""
    return nn.Sequential(nn.MinMaxScale(), nn.Dense(64), nn.ReLU(), nn.Dense(64), nn.ReLU(), nn.Dense(10))


def run(quick: bool) -> Outcome:
    """The rate with the least mean training loss counts, so that the test rows choose nothing."""
    epochs = 2 if quick else 15
    outcome = Outcome(["accuracy", "training loss"])
    seeds = SEEDS if not quick else SEEDS[:1]
    for name, (make, lowest) in KINDS.items():
        runs = {}
        for i in range(BEST_OF if not quick else 1):
            rate = lowest * 3.0**i
            runs[rate] = [fit(net, seed, epochs, optimizer=make(rate)).history for seed in seeds]
        whole = {
            rate: histories for rate, histories in runs.items() if all(len(h["loss"]) == epochs for h in histories)
        }
        best = min(whole, key=lambda rate: np.mean([history["loss"][-1] for history in whole[rate]]))
        for history in whole[best]:
            values = [history["val_accuracy"][-1], history["loss"][-1]]
            outcome.add(f"{name}, rate {best:.2g}", values, history["val_accuracy"])
    return outcome
