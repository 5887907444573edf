"""Activations of which each feature learns how much it wants."""

from __future__ import annotations

import numpy as np

from fastdl.errors import check_number
from fastdl.kernels import parametric
from fastdl.kernels._partial import partial_shape
from fastdl.kernels.activation import activation_saves
from fastdl.nn.layer import Layer, features_of
from fastdl.program import Backward, Buffer, Recorder, Signal


class ParametricActivation(Layer):
    """y = x + alpha (f(x) - x), with an alpha for each feature that begins at 1 (Holzmueller et al. 2024, RealMLP).

    Parameters
    ----------
    kind : str
        The activation f, by name as in `Activation`, with the usual options.
    lr_factor : float
        Factor of the learning rate of alpha; RealMLP has 0.1.
    decay : float
        Factor of the optimizer's weight decay of alpha; RealMLP has 1.
    name : str, optional
    """

    inspected = ("kind", "lr_factor", "decay")

    def __init__(self, kind: str = "selu", lr_factor: float = 1.0, decay: float = 0.0, name: str | None = None) -> None:
        super().__init__(name)
        activation_saves(kind)  # refuses what is none
        self.kind = kind
        self.lr_factor = check_number("lr_factor", lr_factor, 0.0, 3.4e38)
        self.decay = check_number("decay", decay, 0.0, 3.4e38)

    def build(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Declare alpha."""
        shape = (features_of(self, in_shape),)
        self.add_parameter("alpha", shape, "ones", decay=self.decay, lr_factor=self.lr_factor)
        return in_shape

    def lower(self, recorder: Recorder, x: Signal) -> tuple[Signal, Backward]:
        """One op forward, which keeps f(x) beside y; backward one over blocks of rows, and one that adds up dalpha."""
        alpha = self.parameters_["alpha"]
        y, f = recorder.matrix(x.features), recorder.matrix(x.features)
        common = {"x": x.buffer, "f": f, "alpha": alpha.value, "kind": self.kind}
        recorder.add(parametric.record_forward, y=y, **common)

        def backward(dy: Buffer) -> Buffer | None:
            dx = recorder.matrix(x.features) if x.needs_gradient else None
            recorder.add(
                parametric.record_backward,
                dx=dx,
                dy=dy,
                **common,
                partial=recorder.array(partial_shape(recorder.rows, 1, x.features), np.float64),
                dalpha=recorder.gradients[id(alpha)],
            )
            return dx

        return Signal(y, True), backward
