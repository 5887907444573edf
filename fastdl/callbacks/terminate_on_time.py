"""The end of a training when its time is over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from fastdl.callbacks.callback import Callback
from fastdl.errors import check_number

if TYPE_CHECKING:
    from fastdl.trainer import Trainer


class TerminateOnTime(Callback):
    """End a fit after the first epoch that ends this many seconds after its beginning.

    Parameters
    ----------
    seconds : float
        Above 0. The epoch that is running then is finished.

    Attributes
    ----------
    late : bool
        Whether it has ended the last fit before all its epochs were made.

    Notes
    -----
    A schedule that was to fall over all epochs is cut off. Where the last epochs matter, plan fewer of them instead.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = check_number("TerminateOnTime: seconds", seconds, 0.0, float("inf"), open_low=True)
        self.late = False
        self._end = 0.0

    def on_train_begin(self, trainer: Trainer) -> None:
        """Look at the clock."""
        self.late = False
        self._end = time.monotonic() + self.seconds

    def on_epoch_end(self, trainer: Trainer, epoch: int, logs: dict[str, float]) -> None:
        """Stop if it is time."""
        if time.monotonic() >= self._end:
            self.late = epoch + 1 < trainer.epochs
            trainer.stop()
