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
        """Epochs of the next member if it began now, and the seconds after which it may begin no more of them."""
        left = max(0.0, self.deadline - time.monotonic())
        share = left / (self.rounds - self.begun // self.at_once)
        return max(1, min(self.epochs, int(SHARE * share / self.seconds))), max(share - self.seconds, 1e-9)

    def begin(self) -> tuple[int, float]:
        """The same of a member that begins."""
        with self._lock:
            epochs, seconds = self.next()
            if self.begun == 0:
                self.epochs = epochs  # nobody gets more than the first
            self.begun += 1
            return epochs, seconds

    def took(self, epochs: int, seconds: float) -> None:
        """A member has come to its end: its epochs are what others are planned by."""
        with self._lock:
            self.seconds = max(seconds / max(epochs, 1), 1e-9)


class Clock(Callback):
    """Times epochs, and ends the training when that has taken long enough.

    Parameters
    ----------
    enough : float
        Seconds after which no epoch begins.
    """

    def __init__(self, enough: float) -> None:
        self.enough = enough
        self._times: list[float] = []
        self._began = 0.0

    @property
    def seconds(self) -> float:
        """Of an epoch: the median, without the first, which touches everything for the first time."""
        later = self._times[1:] or self._times
        return sorted(later)[len(later) // 2] if later else 0.0

    def on_epoch_begin(self, trainer: Trainer, epoch: int) -> None:
        """Start."""
        self._began = time.monotonic()

    def on_epoch_end(self, trainer: Trainer, epoch: int, logs: dict[str, float]) -> None:
        """Stop."""
        self._times.append(time.monotonic() - self._began)
        if sum(self._times) > self.enough:
            trainer.stop()
