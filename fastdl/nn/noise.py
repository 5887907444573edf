"""Gaussian noise."""

from __future__ import annotations

from fastdl.kernels.noise import record_noise
from fastdl.nn.layer import Layer
from fastdl.program import Backward, Recorder, Signal
from fastdl.schedule import Scheduled
from fastdl.schedule.hyper import Hyper, base_of

STD = Hyper("std", 0.0, 1e30)  # far from where float32 ends


class GaussianNoise(Layer):
    """In training x + std times standard normal deviates; in inference it is x.

    Parameters
    ----------
    std : float or Scheduled
        Standard deviation, at least 0. A number times a schedule follows that; outside of a training it is the number.
    name : str, optional

    Notes
    -----
    The deviates are a pure function of the seed, the step, the layer's place in the network and the element's in the
    batch.
    """

    inspected = ("std",)

    def __init__(self, std: float | Scheduled, name: str | None = None) -> None:
        super().__init__(name)
        self.std = STD.check(std)

    def lower(self, recorder: Recorder, x: Signal) -> tuple[Signal, Backward]:
        """y = x + noise; the gradient passes as it is."""
        stream = recorder.stream()
        if not recorder.training or base_of(self.std) == 0.0:
            return x, lambda dy: dy
        y = recorder.matrix(x.features)
        recorder.add(record_noise, y=y, x=x.buffer, std=STD.record(recorder, self.std), stream=stream)
        return Signal(y, x.needs_gradient), lambda dy: dy
