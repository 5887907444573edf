"""The averaged weights of a training, beside the network that is trained."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.kernels.averaging import ema_update
from fastdl.program import aligned

if TYPE_CHECKING:
    from fastdl.nn.network import Network
    from fastdl.optim.averaging import Averaging
    from fastdl.program import Array

PIECE = 1 << 16  # elements that are exchanged at once


class Averages:
    """One more copy of the weights and the running statistics. Which of the two the network holds can be exchanged.

    Attributes
    ----------
    pairs : list of (ndarray, ndarray)
        Averages, and what they are of: the network's arena and each of its running statistics, all flat.
    size : int
        Of the arena; without one the pairs are the statistics alone.
    shown : bool
        Whether the network holds the averages at the moment, and the pairs what training goes on from.
    count : int
        How many were taken by `take`.
    """

    def __init__(self, network: Network, averaging: Averaging) -> None:
        self.averaging = averaging
        states = [array for _, layer in network.walk() for array in layer.state.values() if array.dtype == np.float32]
        self.pairs = [(copy_of(live), live.reshape(-1)) for live in (network.arena, *states) if live.size]
        self.size = network.arena.size
        self.shown = False
        self.count = 0
        self._sum = 0

    def within_update(self) -> dict[str, Any]:
        """What keeps the average of the arena, the first pair, in the optimizer's own pass; empty if nothing does."""
        return self.averaging.within_update(self.pairs[0][0]) if self.size else {}

    def show(self) -> None:
        """Give the network the averages, if there are any."""
        if not self.shown and (self.count or not self.averaging.recalibrates):
            self._exchange()
            self.shown = True

    def leave(self) -> None:
        """Remember what the network holds when its training ends, to notice if that is changed."""
        self._sum = self._checksum()

    def resume(self) -> None:
        """Give the network back what training goes on from. Weights that were changed since `leave` are taken anew."""
        if self.shown and self._checksum() == self._sum:
            self.hide()
        elif self.shown or self._sum not in (0, self._checksum()):
            self.shown, self.count = False, 0
            for average, live in self.pairs:
                average[...] = live

    def hide(self) -> None:
        """Give the network what training goes on from."""
        if self.shown:
            self._exchange()
            self.shown = False

    def take(self) -> None:
        """Take the weights that the network holds into the mean of those that were taken before."""
        self.count += 1
        for average, live in self.pairs:
            ema_update(average, live, 1.0 - 1.0 / self.count)

    def snapshot(self) -> tuple[list[Array], bool, int]:
        """Copies, for `restore`."""
        return [average.copy() for average, _ in self.pairs], self.shown, self.count

    def restore(self, snapshot: tuple[list[Array], bool, int]) -> None:
        """Go back to a `snapshot`; the network's own arrays are somebody else's to restore."""
        averages, self.shown, self.count = snapshot
        for (average, _), value in zip(self.pairs, averages, strict=True):
            average[...] = value

    def _exchange(self) -> None:
        """Swap the pairs' contents, a piece at a time: there is no memory for a third copy."""
        for average, live in self.pairs:
            for i in range(0, live.size, PIECE):
                piece = average[i : i + PIECE].copy()
                average[i : i + PIECE] = live[i : i + PIECE]
                live[i : i + PIECE] = piece

    def _checksum(self) -> int:
        sum_ = 1
        for _, live in self.pairs:
            sum_ = zlib.crc32(live.view(np.uint8).data, sum_)
        return sum_


def copy_of(array: Array) -> Array:
    """The same numbers in aligned memory, flat."""
    copy = aligned(4 * array.size).view(np.float32)
    copy[...] = array.reshape(-1)
    return copy
