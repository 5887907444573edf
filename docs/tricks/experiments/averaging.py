"""The last weights, averages of them, and ensembles of one to ten."""

from __future__ import annotations

import numpy as np

import fastdl as fdl
from experiments.common import SEEDS, Outcome, digits, fit
from fastdl import callbacks, nn, optim


def net() -> nn.Sequential:
    """One hidden layer, on 300 rows."""
    return nn.Sequential(nn.MinMaxScale(), nn.Dense(128), nn.ReLU(), nn.Dense(10))


def run(quick: bool) -> Outcome:
    """At a rate that is a little too high, as averages like it."""
    epochs = 4 if quick else 60
    outcome = Outcome(["accuracy", "cross-entropy"])
    for seed in SEEDS if not quick else SEEDS[:1]:
        (X, y), test = digits(seed)
        X, y = X[:300], y[:300]
        for name, averaging in (
            ("last weights", None),
            ("EMA 0.99", optim.EMA(0.99)),
            ("SWA from half", optim.SWA(0.5)),
        ):
            trainer = fit(net, seed, epochs, ((X, y), test), optimizer=optim.Adam(0.01), averaging=averaging)
            found = trainer.evaluate(*test)
            outcome.add(name, [found["accuracy"], found["loss"]], trainer.history["val_accuracy"])
        snapshot = callbacks.Snapshot(4)
        trainer = fdl.Trainer(net(), seed=seed, optimizer=optim.Adam(0.01))
        trainer.fit(X, y, epochs=epochs, batch_size=50, callbacks=snapshot, progress=False)
        committee = fdl.Ensemble(net(), 1, metrics=["accuracy"])
        for size in (1, 2, 5, 10):
            committee = fdl.Ensemble(
                net(), size, seed=1000 * (seed + 1), optimizer=optim.Adam(0.01), metrics=["accuracy"]
            )
            found = committee.fit(X, y, epochs=epochs, batch_size=50, progress=False).evaluate(*test)
            outcome.add(f"ensemble of {size}", [found["accuracy"], found["loss"]], [])
        right = (snapshot.predict_classes(test[0]) == test[1]).mean()
        p = snapshot.predict_proba(test[0])[range(len(test[1])), test[1]]
        outcome.add("snapshots, 4 cycles", [right, -np.log(np.maximum(p, 1e-30)).mean()], [])
    return outcome
