"""How many epochs a time limit leaves to each member."""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING

from fastdl.callbacks import Callback

if TYPE_CHECKING:
    from fastdl.trainer import Trainer

SHARE = 0.9  # of the time that epochs are planned for


class Plan:
    """Shares the time that is left among the members that have not begun.

    A training that is cut off ends at a high rate; one that is planned shorter ends well. So each member gets epochs
    for the most of its share, and is cut off, where they took longer, at the end of it: those behind it have theirs.

    Parameters
    ----------
    epochs : int
        The most that a member makes.
    members, at_once : int
        How many there are, and how many of these are trained at the same time.
    deadline : float
        A time of `time.monotonic`.
    seconds : float
        That an epoch takes.
    """

    def __init__(self, epochs: int, members: int, at_once: int, deadline: float, seconds: float) -> None:
        self.epochs, self.at_once, self.deadline = epochs, at_once, deadline
        self.rounds, self.begun = -(-members // at_once), 0
        self.seconds = max(seconds, 1e-9)
        self._lock = Lock()

    def next(self) -> tuple[int, float]:
        """Epochs of the next member if it began now, and the seconds after which it would be cut off."""
        left = max(0.0, self.deadline - time.monotonic())
        share = max(left / (self.rounds - self.begun // self.at_once), 1e-9)
        return max(1, min(self.epochs, int(SHARE * share / self.seconds))), share

    def begin(self) -> tuple[int, float]:
        """The same of a member that begins."""
        with self._lock:
            epochs, share = self.next()
            if self.begun == 0:
                self.epochs = epochs  # nobody gets more than the first
            self.begun += 1
            return epochs, share

    def took(self, epochs: int, seconds: float) -> None:
        """A member has come to its end: its epochs are what others are planned by."""
        with self._lock:
            self.seconds = max(seconds / max(epochs, 1), 1e-9)


class Clock(Callback):
    """Times the epochs but the first, and ends the training after it if there is no time for more.

    Parameters
    ----------
    enough : float
        Seconds of a first epoch that is the only one.
    """

    def __init__(self, enough: float) -> None:
        self.enough = enough
        self.seconds = 0.0  # of the longest
        self._began = 0.0

    def on_epoch_begin(self, trainer: Trainer, epoch: int) -> None:
        """Start."""
        self._began = time.monotonic()

    def on_epoch_end(self, trainer: Trainer, epoch: int, logs: dict[str, float]) -> None:
        """Stop."""
        seconds = time.monotonic() - self._began
        self.seconds = seconds if epoch <= 1 else max(seconds, self.seconds)
        if epoch == 0 and seconds > self.enough:
            trainer.stop()
