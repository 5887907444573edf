"""One run of `fastdl train`: its model, its training, its scores and its files."""

from __future__ import annotations

import argparse
import shlex
import time
from pathlib import Path
from typing import Any

import numpy as np

from fastdl.cli import folder, report
from fastdl.cli.bar import bar
from fastdl.cli.task import Task
from fastdl.report import write_report
from fastdl.tables import Frame, Model, Settings
from fastdl.tables.scores import regression_scores

# Options that are settings by another name.
SETTINGS = {
    "hidden": "hidden",
    "dropout": "dropout",
    "lr": "lr",
    "epochs": "epochs",
    "batch_size": "batch_size",
    "patience": "patience",
    "validation_split": "validation_fraction",
    "members": "n_ens",
    "folds": "n_cv",
}
FEW = 12  # columns of numbers that are listed one by one
Part = tuple[Frame, np.ndarray, np.ndarray | None]  # columns, target, weights


class Job:
    """One training and what comes out of it.

    Parameters
    ----------
    args : argparse.Namespace
        The options.
    task : Task
        What is learnt.
    training : Part
        The rows.
    validation : Part or None
        Those of --valid.
    """

    def __init__(self, args: argparse.Namespace, task: Task, training: Part, validation: Part | None) -> None:
        self.args, self.task = args, task
        self.training, self.validation = training, validation
        given = {name: getattr(args, key) for key, name in SETTINGS.items() if getattr(args, key) is not None}
        self.settings = Settings.preset(args.preset, task.kind).replace(**{**given, **dict(args.set)})
        self.model = Model(self.settings, args.seed, args.threads)
        self.seconds = 0.0

    def introduction(self) -> str:
        """What is about to be trained."""
        frame, y, _ = self.training
        if self.task.kind == "classification":
            what = f"{len(np.unique(y))} classes"
        else:
            with np.errstate(over="ignore"):
                what = f"mean {report.plain(float(y.mean()))}, std {report.plain(float(y.std()))}"
        counted = (
            f"{frame.rows}" if self.validation is None else f"{frame.rows}, and {self.validation[0].rows} to validate"
        )
        facts = [
            (self.task.kind, f"{self.task.target} ({what}) by {len(frame.columns)} columns"),
            ("rows", counted),
            ("preset", self.args.preset),
        ]
        return report.facts_table(facts) + "\n"

    def about(self, metrics: dict[str, Any]) -> list[tuple[str, str]]:
        """What the report's page says first."""
        best = metrics["best_epoch"]
        return [
            ("data", str(self.args.data)),
            ("target", f"{self.task.target} ({self.task.kind})"),
            ("rows", f"{metrics['rows']} to train on, {metrics['val_rows']} to validate on"),
            ("preset", f"{self.args.preset}, seed {self.args.seed}"),
            ("epochs", f"{metrics['epochs']} in {self.seconds:.1f} s" + f", kept: {best}" * (best is not None)),
        ]

    def command(self) -> str:
        """What repeats the run."""
        return "fastdl " + shlex.join(self.args.argv)

    def columns(self) -> str:
        """What became of each column."""
        described = self.model.preparation.describe()
        plain = [name for name, _, detail in described if detail == "number"]
        listed = [(name, detail) for name, _, detail in described if detail != "number" or len(plain) <= FEW]
        if len(plain) > FEW:
            listed.append((f"{plain[0]} .. {plain[-1]}", f"{len(plain)} numbers"))
        return report.facts_table(listed)

    def fit(self) -> bool:
        """Train; False when Ctrl-C ended it."""
        began = time.perf_counter()
        try:
            self.model.fit(
                *self.training,
                validation=self.validation,
                progress=bar(False if self.args.no_progress else "auto", "epochs"),
                time_limit=self.args.time_limit,
            )
            return not self.model.interrupted
        except KeyboardInterrupt:
            return False
        finally:
            self.seconds = time.perf_counter() - began

    def scores(self) -> dict[str, dict[str, float]]:
        """The scores of the model on each part, beside those of always giving the same answer."""
        parts = {"training": self.model.score_parts(False)}
        held = self.model.score_parts(True)
        if held:
            parts["validation"] = held
        parts["baseline"] = self._baseline()
        return parts

    def _baseline(self) -> dict[str, float]:
        """What the commonest class, or the mean, of the training rows would reach on them."""
        y = self.training[1]
        if self.task.kind == "classification":
            counts = np.unique(y, return_counts=True)[1]
            return {"accuracy": float(counts.max() / counts.sum())}
        return regression_scores(y[:, None], np.full((len(y), 1), y.mean()))

    def metrics(self, scores: dict[str, dict[str, float]], finished: bool) -> dict[str, Any]:
        """What metrics.json holds."""
        return {
            "task": self.task.kind,
            **scores["training"],
            **{f"val_{name}": value for name, value in scores.get("validation", {}).items()},
            **{f"baseline_{name}": value for name, value in scores["baseline"].items()},
            "rows": self.model.rows[0],
            "val_rows": self.model.rows[1],
            "epochs": self.model.history.epochs,
            "best_epoch": self.model.best_epoch,
            "finished": finished,
            "seconds": round(self.seconds, 3),
            "seed": self.args.seed,
            "preset": self.args.preset,
            "settings": self.settings.config(),
        }

    def save(self, path: Path, metrics: dict[str, Any]) -> bool:
        """Write all files; False when there is no picture for want of matplotlib."""
        self.model.save(path / folder.MODEL)
        self.task.save(path / folder.TASK)
        self.model.history.to_csv(path / folder.HISTORY)
        folder.write_json(path / folder.METRICS, metrics)
        title = f"{Path(self.args.data).name}: {self.task.kind} of {self.task.target}"
        write_report(self.model, path / folder.REPORT, title, self.about(metrics), metrics, self.command())
        try:
            report.save_curves(path / folder.CURVES, self.model.history, title, self.model.best_epoch)
        except ImportError:
            return False
        return True

    def facts(self, metrics: dict[str, Any], path: Path) -> list[tuple[str, str]]:
        """The lines below the table of scores."""
        epochs, best = metrics["epochs"], metrics["best_epoch"]
        kept = "" if best is None else f", the weights are those of epoch {best} (counted from 0)"
        return [("epochs", f"{epochs} in {self.seconds:.2f} s{kept}"), ("folder", str(path))]
