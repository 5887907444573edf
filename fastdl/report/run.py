"""What a page on a trained model says."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.config import __version__
from fastdl.diagnosis import diagnose
from fastdl.io import write_atomically
from fastdl.report import pictures
from fastdl.report.page import facts, figures, page, scores, section, words
from fastdl.tables.importance import importance_of_matrix
from fastdl.tables.targets import Classes, Quantity

if TYPE_CHECKING:
    from fastdl.history import History
    from fastdl.program import Array
    from fastdl.tables.members import Data, Member
    from fastdl.tables.model import Model

MOST_CLASSES, MOST_POINTS, MOST_COLUMNS, BINS = 26, 800, 25, 10
CURVES = {  # picture: the columns of the history, what its axis is logarithmic for
    "Loss": (("loss", "val_loss"), False),
    "Accuracy": (("accuracy", "val_accuracy"), False),
    "Learning rate": (("lr",), False),
    "Gradient norm": (("grad_norm",), True),
}


def write_report(
    model: Model,
    path: str | PathLike[str],
    title: str,
    about: Sequence[tuple[str, str]],
    metrics: dict[str, Any],
    command: str,
) -> None:
    """Write the page on a model that was trained in this process.

    Parameters
    ----------
    model : Model
    path : path-like
    title : str
    about : sequence of (str, str)
        What was trained on what.
    metrics : dict
        Scores, by names that begin with "val_" where they are those of validation rows.
    command : str
        What repeats the run.
    """
    member = model.members[0]
    held = member.held if member.held is not None else member.training
    where = "validation rows" if member.held is not None else "training rows: no others were set aside"
    parts = [
        scores(headline(metrics)),
        facts(about),
        section("Training", figures(*curves(model.history, model.best_epoch))),
        section(f"Errors on {where}", figures(*errors(model, member, held))),
        section("What each column is worth", figures(importance(model, member, held))),
        section("Signals", *signals(member)),
        section("Columns", pictures.table(("column", "kind", "use"), model.preparation.describe())),
        section("Network", f"<pre>{escape(str(model.networks[0].summary()))}</pre>"),
        section("Again", f"<pre>{escape(command)}</pre>"),
    ]
    subtitle = f"fastdl {__version__}"
    write_atomically(path, page(title, subtitle, parts).encode())


def headline(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    """The scores that matter most."""
    start = "val_" if any(name.startswith("val_accuracy") or name == "val_rmse" for name in metrics) else ""
    labels = {"accuracy": "accuracy", "log_loss": "log loss", "rmse": "RMSE", "mae": "MAE", "r2": "R2"}
    found = []
    for name, label in labels.items():
        value = metrics.get(start + name)
        if value is not None:
            text = f"{100 * value:.2f} %" if name == "accuracy" else pictures.plain(value)
            found.append((f"{label} ({'validation' if start else 'training'})", text))
    return found


def curves(history: History, best: int | None) -> list[tuple[str, str]]:
    """The history, a picture for each quantity."""
    found = []
    for name, (columns, log) in CURVES.items():
        series = {column: list(enumerate(history[column])) for column in columns if column in history}
        if series:
            found.append((name, pictures.lines(series, name, "epoch", log, mark=best)))
    return found


def errors(model: Model, member: Member, held: Data) -> list[tuple[str, str]]:
    """Which answers are wrong, and whether probabilities or numbers can be trusted."""
    target = model.target
    if isinstance(target, Classes):
        return class_errors(target, held.y, member.trainer.net.predict_proba(held.x))
    assert isinstance(target, Quantity)
    outputs = member.trainer.net.predict(held.x).astype(np.float64)
    predicted = np.clip(outputs * target.std + target.mean, target.low, target.high)[:, 0]
    return number_errors(held.y[:, 0] * target.std[0] + target.mean[0], predicted)


def class_errors(target: Classes, truth: Array, p: Array) -> list[tuple[str, str]]:
    """Confusion of the commonest classes, and calibration of the winner's probability."""
    n, best = target.outputs, p.argmax(axis=1)
    counts = np.bincount(truth * n + best, minlength=n * n).reshape(n, n)
    shown = np.sort(np.argsort(-counts.sum(axis=1), kind="stable")[:MOST_CLASSES])
    names = [str(target.classes[place]) for place in shown.tolist()]
    caption = "rows: true class, columns: predicted" + f"; the {MOST_CLASSES} commonest" * (n > MOST_CLASSES)
    sure = p.max(axis=1).astype(np.float64)
    points = binned(sure, (best == truth).astype(np.float64))
    return [
        ("Confusion", pictures.confusion(counts[np.ix_(shown, shown)].tolist(), names, caption)),
        ("Calibration", pictures.calibration(points, "Calibration", "probability given", "share that was right")),
    ]


def number_errors(truth: Array, predicted: Array) -> list[tuple[str, str]]:
    """Predictions and errors against the truth, and calibration of the mean."""
    some = np.linspace(0, len(truth) - 1, min(MOST_POINTS, len(truth))).astype(np.int64)
    both = list(zip(truth[some].tolist(), predicted[some].tolist(), strict=True))
    return [
        ("Predictions", pictures.scatter(both, "Predictions", "truth", "prediction")),
        ("Residuals", residuals(truth[some], predicted[some])),
        (
            "Calibration",
            pictures.calibration(binned(predicted, truth), "Calibration", "prediction", "mean of the truth"),
        ),
    ]


def residuals(truth: Array, predicted: Array) -> str:
    """Errors over predictions."""
    points = list(zip(predicted.tolist(), (truth - predicted).tolist(), strict=True))
    x, y = pictures.axes_of(points)
    dots = "".join(f'<circle class="dot" r="2" cx="{x.place(a):.1f}" cy="{y.place(b):.1f}"/>' for a, b in points)
    level = y.place(0.0)
    line = f'<line class="mark" x1="{x.start:g}" x2="{x.end:g}" y1="{level:.1f}" y2="{level:.1f}"/>'
    return pictures.frame(pictures.grid(x, y, "prediction", "truth - prediction") + line + dots, "Residuals")


def binned(x: Array, y: Array) -> list[tuple[float, float]]:
    """Means of x and y in bins of equally many rows, by x."""
    order = np.argsort(x, kind="stable")
    pieces = [piece for piece in np.array_split(order, min(BINS, len(order))) if len(piece)]
    return [(float(x[piece].mean()), float(y[piece].mean())) for piece in pieces]


def importance(model: Model, member: Member, held: Data) -> tuple[str, str]:
    """Permutation importance of the columns."""
    found = importance_of_matrix(model, member.trainer.net, held, repeats=3, seed=0)
    best = dict(sorted(found.items(), key=lambda item: -item[1][0])[:MOST_COLUMNS])
    lost = "accuracy" if isinstance(model.target, Classes) else "R2"
    name = f"Permutation importance: {lost} lost when a column is shuffled"
    if len(found) > MOST_COLUMNS:
        name += f" (the first {MOST_COLUMNS} of {len(found)})"
    return name, pictures.bars(best, name, f"{lost} lost")


def signals(member: Member) -> list[str]:
    """Layer by layer, and in words."""
    diagnosis = diagnose(member.trainer)
    rows = [
        (f"{s.layer} {s.kind}", *(pictures.plain(v) for v in (s.mean, s.std, s.grad_norm, s.update_ratio)))
        for s in diagnosis.signals
    ]
    said = [str(finding) for finding in diagnosis.findings] or ["No layer looks ill."]
    return [words(said), pictures.table(("layer", "mean", "std", "gradient norm", "update / weights"), rows)]
