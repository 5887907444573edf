"""Gaussian noise."""

from __future__ import annotations

from fastdl.errors import check_number
from fastdl.kernels.noise import record_noise
from fastdl.nn.layer import Layer
from fastdl.program import Backward, Recorder, Signal

MOST = 1e30  # far from where float32 ends


class GaussianNoise(Layer):
    """In training x + std times standard normal deviates; in inference it is x.

    Parameters
    ----------
    std : float
        Standard deviation, at least 0.
    name : str, optional

    Notes
    -----
    The deviates are a pure function of the seed, the step, the layer's place in the network and the element's in the
    batch.
    """

    inspected = ("std",)

    def __init__(self, std: float, name: str | None = None) -> None:
        super().__init__(name)
        self.std = check_number("std", std, 0.0, MOST)

    def lower(self, recorder: Recorder, x: Signal) -> tuple[Signal, Backward]:
        """y = x + noise; the gradient passes as it is."""
        stream = recorder.stream()
        if not recorder.training or self.std == 0.0:
            return x, lambda dy: dy
        y = recorder.matrix(x.features)
        recorder.add(record_noise, y=y, x=x.buffer, std=self.std, stream=stream)
        return Signal(y, x.needs_gradient), lambda dy: dy
