"""Callbacks that look into a step now and then, and leave the others to native code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastdl.callbacks.callback import Callback
from fastdl.errors import check_int

if TYPE_CHECKING:
    from fastdl.signals import Signal
    from fastdl.trainer import Trainer


class Probe(Callback):
    """Base class: `on_probe` is called behind every step whose number `every` divides.

    The batch of such a step is run once more, without an update and with memory of its own for each activation. A
    user's own layers see it twice.
    """

    def __init__(self, every: int) -> None:
        self.every = check_int(f"{type(self).__name__}: every", every, 1)

    def on_probe(self, trainer: Trainer, step: int, signals: list[Signal]) -> None:
        """After a step that was looked into."""
