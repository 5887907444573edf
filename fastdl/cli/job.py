"""One run of `fastdl train`: its model, its training, its scores and its files."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from fastdl.cli import folder, report
from fastdl.cli.again import absolute, command_line
from fastdl.cli.bar import bar
from fastdl.cli.console import note
from fastdl.cli.task import Task
from fastdl.report import write_report
from fastdl.report.numbers import counted, plain
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
                what = f"mean {plain(float(y.mean()))}, std {plain(float(y.std()))}"
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
        args, settings, rows, held = self.args, self.settings, metrics["rows"], metrics["val_rows"]
        facts = [("data", absolute(args.data)), ("target", self.task.target), ("task", self.task.kind)]
        if args.drop:
            facts.append(("left out", ", ".join(args.drop)))
        if args.weights is not None:
            repeated = self.model.members[0].training.weights is None
            how = "a row stands there so many times" if repeated else "scores count all rows the same"
            facts.append(("weights", f"{args.weights}; {how}"))
        if args.valid is not None:
            facts.append(("validation", absolute(args.valid)))
        facts.append(("rows", f"{rows:,} to train on, {held:,} to validate on"))
        if settings.n_cv > 1:
            facts[-1] = ("rows", f"{rows + held:,}; of a fold {rows:,} to train on, {held:,} to validate on")
        if len(self.model.members) > 1:
            how = f"{counted(settings.n_cv, 'fold')} x {counted(settings.n_ens, 'member')}"
            facts.append(("models", f"{len(self.model.members)}: {how}"))
        facts.append(("preset", f"{args.preset}, seed {args.seed}"))
        facts.append(("epochs", self._epochs(metrics)))
        return facts

    def _epochs(self, metrics: dict[str, Any]) -> str:
        """How many were made of how many, why, and which is kept; of the first member."""
        made, wanted, best = metrics["epochs"], self.settings.epochs, metrics["best_epoch"]
        planned, patience = self.model.members[0].trainer.epochs, self.settings.patience
        late, text = self.model.members[0].late, f"{made}"
        if made < wanted or not metrics["finished"]:
            text += f" of {wanted}, "
            if not metrics["finished"]:
                text += "interrupted"
            elif patience is not None and best is not None and made < planned and made - best > patience:
                text += f"no better for {patience} epochs"
            elif late or made == planned:
                text += f"by the time limit of {self.args.time_limit:g} s"
            else:
                text += "since numbers were no longer finite"
            text += ","
        text += f" in {self.seconds:.2g} s"
        if best is not None:
            text += f"; the weights of epoch {best} (counted from 0), the dotted line, were kept"
            text += " by the first model" * (len(self.model.members) > 1)
        return text

    def command(self) -> str:
        """What repeats the run."""
        planned = self.model.members[0].trainer.epochs
        return command_line(self.args, planned if planned < self.settings.epochs else None)

    def promise(self, metrics: dict[str, Any]) -> str:
        """What the command repeats."""
        planned = self.model.members[0].trainer.epochs
        if not metrics["finished"]:
            return "This run was interrupted; the command trains to the end."
        if any(member.late for member in self.model.members):
            return f"The time limit cut this run off; the command makes all {planned} epochs that were planned."
        return "On the same data, the same version of fastdl makes the same network, bit for bit."

    def columns(self) -> str:
        """What became of each column."""
        described = self.model.preparation.describe()
        numbers = [name for name, _, detail in described if detail == "number"]
        listed = [(name, detail) for name, _, detail in described if detail != "number" or len(numbers) <= FEW]
        if len(numbers) > FEW:
            listed.append((f"{numbers[0]} .. {numbers[-1]}", f"{len(numbers)} numbers"))
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
        """Write all files; False when there is no picture for want of matplotlib.

        The model comes first: what fails of report and picture is told, and costs nothing else.
        """
        self.model.save(path / folder.MODEL)
        self.task.save(path / folder.TASK)
        self.model.history.to_csv(path / folder.HISTORY)
        folder.write_json(path / folder.METRICS, metrics)
        title = f"{Path(self.args.data).name}: {self.task.kind} of {self.task.target}"
        attempt(path / folder.REPORT, lambda file: self._write_report(file, title, metrics))
        pictured = []
        attempt(path / folder.CURVES, lambda file: pictured.append(self._write_curves(file, title)))
        return pictured != [False]

    def _write_curves(self, path: Path, title: str) -> bool:
        try:
            report.save_curves(path, self.model.history, title, self.model.best_epoch)
        except ImportError:
            return False
        return True

    def _write_report(self, path: Path, title: str, metrics: dict[str, Any]) -> None:
        counts = {column.name: int(column.missing.sum()) for column in self.training[0].columns}
        missing = {name: count for name, count in counts.items() if count}
        if not write_report(
            self.model, path, title, self.about(metrics), metrics, self.command(), missing, self.promise(metrics)
        ):
            note(f"interrupted: {path.name} does not say what each column is worth")

    def facts(self, metrics: dict[str, Any], path: Path) -> list[tuple[str, str]]:
        """The lines below the table of scores."""
        epochs, best = metrics["epochs"], metrics["best_epoch"]
        kept = "" if best is None else f", the weights are those of epoch {best} (counted from 0)"
        lines = [("epochs", f"{epochs} in {self.seconds:.2f} s{kept}"), ("folder", str(path))]
        return lines + [("report", str(path / folder.REPORT))] * (path / folder.REPORT).exists()


def attempt(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file that the run can do without."""
    try:
        write(path)
        return
    except KeyboardInterrupt:
        words = "interrupted"
    except Exception as error:  # noqa: BLE001 - whatever it is, the model is worth more
        words = f"{type(error).__name__}: {' '.join(str(error).split())}"
    path.unlink(missing_ok=True)
    note(f"no {path.name}: {words}")
