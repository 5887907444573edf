"""The dense layer: y = x w + b."""

from __future__ import annotations

from typing import Any

from fastdl.errors import check_bool, check_int, check_number
from fastdl.init import Initializer, initializer
from fastdl.kernels import dense
from fastdl.nn.layer import Layer, features_of
from fastdl.program import Backward, Buffer, Recorder, Signal


class Dense(Layer):
    """Fully connected layer, y = x w + b.

    Parameters
    ----------
    units : int
        Number of outputs.
    bias : bool
        Whether b is there.
    init : str or Initializer
        How w, of shape (in, out), begins. "auto" looks at the next activation past norms and dropout: He before ReLU,
        Glorot before tanh and at the end of a network or branch.
    bias_init : str or Initializer
        How b, of shape (out,), begins.
    lr_factor : float
        The learning rate of w and b is so many times the optimizer's.
    trainable : bool
        If not, w and b keep their values, whatever decays. Both may be set again before a Trainer is made.
    name : str, optional
        Shown in messages.

    Notes
    -----
    Weights decay under `weight_decay`, biases don't.
    """

    inspected = ("units", "bias", "init", "bias_init", "lr_factor", "trainable")

    def __init__(
        self,
        units: int,
        bias: bool = True,
        init: str | Initializer = "auto",
        bias_init: str | Initializer = "zeros",
        lr_factor: float = 1.0,
        trainable: bool = True,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.units = check_int("units", units, 1)
        self.bias = check_bool("bias", bias)
        self.init: str | Initializer = init if init == "auto" else initializer(init)
        self.bias_init = initializer(bias_init, "bias_init")
        self.lr_factor = lr_factor
        self.trainable = trainable
        self.next_activation: str | None = None  # told by the network before build

    @property
    def lr_factor(self) -> float:
        """Factor of the learning rate of w and b."""
        return self._lr_factor

    @lr_factor.setter
    def lr_factor(self, value: float) -> None:
        self._lr_factor = check_number("lr_factor", value, 0.0, 3.4e38)
        for parameter in self.parameters_.values():
            parameter.lr_factor = self._lr_factor

    @property
    def trainable(self) -> bool:
        """Whether w and b change."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = check_bool("trainable", value)
        for parameter in self.parameters_.values():
            parameter.trainable = self._trainable

    def build(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Declare w and b."""
        features = features_of(self, in_shape)
        init: Any = ("he" if self.next_activation == "relu" else "glorot") if self.init == "auto" else self.init
        trained: Any = {"lr_factor": self.lr_factor, "trainable": self.trainable}
        self.add_parameter("weight", (features, self.units), init, **trained)
        if self.bias:
            self.add_parameter("bias", (self.units,), self.bias_init, decay=False, **trained)
        return (self.units,)

    def lower(self, recorder: Recorder, x: Signal) -> tuple[Signal, Backward]:
        """x w + b; dw = xT dy, db = column sums of dy, dx = dy wT."""
        weight, bias = self.parameters_["weight"], self.parameters_.get("bias")
        y = recorder.matrix(self.units)
        recorder.add(
            dense.record_forward,
            y=y,
            x=x.buffer,
            w=weight.value,
            b=None if bias is None else bias.value,
            activation=None,
        )

        def backward(dy: Buffer) -> Buffer | None:
            if weight.trainable:
                recorder.add(dense.record_weight_gradient, dw=recorder.gradients[id(weight)], x=x.buffer, dy=dy)
            if bias is not None and bias.trainable:
                recorder.add(dense.record_bias_gradient, db=recorder.gradients[id(bias)], dy=dy)
            if not x.needs_gradient:
                return None
            dx = recorder.matrix(x.features)
            recorder.add(dense.record_input_gradient, dx=dx, dy=dy, w=weight.value)
            return dx

        return Signal(y, x.needs_gradient or self.trains), backward
