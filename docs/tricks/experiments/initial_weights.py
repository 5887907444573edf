"""Twenty layers of tanh from different first weights."""

from __future__ import annotations

import fastdl as fdl
from experiments.common import SEEDS, Outcome, digits, fit
from fastdl import init, nn, optim

WIDTH = 64
INITS = {
    "N(0, 1)": init.Gaussian(1.0),
    "std 1/n": init.Gaussian(1.0 / WIDTH),
    "Lecun, std 1/sqrt(n)": init.Lecun(),
    "Glorot": init.Glorot(),
    "orthogonal": init.Orthogonal(),
    "LSUV": init.LSUV(),
}


def net(of: init.Initializer) -> nn.Sequential:
    """Twenty hidden layers of 64."""
    hidden = [layer for _ in range(20) for layer in (nn.Dense(WIDTH, init=of), nn.Tanh())]
    return nn.Sequential(nn.Standardize(), *hidden, nn.Dense(10))


def run(quick: bool) -> Outcome:
    """Where the signal is in the last hidden layer before training, and what training makes of it."""
    epochs = 2 if quick else 40
    outcome = Outcome(["std in layer 20", "saturated in layer 20", f"accuracy after {epochs} epochs"])
    for seed in SEEDS if not quick else SEEDS[:1]:
        (X, y), _ = digits(seed)
        for name, of in INITS.items():
            fresh = fdl.Trainer(net(of), seed=seed, optimizer=optim.SGD(0.0))
            fresh.fit(X, y, epochs=1, progress=False)
            last = {signal.layer: signal for signal in fdl.diagnose(fresh).signals}["40"]
            curve = fit(lambda of=of: net(of), seed, epochs, optimizer=optim.SGD(0.01, momentum=0.9)).history[
                "val_accuracy"
            ]
            outcome.add(name, [last.std, last.saturated, curve[-1] if curve else 0.0], curve)
    return outcome
