"""A learned factor for each feature."""

from __future__ import annotations

import numpy as np

from fastdl.errors import check_number
from fastdl.kernels import feature_scale
from fastdl.kernels._partial import partial_shape
from fastdl.nn.layer import Layer, features_of
from fastdl.program import Backward, Buffer, Recorder, Signal


class FeatureScale(Layer):
    """y = x times a factor for each feature, which begins at 1 and is learned (Holzmueller et al. 2024, RealMLP).

    In front of the first Dense and with a higher rate it lets a network drop useless features early.

    Parameters
    ----------
    lr_factor : float
        Factor of the learning rate; RealMLP has 6.
    decay : float
        Factor of the optimizer's weight decay; RealMLP has 1.
    name : str, optional
    """

    inspected = ("lr_factor", "decay")

    def __init__(self, lr_factor: float = 1.0, decay: float = 0.0, name: str | None = None) -> None:
        super().__init__(name)
        self.lr_factor = check_number("lr_factor", lr_factor, 0.0, 3.4e38)
        self.decay = check_number("decay", decay, 0.0, 3.4e38)

    def build(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Declare the factors."""
        shape = (features_of(self, in_shape),)
        self.add_parameter("factor", shape, "ones", decay=self.decay, lr_factor=self.lr_factor)
        return in_shape

    def lower(self, recorder: Recorder, x: Signal) -> tuple[Signal, Backward]:
        """y = x factor; dx = dy factor, dfactor = column sums of dy x."""
        factor, y = self.parameters_["factor"], recorder.matrix(x.features)
        recorder.add(feature_scale.record_forward, y=y, x=x.buffer, factor=factor.value)

        def backward(dy: Buffer) -> Buffer | None:
            dx = recorder.matrix(x.features) if x.needs_gradient else None
            recorder.add(
                feature_scale.record_backward,
                dx=dx,
                dy=dy,
                x=x.buffer,
                factor=factor.value,
                partial=recorder.array(partial_shape(recorder.rows, 1, x.features), np.float64),
                dfactor=recorder.gradients[id(factor)],
            )
            return dx

        return Signal(y, True), backward
