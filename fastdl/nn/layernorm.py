"""Layer normalisation and RMS normalisation."""

from __future__ import annotations

import numpy as np

from fastdl.errors import check_number
from fastdl.kernels import layernorm
from fastdl.nn.layer import Layer, Parameter, features_of
from fastdl.program import Backward, Buffer, Recorder, Signal


class RowNorm(Layer):
    """A norm of each row by itself: the same in training and in inference, whatever the batch."""

    inspected = ("eps",)

    def __init__(self, eps: float = 1e-5, name: str | None = None) -> None:
        super().__init__(name)
        self.eps = check_number("eps", eps, 0.0, float("inf"), open_low=True)

    def build(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Declare gamma, which doesn't decay."""
        self.add_parameter("gamma", (features_of(self, in_shape),), "ones", decay=False)
        return in_shape

    def lower(self, recorder: Recorder, x: Signal) -> tuple[Signal, Backward]:
        """One op forward; backward one over blocks of rows, and one that adds up what they give to gamma and beta."""
        gamma, beta = self.parameters_["gamma"], self.parameters_.get("beta")
        y, coef = recorder.matrix(x.features), recorder.array((recorder.rows, 3))
        common = {"x": x.buffer, "gamma": gamma.value, "coef": coef}
        recorder.add(layernorm.record_forward, y=y, **common, beta=None if beta is None else beta.value, eps=self.eps)

        def gradient(parameter: Parameter | None) -> object:
            return None if parameter is None else recorder.gradients[id(parameter)]

        def backward(dy: Buffer) -> Buffer | None:
            dx = recorder.matrix(x.features) if x.needs_gradient else None
            blocks = layernorm.partial_blocks(recorder.rows, x.features)
            recorder.add(
                layernorm.record_backward,
                dx=dx,
                dy=dy,
                **common,
                partial=recorder.array((blocks, 2, x.features), np.float64),
                dgamma=gradient(gamma),
                dbeta=gradient(beta),
            )
            return dx

        return Signal(y, True), backward


class LayerNorm(RowNorm):
    """y = (x - mean) / sqrt(var + eps) gamma + beta, over the features of each row (Ba, Kiros & Hinton 2016).

    Parameters
    ----------
    eps : float
        Added to the variance.
    name : str, optional
    """

    def build(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Declare gamma and beta, which don't decay."""
        super().build(in_shape)
        self.add_parameter("beta", in_shape, "zeros", decay=False)
        return in_shape


class RMSNorm(RowNorm):
    """y = x / sqrt(mean of x^2 + eps) gamma, over the features of each row (Zhang & Sennrich 2019).

    Parameters
    ----------
    eps : float
        Added to the mean square.
    name : str, optional
    """
