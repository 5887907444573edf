"""Alpha dropout."""

from __future__ import annotations

import numpy as np

from fastdl.errors import check_number
from fastdl.kernels import dropout
from fastdl.nn.layer import Layer
from fastdl.program import Backward, Buffer, Recorder, Signal


class AlphaDropout(Layer):
    """Dropout for SELU networks (Klambauer et al. 2017): keeps mean 0 and variance 1; in inference it is x.

    In training each element is alpha = -1.758 with probability `rate`, and all are mapped by a x + b, with
    a = ((1 - rate) (1 + rate alpha^2))^(-1/2) and b = -a rate alpha.

    Parameters
    ----------
    rate : float
        In [0, 1).
    name : str, optional

    Notes
    -----
    The mask is that of a `Dropout` at the same place in the network.
    """

    inspected = ("rate",)

    def __init__(self, rate: float, name: str | None = None) -> None:
        super().__init__(name)
        self.rate = check_number("rate", rate, 0.0, 1.0, open_high=True)

    def lower(self, recorder: Recorder, x: Signal) -> tuple[Signal, Backward]:
        """The mask as bits, then an affine map of what is kept; backwards a product."""
        stream = recorder.stream()
        if not recorder.training or self.rate == 0.0:
            return x, lambda dy: dy
        bits = recorder.array((dropout.mask_bytes(recorder.rows * x.features),), np.uint8)
        y = recorder.matrix(x.features)
        recorder.add(dropout.record_mask, bits=bits, cols=x.features, rate=self.rate, stream=stream)
        recorder.add(dropout.record_alpha, y=y, x=x.buffer, bits=bits, rate=self.rate, backward=False)

        def backward(dy: Buffer) -> Buffer | None:
            if not x.needs_gradient:
                return None
            dx = recorder.matrix(x.features)
            recorder.add(dropout.record_alpha, y=dx, x=dy, bits=bits, rate=self.rate, backward=True)
            return dx

        return Signal(y, x.needs_gradient), backward
