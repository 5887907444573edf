"""Clipping where gradients explode, and where they don't."""

from __future__ import annotations

from experiments.common import SEEDS, Outcome, fit
from fastdl import init, nn, optim

CLIPS = {
    "none": None,
    "norm 1": optim.ClipNorm(1.0),
    "norm 10": optim.ClipNorm(10.0),
    "norm 10, to unit length": optim.ClipNorm(10.0, to="unit"),
    "value 0.1": optim.ClipValue(0.1),
    "adaptive 0.01": optim.AdaptiveClip(0.01),
}


def net(std: float) -> nn.Sequential:
    """Six hidden layers of ReLUs."""
    hidden = [layer for _ in range(6) for layer in (nn.Dense(64, init=init.Gaussian(std)), nn.ReLU())]
    return nn.Sequential(nn.Standardize(), *hidden, nn.Dense(10))


def run(quick: bool) -> Outcome:
    """First weights four times too large, then right ones. An exploded run counts with the accuracy that it had."""
    epochs = 2 if quick else 30
    outcome = Outcome(["accuracy, weights too large", "steps clipped", "accuracy, right weights"])
    right = (2.0 / 64) ** 0.5
    for seed in SEEDS if not quick else SEEDS[:1]:
        for name, clip in CLIPS.items():
            wild, tame = (
                fit(lambda std=std: net(std), seed, epochs, optimizer=optim.SGD(0.05), clip=clip).history
                for std in (4 * right, right)
            )
            curve = list(wild["val_accuracy"]) if len(wild) else [0.1]
            clipped = wild["clipped"][-1] if len(wild) and "clipped" in wild else 0.0
            outcome.add(name, [curve[-1], clipped, tame["val_accuracy"][-1]], curve)
    return outcome
