"""Which epoch of a training is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastdl.callbacks import Callback

if TYPE_CHECKING:
    from fastdl.trainer import Trainer


class BestEpoch(Callback):
    """Keeps the weights of the last of the best epochs.

    Parameters
    ----------
    monitor : str
        A name of the history of which less is better.
    sign : float
        -1 if more is better.
    patience : int, optional
        Epochs without improvement after which the training ends.
    tie : float
        What is worse by no more than this is as good.
    """

    def __init__(self, monitor: str, sign: float, patience: int | None, tie: float = 0.0) -> None:
        self.monitor, self.sign, self.patience, self.tie = monitor, sign, patience, tie
        self.best = float("inf")
        self.best_epoch = -1
        self._weights: Any = None

    def on_epoch_end(self, trainer: Trainer, epoch: int, logs: dict[str, float]) -> None:
        """Compare and keep."""
        value = self.sign * logs[self.monitor]
        if value <= self.best + self.tie:  # of equals the last: what has been trained longer is the smoother
            self.best, self.best_epoch = min(value, self.best), epoch
            self._weights = None
            self._weights = trainer.net.snapshot()
        elif self.patience is not None and epoch - self.best_epoch >= self.patience:
            trainer.stop()

    def restore(self, trainer: Trainer) -> bool:
        """Give the network its best weights; False if there are none."""
        if self._weights is None:
            return False
        trainer.net.restore(self._weights)
        self._weights = None
        return True
