"""The dense layer: y = x w + b."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.errors import check_bool, check_int, check_number
from fastdl.init import LSUV, Initializer, initializer
from fastdl.kernels import dense, weightnorm
from fastdl.nn.layer import Layer, features_of
from fastdl.penalty import LARGEST, Penalty, penalty_of
from fastdl.program import Backward, Buffer, Recorder, Signal

# What the activation behind it halves, He's weights double; SELU was made for Lecun's. Before all others: Glorot.
AUTO: dict[str | None, str] = {
    "selu": "lecun",
    **dict.fromkeys(("relu", "leaky_relu", "elu", "gelu", "silu", "mish", "softplus"), "he"),
}
if TYPE_CHECKING:
    from fastdl.program import Array


class Dense(Layer):
    """Fully connected layer, y = x w + b.

    Parameters
    ----------
    units : int
        Number of outputs.
    bias : bool
        Whether b is there.
    init : str or Initializer
        How w, of shape (in, out), begins. "auto" looks at the next activation past norms and dropout: He before the
        kinds of ReLU (GELU, SiLU, mish and softplus too), Lecun before SELU, Glorot before tanh and sigmoid and at the
        end of a network or branch.
    bias_init : str or Initializer
        How b, of shape (out,), begins.
    weight_norm : bool
        Whether w = gain v / |v| by columns (Salimans & Kingma 2016): the parameter "weight" is then v, and "gain", of
        shape (out,), the length of each unit's weights. It begins as |v|, so that w begins as `init` says.
    penalty : L1, L2 or L1L2, optional
        On w as it is stored, beside that of the Trainer.
    max_norm : float, optional
        After each step, columns of w whose norm is above it are scaled to it (Srivastava et al. 2014).
    lr_factor : float
        The learning rate of w and b is so many times the optimizer's.
    trainable : bool
        If not, w and b keep their values, whatever decays. Both may be set again before a Trainer is made.
    name : str, optional
        Shown in messages.
    bias_lr_factor : float, optional
        That of b alone, if it is another.
    decay : float
        Factor of the optimizer's weight decay of w.

    Notes
    -----
    Weights decay under `weight_decay`, biases and gains don't. With weight norm a unit whose weights are all 0 stays
    so, since they have no direction.
    """

    inspected = (
        *("units", "bias", "init", "bias_init", "weight_norm", "penalty", "max_norm", "lr_factor", "trainable"),
        *("bias_lr_factor", "decay"),
    )

    def __init__(
        self,
        units: int,
        bias: bool = True,
        init: str | Initializer = "auto",
        bias_init: str | Initializer = "zeros",
        weight_norm: bool = False,
        penalty: Penalty | None = None,
        max_norm: float | None = None,
        lr_factor: float = 1.0,
        trainable: bool = True,
        name: str | None = None,
        bias_lr_factor: float | None = None,
        decay: float = 1.0,
    ) -> None:
        super().__init__(name)
        self.units = check_int("units", units, 1)
        self.bias = check_bool("bias", bias)
        self.init: str | Initializer = init if init == "auto" else initializer(init)
        self.bias_init = initializer(bias_init, "bias_init")
        self.weight_norm = check_bool("weight_norm", weight_norm)
        self.penalty = penalty_of(penalty)
        self.max_norm = None if max_norm is None else check_number("max_norm", max_norm, 0.0, LARGEST, open_low=True)
        self.bias_lr_factor = (
            None if bias_lr_factor is None else check_number("bias_lr_factor", bias_lr_factor, 0.0, LARGEST)
        )
        self.lr_factor = lr_factor
        self.trainable = trainable
        self.decay = check_number("decay", decay, 0.0, LARGEST)
        self.next_activation: str | None = None  # told by the network before build

    @property
    def lr_factor(self) -> float:
        """Factor of the learning rate of w and b."""
        return self._lr_factor

    @lr_factor.setter
    def lr_factor(self, value: float) -> None:
        self._lr_factor = check_number("lr_factor", value, 0.0, 3.4e38)
        for name, parameter in self.parameters_.items():
            parameter.lr_factor = self._factor_of(name)

    def _factor_of(self, name: str) -> float:
        """Factor of the learning rate of a parameter."""
        return self.lr_factor if name != "bias" or self.bias_lr_factor is None else self.bias_lr_factor

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
        init: Any = AUTO.get(self.next_activation, "glorot") if self.init == "auto" else self.init
        trained: Any = {"lr_factor": self.lr_factor, "trainable": self.trainable}
        weight = limited = self.add_parameter("weight", (features, self.units), init, **trained)
        weight.decay = self.decay
        weight.penalty = self.penalty
        if isinstance(weight.init, LSUV):
            self.add_state("adapted", 1)  # whether the weights have met data
        if self.bias:
            self.add_parameter("bias", (self.units,), self.bias_init, decay=False, **trained)
            self.parameters_["bias"].lr_factor = self._factor_of("bias")
        if self.weight_norm:
            limited = self.add_parameter("gain", (self.units,), "ones", decay=False, **trained)  # times |v|, see settle
        limited.max_norm = self.max_norm
        return (self.units,)

    def settle(self) -> None:
        """With weight norm, let each unit's weights begin with the length that they have."""
        if self.weight_norm:
            v = self.params["weight"].astype(np.float64)
            self.params["gain"][...] *= np.sqrt(np.square(v).sum(axis=0))

    def lower(self, recorder: Recorder, x: Signal) -> tuple[Signal, Backward]:
        """x w + b; dw = xT dy, db = column sums of dy, dx = dy wT."""
        weight, bias = self.parameters_["weight"], self.parameters_.get("bias")
        y, gain = recorder.matrix(self.units), self.parameters_.get("gain")
        w: Buffer | Array = weight.value
        if gain is not None:
            w = recorder.array(weight.shape)
            recorder.add(weightnorm.record_forward, w=w, v=weight.value, g=gain.value)
        recorder.add(
            dense.record_forward,
            y=y,
            x=x.buffer,
            w=w,
            b=None if bias is None else bias.value,
            activation=None,
        )

        def backward(dy: Buffer) -> Buffer | None:
            if weight.trainable:
                dw = recorder.gradients[id(weight)]
                recorder.add(dense.record_weight_gradient, dw=dw, x=x.buffer, dy=dy)
                if gain is not None:
                    dg = recorder.gradients[id(gain)]
                    recorder.add(weightnorm.record_backward, dv=dw, dg=dg, dw=dw, v=weight.value, g=gain.value)
            if bias is not None and bias.trainable:
                recorder.add(dense.record_bias_gradient, db=recorder.gradients[id(bias)], dy=dy)
            if not x.needs_gradient:
                return None
            dx = recorder.matrix(x.features)
            recorder.add(dense.record_input_gradient, dx=dx, dy=dy, w=w)
            return dx

        return Signal(y, x.needs_gradient or self.trains), backward
