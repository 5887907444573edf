"""Metrics of a whole set of rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from fastdl.errors import check_int
from fastdl.metrics.metric import SetMetric

if TYPE_CHECKING:
    from fastdl.losses import Loss
    from fastdl.program import Array


class OfClasses(SetMetric):
    """Base class of those that want labels."""

    def goes_with(self, of: Loss) -> bool:
        """With losses of classes."""
        return of.head in ("softmax", "sigmoid")


class AUC(OfClasses):
    """Area under the ROC curve: how often a row of a class has a higher probability of it than a row of another.

    Ties count half (Hanley & McNeil 1982; Fawcett 2006). Of more than two classes or outputs: the mean over those of
    which both kinds of rows are there, each against the rest. NaN if there are none.
    """

    name = "auc"

    def value(self, targets: Array, outputs: Array, weights: Array) -> float:
        """The area, by weights."""
        truth, scores = one_hot(targets, outputs)
        areas = [area(truth[:, j], scores[:, j], weights) for j in range(scores.shape[1])]
        known = [one for one in areas if not np.isnan(one)]
        return float(np.mean(known)) if known else float("nan")


class F1(OfClasses):
    """Harmonic mean of precision and recall, 2 tp / (2 tp + fp + fn): of the second of two classes, else their mean.

    The mean is over the classes, or outputs, that are among the targets or the predictions. (van Rijsbergen 1979.)
    """

    name = "f1"

    def value(self, targets: Array, outputs: Array, weights: Array) -> float:
        """The mean, by weights."""
        truth, scores = one_hot(targets, outputs)
        if outputs.shape[1] == scores.shape[1] and targets.ndim == 1:
            chosen = np.arange(scores.shape[1]) == scores.argmax(axis=1)[:, None]
        else:
            chosen = scores > 0.5
        if scores.shape[1] == 2 and targets.ndim == 1:
            truth, chosen = truth[:, 1:], chosen[:, 1:]
        hits = weights @ (truth & chosen)
        both = weights @ truth + weights @ chosen
        return float(np.mean(2.0 * hits[both > 0] / both[both > 0])) if (both > 0).any() else float("nan")


class TopK(OfClasses):
    """Fraction of rows whose label is among the k largest outputs.

    Parameters
    ----------
    k : int
    """

    name = "top_k"

    def __init__(self, k: int = 5) -> None:
        self.k = check_int("k", k, 1)

    def goes_with(self, of: Loss) -> bool:
        """With losses of one class a row."""
        return of.head == "softmax"

    def value(self, targets: Array, outputs: Array, weights: Array) -> float:
        """The fraction, by weights; a tie goes to the first class, as everywhere."""
        labels = targets if targets.ndim == 1 else targets.argmax(axis=1)
        places = np.argsort(-outputs, axis=1, kind="stable")[:, : self.k]
        return float(np.average((places == labels[:, None]).any(axis=1), weights=weights))


class R2(SetMetric):
    """Coefficient of determination, 1 - sum (y - x)^2 / sum (y - mean)^2, the mean over outputs that vary."""

    name = "r2"

    def goes_with(self, of: Loss) -> bool:
        """With losses whose outputs estimate the targets."""
        return of.estimates

    def value(self, targets: Array, outputs: Array, weights: Array) -> float:
        """The coefficient, by weights; NaN if no output varies."""
        spread = weights @ (targets - np.average(targets, axis=0, weights=weights)) ** 2
        left = weights @ (targets - outputs) ** 2
        varies = spread > 0.0
        return float(np.mean(1.0 - left[varies] / spread[varies])) if varies.any() else float("nan")


class RMSE(R2):
    """Root of the mean squared error over rows and outputs."""

    name = "rmse"

    def value(self, targets: Array, outputs: Array, weights: Array) -> float:
        """The root, by weights."""
        return float(np.sqrt(np.average(((targets - outputs) ** 2).mean(axis=1), weights=weights)))


class Custom(SetMetric):
    """A function of one's own over all rows.

    Parameters
    ----------
    name : str
        As in the history, with "val_" in front. `EarlyStopping(mode="auto")` takes less for better unless one of the
        words in it is among accuracy, auc, f1, precision, r2, recall and score.
    function : callable
        `function(targets, outputs)` -> number, or with a third parameter `weights`; `SetMetric.value` says what they
        are.
    weighted : bool
        Whether it takes the third.

    Examples
    --------
    >>> from fastdl import metrics
    >>> worst = metrics.Custom("worst", lambda targets, outputs: abs(targets - outputs).max())
    """

    name: ClassVar[str]

    def __init__(self, name: str, function: Callable[..., float], weighted: bool = False) -> None:
        if not isinstance(name, str) or not name:
            raise TypeError(f"name: expected a word for the history, got {name!r}")
        if not callable(function):
            raise TypeError(f"function: expected a function of targets and outputs, got {function!r}")
        self.__dict__["name"] = name
        self.function, self.weighted = function, bool(weighted)

    def goes_with(self, of: Loss) -> bool:
        """With whatever its author thinks."""
        return True

    def value(self, targets: Array, outputs: Array, weights: Array) -> float:
        """What the function says."""
        given = (targets, outputs, weights) if self.weighted else (targets, outputs)
        result = self.function(*given)
        if np.ndim(result) != 0:
            raise ValueError(f"metrics: {self.name!r}: expected a number, got an array of shape {np.shape(result)}")
        return float(result)


def one_hot(targets: Array, outputs: Array) -> tuple[Array, Array]:
    """Which class or output is on (n, k), and its probability (n, k); one sigmoid has one column."""
    if targets.ndim == 1 and outputs.shape[1] > 1:
        return np.arange(outputs.shape[1]) == targets[:, None], outputs
    return targets.reshape(len(targets), -1) > 0.5, outputs


def area(truth: Array, score: Array, weights: Array) -> float:
    """Weighted probability that a true row's score is above a false row's, ties half; NaN without both kinds."""
    values, place = np.unique(score, return_inverse=True)
    on = np.bincount(place, weights * truth, len(values))
    off = np.bincount(place, weights * ~truth, len(values))
    below = np.cumsum(off) - off
    pairs = on.sum() * off.sum()
    return float((on @ (below + 0.5 * off)) / pairs) if pairs > 0.0 else float("nan")
