"""Inverted dropout."""

from __future__ import annotations

import numpy as np

from fastdl.errors import check_number
from fastdl.kernels import dropout
from fastdl.nn.layer import Layer
from fastdl.program import Backward, Buffer, Recorder, Signal


class Dropout(Layer):
    """In training each element is zero with probability `rate`, else x / (1 - rate); in inference it is x.

    Parameters
    ----------
    rate : float
        In [0, 1).
    name : str, optional

    Notes
    -----
    The mask is a pure function of the seed, the step, the layer's place in the network and the element's in the batch.
    """

    inspected = ("rate",)

    def __init__(self, rate: float, name: str | None = None) -> None:
        super().__init__(name)
        self.rate = check_number("rate", rate, 0.0, 1.0, open_high=True)

    def lower(self, recorder: Recorder, x: Signal) -> tuple[Signal, Backward]:
        """The mask as bits, then a product each way."""
        stream = recorder.stream()
        if not recorder.training or self.rate == 0.0:
            return x, lambda dy: dy
        bits = recorder.array((dropout.mask_bytes(recorder.rows * x.features),), np.uint8)
        y = recorder.matrix(x.features)
        recorder.add(dropout.record_mask, bits=bits, cols=x.features, rate=self.rate, stream=stream)
        recorder.add(dropout.record_apply, y=y, x=x.buffer, bits=bits, rate=self.rate)

        def backward(dy: Buffer) -> Buffer | None:
            if not x.needs_gradient:
                return None
            dx = recorder.matrix(x.features)
            recorder.add(dropout.record_apply, y=dx, x=dy, bits=bits, rate=self.rate)
            return dx

        return Signal(y, x.needs_gradient), backward
