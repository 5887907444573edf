"""The end of a training that no longer improves, with the best weights."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from fastdl.callbacks.callback import Callback
from fastdl.errors import check_int
from fastdl.monitor import Monitor

if TYPE_CHECKING:
    from fastdl.trainer import Trainer


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
        self._monitor = Monitor("EarlyStopping", monitor, min_delta, mode)
        self.monitor, self.min_delta, self.mode = monitor, self._monitor.min_delta, mode
        self.patience = check_int("EarlyStopping: patience", patience, 0)
        self._forget()

    def _forget(self) -> None:
        self.best = self._monitor.worst
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
        current = self._monitor.read(logs)
        self._watched += 1
        if self._monitor.improves(current, self.best):
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
