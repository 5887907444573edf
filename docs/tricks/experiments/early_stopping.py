"""When to stop, on labels of which some are wrong."""

from __future__ import annotations

import fastdl as fdl
from experiments.common import SEEDS, Outcome
from experiments.penalties import net, noisy
from fastdl import callbacks, optim

WAYS = {
    "never": None,
    "loss, patience 1": ("val_loss", 1),
    "loss, patience 20": ("val_loss", 20),
    "accuracy, patience 5": ("val_accuracy", 5),
    "accuracy, patience 20": ("val_accuracy", 20),
}
HELD = 60  # of the training rows, to stop by


def run(quick: bool) -> Outcome:
    """The rows to stop by have wrong labels, too."""
    epochs = 2 if quick else 100
    outcome = Outcome(["test accuracy", "epochs", "best epoch"], axes=("epoch", "loss on the rows to stop by"))
    for seed in SEEDS if not quick else SEEDS[:1]:
        (X, y), test = noisy(seed)
        for name, way in WAYS.items():
            trainer = fdl.Trainer(net(None), optimizer=optim.Adam(3e-3), metrics=["accuracy"], seed=seed)
            stopping = callbacks.EarlyStopping(*(way or ("val_loss", epochs)))
            watchers = [] if way is None else [stopping]
            history = trainer.fit(
                X[HELD:], y[HELD:], epochs, 50, validation_data=(X[:HELD], y[:HELD]), callbacks=watchers, progress=False
            )
            best = stopping.best_epoch if watchers else history.epochs - 1
            outcome.add(name, [trainer.evaluate(*test)["accuracy"], history.epochs, best], history["val_loss"])
    return outcome
