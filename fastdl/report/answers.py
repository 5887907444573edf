"""What a model answers on rows that it was not trained on, and the pictures of its errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastdl.committee import Committee
from fastdl.report import pictures
from fastdl.report.matrix import WHOLE, confusion, mistakes
from fastdl.report.numbers import counted
from fastdl.report.page import Figure, remark
from fastdl.tables.scores import classification_scores, regression_scores
from fastdl.tables.targets import Classes

if TYPE_CHECKING:
    from fastdl.program import Array
    from fastdl.tables.members import Data, Member
    from fastdl.tables.model import Model

MOST_POINTS, MOST_TARGETS = 800, 6
MOST_BINS, LEAST_ROWS = 10, 20  # of a calibration, and of each of its bins


@dataclass(frozen=True, slots=True)
class Answers:
    """Truth and answers side by side, of the rows that were held out of each fold.

    Attributes
    ----------
    truth : ndarray
        Numbers of classes, shape (n,), or numbers, shape (n, outputs).
    given : ndarray
        Probabilities, shape (n, classes), or predictions; of a fold's members the mean.
    held : bool
        Whether no member was trained on the rows that it answers for.
    """

    truth: Array
    given: Array
    held: bool

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def rows(self) -> str:
        """Which rows these are."""
        return counted(len(self), "validation row" if self.held else "training row")


def folds(model: Model) -> list[list[Member]]:
    """The members of each fold, which have their rows in common."""
    each = model.settings.n_ens
    return [model.members[start : start + each] for start in range(0, len(model.members), each)]


def rows_of(member: Member) -> Data:
    """The rows that a member can be judged by."""
    return member.training if member.held is None else member.held


def together(members: list[Member]) -> Committee:
    """Members as one."""
    committee = Committee()
    committee.members = [member.trainer.net for member in members]
    return committee


def answers_of(model: Model) -> Answers:
    """The answers of all members."""
    target, truth, given = model.target, [], []
    for members in folds(model):
        part, committee = rows_of(members[0]), together(members)
        if isinstance(target, Classes):
            truth.append(part.y)
            given.append(committee.predict_proba(part.x))
        else:
            assert target is not None
            truth.append(part.y * target.std + target.mean)
            given.append(target.decode(committee.predict(part.x)).reshape(len(part), -1))
    return Answers(np.concatenate(truth), np.concatenate(given), model.members[0].held is not None)


def scores(model: Model, answers: Answers) -> dict[str, float]:
    """How good the answers are."""
    measure = classification_scores if isinstance(model.target, Classes) else regression_scores
    return measure(answers.truth, answers.given)


def error_pictures(model: Model, answers: Answers) -> tuple[list[Figure], list[str]]:
    """Which answers are wrong, and whether probabilities or numbers can be trusted; with remarks as HTML."""
    if isinstance(model.target, Classes):
        best = answers.given.argmax(axis=1)
        sure = answers.given.max(axis=1).astype(np.float64)
        names = [label_text(label) for label in model.target.classes.tolist()]
        first = [confusion(answers.truth, best, names)]
        if len(names) >= WHOLE and (best != answers.truth).any():
            first.append(mistakes(answers.truth, best, names))
        right = (best == answers.truth).astype(np.float64)
        curve = calibration(sure, right, ("probability of the answer", "share that was right"))
        first += curve
    else:
        first, curve = [], []
        for place in range(min(MOST_TARGETS, answers.truth.shape[1])):
            which = f", target {place}" * (answers.truth.shape[1] > 1)
            truth, predicted = answers.truth[:, place], answers.given[:, place]
            first += number_pictures(truth, predicted, which)
            curve = calibration(predicted, truth, ("prediction", "mean of the truth"), which)
            first += curve
    if curve:
        return first, []
    few = f"No calibration: it takes {2 * LEAST_ROWS} rows, {LEAST_ROWS} in a bin, and there are {len(answers)}."
    return first, [remark(few)]


def label_text(label: object) -> str:
    """A class; numbers in few letters, if these are enough."""
    short = f"{label:.6g}" if isinstance(label, float) else str(label)
    return short if not isinstance(label, float) or float(short) == label else repr(label)


def number_pictures(truth: Array, predicted: Array, which: str) -> list[Figure]:
    """Predictions and errors against the truth."""
    some = np.linspace(0, len(truth) - 1, min(MOST_POINTS, len(truth))).astype(np.int64)
    note = f"{MOST_POINTS} of {len(truth):,} rows" if len(some) < len(truth) else ""
    pairs = list(zip(truth[some].tolist(), predicted[some].tolist(), strict=True))
    errors = [(b, a - b) for a, b in pairs]
    error = np.abs(truth - predicted)
    says = (
        f"Predictions over the truth of {len(truth)} rows, beside the diagonal; off by {np.median(error):.3g} in the "
    )
    says += f"median and by at most {error.max():.3g}"
    off = f"Errors over predictions, from {(truth - predicted).min():.3g} to {(truth - predicted).max():.3g}"
    predictions = pictures.beside_diagonal(pairs, ("truth", "prediction"), says, joined=False)
    residuals = pictures.about_zero(errors, ("prediction", "truth - prediction"), off)
    return [Figure(f"Predictions{which}", predictions, note), Figure(f"Residuals{which}", residuals, note)]


def calibration(x: Array, y: Array, names: tuple[str, str], which: str = "") -> list[Figure]:
    """Means in bins of equally many rows; nothing where there are too few for two of them."""
    bins = min(MOST_BINS, len(x) // LEAST_ROWS)
    if bins < 2:
        return []
    pieces = np.array_split(np.argsort(x, kind="stable"), bins)
    points = [(float(x[piece].mean()), float(y[piece].mean())) for piece in pieces]
    says = f"{names[1]} by {names[0]}: " + ", ".join(f"{b:.3g} at {a:.3g}" for a, b in points)
    note = f"{bins} bins of about {len(x) // bins:,} rows; on the dotted line both are equal"
    picture = pictures.beside_diagonal(points, names, says, joined=True)
    return [Figure(f"Calibration{which}", picture, note)]
