"""Batch normalisation."""

from __future__ import annotations

import numpy as np

from fastdl.errors import check_number
from fastdl.kernels import batchnorm
from fastdl.nn.layer import Layer, features_of
from fastdl.program import Backward, Buffer, Recorder, Signal


class BatchNorm(Layer):
    """y = (x - mean) / sqrt(var + eps) gamma + beta (Ioffe & Szegedy 2015), per feature.

    In training mean and variance are the batch's, and running estimates follow them; in inference they are the running
    ones. A batch of one row uses the running estimates as constants and leaves them alone.

    Parameters
    ----------
    momentum : float
        running = momentum running + (1 - momentum) batch; the running variance is the unbiased one. In [0, 1].
    eps : float
        Added to the variance.
    name : str, optional
    """

    inspected = ("momentum", "eps")

    def __init__(self, momentum: float = 0.9, eps: float = 1e-5, name: str | None = None) -> None:
        super().__init__(name)
        self.momentum = check_number("momentum", momentum, 0.0, 1.0)
        self.eps = check_number("eps", eps, 0.0, float("inf"), open_low=True)

    def build(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Declare gamma and beta, which don't decay, and the running estimates."""
        features = features_of(self, in_shape)
        self.add_parameter("gamma", (features,), "ones", decay=False)
        self.add_parameter("beta", (features,), "zeros", decay=False)
        self.add_state("running_mean", features, 0.0)
        self.add_state("running_var", features, 1.0)
        return in_shape

    def lower(self, recorder: Recorder, x: Signal) -> tuple[Signal, Backward]:
        """One op each way, over blocks of columns; the running estimates follow behind the finite check."""
        gamma, beta = self.parameters_["gamma"], self.parameters_["beta"]
        running = {name: self.state[name] for name in ("running_mean", "running_var")}
        stats, coef = recorder.array((2, x.features), np.float64), recorder.array((5, x.features))
        y = recorder.matrix(x.features)
        common = {"x": x.buffer, "gamma": gamma.value, "beta": beta.value, **running, "stats": stats, "coef": coef}
        recorder.add(batchnorm.record_forward, y=y, **common, eps=self.eps, training=recorder.training)
        if recorder.training:
            momentum = -1.0 if recorder.calibrates else self.momentum
            recorder.add_update(batchnorm.record_running, **running, stats=stats, momentum=momentum)

        def backward(dy: Buffer) -> Buffer | None:
            dx = recorder.matrix(x.features) if x.needs_gradient else None
            recorder.add(
                batchnorm.record_backward,
                dx=dx,
                dy=dy,
                **common,
                eps=self.eps,
                sums=recorder.array((2, x.features), np.float64),
                dgamma=recorder.gradients[id(gamma)],
                dbeta=recorder.gradients[id(beta)],
            )
            return dx

        return Signal(y, True), backward
