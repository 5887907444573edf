"""A quantity of the history that is watched: where it stands, and what counts as better."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from fastdl.errors import check_number, unknown_name

MODES = ("auto", "min", "max")
# Metrics of which more is better, by the words of their names; of everything else less is better, as of a loss.
MORE_IS_BETTER = frozenset({"acc", "accuracy", "auc", "f1", "precision", "r2", "recall", "score"})


class Monitor:
    """What early stopping and the plateau have in common: a name, and Keras's rule of improvement.

    Attributes
    ----------
    worst : float
        What any number improves on: infinite, on the bad side.
    """

    def __init__(self, owner: str, name: str, min_delta: float, mode: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{owner}: monitor: expected a name, got {name!r}")
        if mode not in MODES:
            raise unknown_name(f"{owner}: mode", mode, MODES)
        self.owner, self.name = owner, name
        self.min_delta = check_number(f"{owner}: min_delta", min_delta, 0, math.inf)
        self._sign = -1.0 if mode == "max" or (mode == "auto" and more_is_better(name)) else 1.0
        self.worst = self._sign * math.inf

    def improves(self, value: float, best: float) -> bool:
        """Whether a value is better by more than min_delta. NaN compares false, so it never is."""
        return self._sign * value + self.min_delta < self._sign * best

    def read(self, logs: Mapping[str, float]) -> float:
        """The value in an epoch's logs."""
        self.check(logs)
        return float(logs[self.name])

    def check(self, names: Iterable[str]) -> None:
        """Refuse a training that records these quantities, if the watched one is not among them."""
        names = list(names)
        if self.name in names:
            return
        text = f"{self.owner}: monitor={self.name!r} is not there, this training has {', '.join(names) or 'nothing'}"
        if self.name.startswith("val_") and not any(name.startswith("val_") for name in names):
            text += "; give fit validation_data= or validation_split="
        raise ValueError(text)


def more_is_better(name: str) -> bool:
    """Whether a quantity of that name improves by growing."""
    return not MORE_IS_BETTER.isdisjoint(name.split("_"))
