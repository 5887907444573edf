"""Inverted dropout."""

from __future__ import annotations

import numpy as np

from fastdl.kernels import dropout
from fastdl.nn.layer import Layer
from fastdl.program import Backward, Buffer, Recorder, Signal
from fastdl.schedule import Scheduled
from fastdl.schedule.hyper import Hyper, base_of

RATE = Hyper("rate", 0.0, 1.0, open_high=True)


class Dropout(Layer):
    """In training each element is zero with probability `rate`, else x / (1 - rate); in inference it is x.

    Parameters
    ----------
    rate : float or Scheduled
        In [0, 1). `0.15 * schedule.FlatCos()` follows that schedule; outside of a training it is 0.15.
    name : str, optional

    Notes
    -----
    The mask is a pure function of the seed, the step, the layer's place in the network and the element's in the batch.
    """

    inspected = ("rate",)

    def __init__(self, rate: float | Scheduled, name: str | None = None) -> None:
        super().__init__(name)
        self.rate = RATE.check(rate)

    def lower(self, recorder: Recorder, x: Signal) -> tuple[Signal, Backward]:
        """The mask as bits, then a product each way."""
        stream = recorder.stream()
        if not recorder.training or base_of(self.rate) == 0.0:
            return x, lambda dy: dy
        rate = RATE.record(recorder, self.rate)
        bits = recorder.array((dropout.mask_bytes(recorder.rows * x.features),), np.uint8)
        y = recorder.matrix(x.features)
        recorder.add(dropout.record_mask, bits=bits, cols=x.features, rate=rate, stream=stream)
        recorder.add(dropout.record_apply, y=y, x=x.buffer, bits=bits, rate=rate)

        def backward(dy: Buffer) -> Buffer | None:
            if not x.needs_gradient:
                return None
            dx = recorder.matrix(x.features)
            recorder.add(dropout.record_apply, y=dx, x=dy, bits=bits, rate=rate)
            return dx

        return Signal(y, x.needs_gradient), backward
