"""A search for rate, dropout and width with Optuna, which ends trials that look bad early.

pip install optuna
python examples/hyperparameter_search.py [TRIALS]
"""

import sys

import optuna

import fastdl as fdl
from fastdl import callbacks, datasets, nn, optim, schedule

X, y = datasets.load_digits()


class Prune(callbacks.Callback):
    """Tell Optuna each epoch's score, and stop where it says so."""

    def __init__(self, trial):
        self.trial = trial

    def on_epoch_end(self, trainer, epoch, logs):
        self.trial.report(logs["val_accuracy"], epoch)
        if self.trial.should_prune():
            trainer.stop()


def score(trial):
    width = trial.suggest_int("width", 16, 256, log=True)
    rate = trial.suggest_float("lr", 1e-4, 3e-2, log=True)
    dropout = trial.suggest_float("dropout", 0.0, 0.5)
    net = nn.Sequential(nn.MinMaxScale(), nn.Dense(width), nn.BatchNorm(), nn.ReLU(), nn.Dropout(dropout), nn.Dense(10))
    trainer = fdl.Trainer(net, optimizer=optim.Adam(rate), schedule=schedule.Cosine(), metrics=["accuracy"])
    watchers = [Prune(trial), callbacks.EarlyStopping("val_accuracy", patience=8)]
    history = trainer.fit(X, y, epochs=20, batch_size=64, validation_split=0.2, callbacks=watchers, progress=False)
    return max(history["val_accuracy"])


optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
study.optimize(score, n_trials=int(sys.argv[1]) if len(sys.argv) > 1 else 15)
print(f"best validation accuracy {study.best_value:.4f} with {study.best_params}")
