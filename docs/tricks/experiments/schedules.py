"""Learning rates that fall, and those that don't, at rates that are too high, right and too low."""

from __future__ import annotations

from experiments.common import SEEDS, Outcome, fit
from fastdl import nn, optim, schedule

SCHEDULES = {
    "constant": schedule.Constant(),
    "exponential, 0.95 an epoch": schedule.Exponential(0.95),
    "step, by 10 after two thirds": schedule.MultiStep([20], 0.1),
    "cosine": schedule.Cosine(),
    "warm-up, then cosine": schedule.Warmup(100, then=schedule.Cosine()),
    "one cycle": schedule.OneCycle(),
    "coslog": schedule.Coslog(),
    "on plateau": schedule.ReduceOnPlateau("loss", factor=0.3, patience=2),
}
RATES = (0.03, 0.003, 0.0003)


def net() -> nn.Sequential:
    """Two hidden layers."""
    return nn.Sequential(nn.Standardize(), nn.Dense(64), nn.ReLU(), nn.Dense(64), nn.ReLU(), nn.Dense(10))


def run(quick: bool) -> Outcome:
    """Adam for 30 epochs; the curve is that of the highest rate."""
    epochs = 2 if quick else 30
    outcome = Outcome([f"test accuracy, rate {rate:g}" for rate in RATES])
    for seed in SEEDS if not quick else SEEDS[:1]:
        for name, falls in SCHEDULES.items():
            runs = [fit(net, seed, epochs, optimizer=optim.Adam(rate), schedule=falls).history for rate in RATES]
            outcome.add(name, [history["val_accuracy"][-1] for history in runs], runs[0]["val_accuracy"])
    return outcome
