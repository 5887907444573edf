"""Alpha dropout."""

from __future__ import annotations

import numpy as np

from fastdl.kernels import dropout
from fastdl.nn.layer import Layer
from fastdl.program import Backward, Buffer, Recorder, Signal
from fastdl.schedule import Scheduled
from fastdl.schedule.hyper import Hyper, base_of

RATE = Hyper("rate", 0.0, 1.0, open_high=True)


class AlphaDropout(Layer):
    """Dropout for SELU networks (Klambauer et al. 2017): keeps mean 0 and variance 1; in inference it is x.

    In training each element is alpha = -1.758 with probability `rate`, and all are mapped by a x + b, with
    a = ((1 - rate) (1 + rate alpha^2))^(-1/2) and b = -a rate alpha.

    Parameters
    ----------
    rate : float or Scheduled
        In [0, 1). `0.15 * schedule.FlatCos()` follows that schedule; outside of a training it is 0.15.
    name : str, optional

    Notes
    -----
    The mask is that of a `Dropout` at the same place in the network.
    """

    inspected = ("rate",)

    def __init__(self, rate: float | Scheduled, name: str | None = None) -> None:
        super().__init__(name)
        self.rate = RATE.check(rate)

    def lower(self, recorder: Recorder, x: Signal) -> tuple[Signal, Backward]:
        """The mask as bits, then an affine map of what is kept; backwards a product."""
        stream = recorder.stream()
        if not recorder.training or base_of(self.rate) == 0.0:
            return x, lambda dy: dy
        rate = RATE.record(recorder, self.rate)
        bits = recorder.array((dropout.mask_bytes(recorder.rows * x.features),), np.uint8)
        y = recorder.matrix(x.features)
        recorder.add(dropout.record_mask, bits=bits, cols=x.features, rate=rate, stream=stream)
        recorder.add(dropout.record_alpha, y=y, x=x.buffer, bits=bits, rate=rate, backward=False)

        def backward(dy: Buffer) -> Buffer | None:
            if not x.needs_gradient:
                return None
            dx = recorder.matrix(x.features)
            recorder.add(dropout.record_alpha, y=dx, x=dy, bits=bits, rate=rate, backward=True)
            return dx

        return Signal(y, x.needs_gradient), backward
