"""One run of `fastdl train`: its network, its training, its scores and its files."""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from typing import Any

import numpy as np

from fastdl.cli import folder, report
from fastdl.cli.task import Task

LR_DECAY = 0.97  # an epoch


class Job:
    """One training and what comes out of it.

    Parameters
    ----------
    args : argparse.Namespace
        The options.
    task : Task
        What is learnt; the scale of a regression's target is filled in.
    training, validation : (x, y)
        The rows; `validation` may be None.
    """

    def __init__(
        self,
        args: argparse.Namespace,
        task: Task,
        training: tuple[np.ndarray, np.ndarray],
        validation: tuple[np.ndarray, np.ndarray] | None,
    ) -> None:
        import fastdl as fdl
        from fastdl import callbacks, optim, schedule

        self.args, self.task = args, task
        self.training, self.validation = training, validation
        classes = task.kind == "classification"
        if not classes:
            y = training[1]
            with np.errstate(over="ignore", invalid="ignore"):
                task.mean, task.std = float(y.mean()), float(y.std())
            if not 0 < task.std < math.inf:
                what = "has the same value in all training rows" if task.std == 0 else "is too large to square"
                raise ValueError(f"the target {task.target!r} {what}")
        self.batch_size = args.batch_size or (
            64 if len(training[0]) < 10_000 else 128 if len(training[0]) < 50_000 else 256
        )
        self.net = make_network(args.hidden, args.dropout, task.outputs)
        self.net.build((training[0].shape[1],), seed=args.seed)
        self.trainer = fdl.Trainer(
            self.net,
            loss="cross_entropy" if classes else "mse",
            optimizer=optim.Adam(args.lr),
            schedule=schedule.Exponential(LR_DECAY),
            clip=optim.ClipNorm(1.0),
            metrics=["accuracy"] if classes else [],
            seed=args.seed,
            threads=args.threads,
        )
        self.stopping = callbacks.EarlyStopping(patience=args.patience) if validation is not None else None
        self.seconds = 0.0

    def introduction(self) -> str:
        """What is about to be trained."""
        task = self.task
        what = (
            f"{len(task.classes)} classes"
            if task.classes
            else f"mean {report.plain(task.mean)}, std {report.plain(task.std)}"
        )
        facts = [
            (task.kind, f"{task.target} ({what}) by {len(task.features)} features"),
            ("rows", f"{len(self.training[0])} to train on, {self._validation_rows} to validate on"),
        ]
        return f"{report.facts_table(facts)}\n\n{self.net.summary()}\n"

    @property
    def _validation_rows(self) -> int:
        return 0 if self.validation is None else len(self.validation[0])

    def fit(self) -> bool:
        """Train; False when Ctrl-C ended it."""
        began = time.perf_counter()
        try:
            self.trainer.fit(
                self.training[0],
                self._scaled(self.training[1]),
                epochs=self.args.epochs,
                batch_size=self.batch_size,
                validation_data=self.validation and (self.validation[0], self._scaled(self.validation[1])),
                callbacks=[self.stopping] if self.stopping else [],
                progress=False if self.args.no_progress else "auto",
            )
            return True
        except KeyboardInterrupt:
            return False
        finally:
            self.seconds = time.perf_counter() - began

    def scores(self) -> dict[str, dict[str, float]]:
        """The scores of the finished network on each part, beside those of always giving the same answer."""
        parts = {"training": self._scores(self.training)}
        if self.validation is not None:
            parts["validation"] = self._scores(self.validation)
        parts["baseline"] = self._baseline(self.validation or self.training)
        return parts

    def _scores(self, part: tuple[np.ndarray, np.ndarray]) -> dict[str, float]:
        x, y = part
        if self.task.classes:
            return dict(self.trainer.evaluate(x, y))
        predicted = self.net.predict(x)[:, 0].astype(np.float64) * self.task.std + self.task.mean
        return report.regression_scores(y, predicted)

    def _baseline(self, part: tuple[np.ndarray, np.ndarray]) -> dict[str, float]:
        """What the commonest class, or the mean, of the training rows would reach."""
        y = part[1]
        if self.task.classes:
            return {"accuracy": float(np.mean(y == np.bincount(self.training[1]).argmax()))}
        return report.regression_scores(y, np.full(len(y), self.task.mean))

    def metrics(self, scores: dict[str, dict[str, float]], finished: bool) -> dict[str, Any]:
        """What metrics.json holds."""
        best = self._best_epoch()
        return {
            "task": self.task.kind,
            **scores["training"],
            **{f"val_{name}": value for name, value in scores.get("validation", {}).items()},
            **{f"baseline_{name}": value for name, value in scores["baseline"].items()},
            "rows": len(self.training[0]),
            "val_rows": self._validation_rows,
            "epochs": self.trainer.history.epochs,
            "best_epoch": best,
            "finished": finished,
            "seconds": round(self.seconds, 3),
            "settings": {
                "hidden": self.args.hidden,
                "dropout": self.args.dropout,
                "lr": self.args.lr,
                "epochs": self.args.epochs,
                "batch_size": self.batch_size,
                "validation_split": self.args.validation_split,
                "patience": self.args.patience,
                "seed": self.args.seed,
            },
        }

    def save(self, path: Path, metrics: dict[str, Any]) -> bool:
        """Write all files; False when there is no picture for want of matplotlib."""
        if self.task.classes:
            # Trained on class numbers; who loads the model in Python gets the labels themselves.
            self.net.classes_ = np.array(self.task.classes)
        self.net.save(path / folder.MODEL)
        self.task.save(path / folder.TASK)
        self.trainer.history.to_csv(path / folder.HISTORY)
        folder.write_json(path / folder.METRICS, metrics)
        try:
            title = f"{Path(self.args.data).name}: {self.task.kind} of {self.task.target}"
            report.save_curves(path / folder.CURVES, self.trainer.history, title, self._best_epoch())
        except ImportError:
            return False
        return True

    def facts(self, metrics: dict[str, Any], path: Path) -> list[tuple[str, str]]:
        """The lines below the table of scores."""
        epochs, best = metrics["epochs"], metrics["best_epoch"]
        kept = "" if best is None else f", the weights are those of epoch {best} (counted from 0)"
        return [("epochs", f"{epochs} in {self.seconds:.2f} s{kept}"), ("folder", str(path))]

    def _best_epoch(self) -> int | None:
        return None if self.stopping is None or self.stopping.best_epoch < 0 else self.stopping.best_epoch

    def _scaled(self, y: np.ndarray) -> np.ndarray:
        """The target as the network learns it."""
        return y if self.task.classes else (y - self.task.mean) / self.task.std


def make_network(hidden: list[int], dropout: float, outputs: int) -> Any:
    """Scaler, then Dense - BatchNorm - ReLU - Dropout for each width, and a head.

    The scaler is MinMaxScale, not Standardize: a pixel that is lit in one image of a thousand would be 30 deviations
    high there, which costs 1 % of accuracy on the digits; on tables the two make no difference.
    """
    from fastdl import nn

    layers: list[Any] = [nn.MinMaxScale(-1, 1)]
    for width in hidden:
        layers += [nn.Dense(width), nn.BatchNorm(), nn.ReLU()]
        if dropout > 0:
            layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers, nn.Dense(outputs))
