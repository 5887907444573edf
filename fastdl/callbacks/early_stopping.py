"""The end of a training that no longer improves, with the best weights."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

from fastdl.callbacks.callback import Callback
from fastdl.errors import check_int, check_number, unknown_name

if TYPE_CHECKING:
    from fastdl.trainer import Trainer

MODES = ("auto", "min", "max")
# Metrics of which more is better, by the words of their names; of everything else less is better, as of a loss.
MORE_IS_BETTER = frozenset({"acc", "accuracy", "auc", "f1", "precision", "r2", "recall", "score"})


class EarlyStopping(Callback):
    """End the training when a quantity has stopped improving, and keep the best weights.

    The network always ends with the weights of its best epoch, also when the training was never stopped early.

    Parameters
    ----------
    monitor : str, default="val_loss"
        The name in the history to watch.
    patience : int, default=10
        How many epochs without improvement are allowed: the training ends with the last of them. 0 and 1 both end it at
        the first one; the very first epoch of a fit never does.
    min_delta : float, default=0
        A change that is not larger than this is no improvement.
    mode : {"auto", "min", "max"}, default="auto"
        Whether less or more is better. "auto" takes "max" for accuracies, r2 and the like, and "min" for the rest.

    Attributes
    ----------
    best : float
        The best value that was seen; infinite (on the bad side) before there is one. NaN is never an improvement.
    best_epoch : int
        The epoch that gave it, from 0; -1 when there is none.
    stopped_epoch : int
        The epoch that ended the training, from 0; 0 when the training was not stopped, as in Keras.

    Notes
    -----
    Each fit is judged by itself: a second one starts with no best value, because its data may differ.

    Examples
    --------
    >>> stopping = EarlyStopping(monitor="val_accuracy", patience=5)
    >>> stopping.best
    -inf
    """

    def __init__(self, monitor: str = "val_loss", patience: int = 10, min_delta: float = 0, mode: str = "auto") -> None:
        if not isinstance(monitor, str):
            raise TypeError(f"EarlyStopping: monitor: expected a name, got {monitor!r}")
        if mode not in MODES:
            raise unknown_name("EarlyStopping: mode", mode, MODES)
        self.monitor = monitor
        self.patience = check_int("EarlyStopping: patience", patience, 0)
        self.min_delta = check_number("EarlyStopping: min_delta", min_delta, 0, math.inf)
        self.mode = mode
        self._sign = -1.0 if mode == "max" or (mode == "auto" and more_is_better(monitor)) else 1.0
        self._forget()

    def _forget(self) -> None:
        self.best = self._sign * math.inf
        self.best_epoch = -1
        self.stopped_epoch = 0
        self._wait = 0
        self._watched = 0
        self._weights: Any = None

    def on_train_begin(self, trainer: Trainer) -> None:
        """Start anew: nothing has been seen."""
        self._forget()

    def on_epoch_end(self, trainer: Trainer, epoch: int, logs: dict[str, float]) -> None:
        """Compare with the best epoch; keep the weights, or lose patience."""
        if self.monitor not in logs:
            raise ValueError(self._missing(logs))
        current = float(logs[self.monitor])
        self._watched += 1
        # NaN compares false, so it is never an improvement.
        if self._sign * current + self.min_delta < self._sign * self.best:
            self.best, self.best_epoch, self._wait = current, epoch, 0
            self._weights = None  # the old ones go first: there is never memory for two copies
            self._weights = trainer.net.snapshot()
            return
        self._wait += 1
        # Keras spares the first epoch, whatever the patience.
        if self._wait >= self.patience and self._watched > 1:
            self.stopped_epoch = epoch
            trainer.stop()

    def on_train_end(self, trainer: Trainer) -> None:
        """Give the network its best weights."""
        if self._weights is not None:
            trainer.net.restore(self._weights)
            self._weights = None
        elif self._watched and self.best_epoch < 0:
            warnings.warn(
                f"EarlyStopping: {self.monitor!r} was never a finite number, so no epoch was best:"
                " the network keeps its last weights",
                stacklevel=2,
            )

    def _missing(self, logs: dict[str, float]) -> str:
        text = f"EarlyStopping: monitor={self.monitor!r} is not there, this training has {', '.join(logs) or 'nothing'}"
        if self.monitor.startswith("val_") and not any(name.startswith("val_") for name in logs):
            text += "; give fit validation_data= or validation_split="
        return text


def more_is_better(name: str) -> bool:
    """Whether a quantity of that name improves by growing."""
    return not MORE_IS_BETTER.isdisjoint(name.split("_"))
