"""Averages of the weights over a training: what to average, and how."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from fastdl.errors import check_bool, check_number
from fastdl.kernels.averaging import record_ema

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fastdl.program import Array, Recorder


class Averaging:
    """Base class of `EMA` and `SWA`, the options of `Trainer(averaging=...)`.

    Validation, callbacks at the end of an epoch, and the finished network see the averaged weights; the steps of a
    training go on from the raw ones, also in a further fit. Batches and the beginning of an epoch show the raw ones.
    """

    recalibrates: ClassVar[bool] = False  # running statistics are estimated anew instead of being averaged

    def record(self, recorder: Recorder, pairs: Iterable[tuple[Array, Array]]) -> None:
        """Record what happens after every step to the pairs (average, what it is of), all flat."""

    def within_update(self, average: Array) -> dict[str, Any]:
        """What `record_update` has to know to keep this average of the weights in its own pass; empty if it can't."""
        return {}

    def takes(self, epoch: int, epochs: int) -> bool:
        """Whether the weights at the end of an epoch, from 0, out of so many in all are taken into the average."""
        return False


class EMA(Averaging):
    """Exponential moving average: a = decay a + (1 - decay) w after every step, beginning at the initial weights.

    Running statistics of norms are averaged likewise.

    Parameters
    ----------
    decay : float
        In [0, 1). The average looks back over some 1 / (1 - decay) steps.
    warmup : bool
        Step t, from 1, has decay min(decay, (1 + t) / (10 + t)), so that the first weights are soon forgotten.

    Notes
    -----
    Polyak & Juditsky 1992. The warm-up is that of TensorFlow's ExponentialMovingAverage.
    """

    def __init__(self, decay: float = 0.999, warmup: bool = False) -> None:
        self.decay = check_number("decay", decay, 0.0, 1.0, open_high=True)
        self.warmup = check_bool("warmup", warmup)

    def record(self, recorder: Recorder, pairs: Iterable[tuple[Array, Array]]) -> None:
        """Record an op for each pair."""
        for average, w in pairs:
            recorder.add_update(record_ema, average=average, w=w, decay=self.decay, warmup=self.warmup)

    def within_update(self, average: Array) -> dict[str, Any]:
        """The average and how it decays."""
        return {"average": average, "average_decay": self.decay, "average_warmup": self.warmup}

    def __repr__(self) -> str:
        return f"EMA(decay={self.decay!r}, warmup={self.warmup!r})"


class SWA(Averaging):
    """Stochastic weight averaging: the mean of the weights at the ends of the epochs from `start` on.

    The statistics of batch norms are those of the averaged network: a pass over the training rows, in their order and
    in batches of the training's size, and the mean of what the batches have. It is made at each end of an epoch, and
    costs as much as the forward half of one.

    Parameters
    ----------
    start : float
        At least 1: the number of epochs before the first that counts. Below 1: this fraction of the training.

    Notes
    -----
    Izmailov et al. 2018. It wants a rate that stays high, constant or cyclic.
    """

    recalibrates = True

    def __init__(self, start: float = 0.75) -> None:
        self.start = check_number("start", start, 0.0, math.inf, open_high=True)
        if self.start > 1.0 and self.start != int(self.start):
            raise ValueError(f"start: expected a number of epochs, or a fraction below 1, got {start}")

    def takes(self, epoch: int, epochs: int) -> bool:
        """Whether that many epochs, or that fraction of them, lie before this one."""
        return epoch >= (self.start if self.start >= 1.0 else self.start * epochs)

    def __repr__(self) -> str:
        return f"SWA(start={self.start!r})"


def averaging_of(given: Averaging | None) -> Averaging | None:
    """Check the option of a Trainer."""
    if given is not None and not isinstance(given, Averaging):
        raise TypeError(f"averaging: expected optim.EMA, optim.SWA or None, got {type(given).__name__}")
    return given
