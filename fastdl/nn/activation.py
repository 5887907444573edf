"""Element-wise activations."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from fastdl.errors import check_number, unknown_name
from fastdl.kernels import activation
from fastdl.nn.layer import Layer
from fastdl.program import Backward, Buffer, Recorder, Signal

LARGEST = float(np.finfo(np.float32).max)


class ElementWise(Layer):
    """An activation of which a kernel exists; `kind` is the kernel's name for it.

    Parameters
    ----------
    name : str, optional
        Shown in messages.
    """

    kind: ClassVar[str]

    def options(self) -> dict[str, Any]:
        """What the kernel is told."""
        return {"kind": self.kind}

    def lower(self, recorder: Recorder, x: Signal) -> tuple[Signal, Backward]:
        """y = f(x); dx = dy f'(x), from y if the kernel can, else from x."""
        y = recorder.matrix(x.features)
        saved = y if activation.activation_saves(self.kind) == "y" else x.buffer
        recorder.add(activation.record_forward, y=y, x=x.buffer, **self.options())

        def backward(dy: Buffer) -> Buffer | None:
            if not x.needs_gradient:
                return None
            dx = recorder.matrix(x.features)
            recorder.add(activation.record_backward, dx=dx, dy=dy, saved=saved, **self.options())
            return dx

        return Signal(y, x.needs_gradient), backward


class Sloped(ElementWise):
    """An activation whose negative side has a parameter alpha."""

    inspected = ("alpha",)

    def __init__(self, alpha: float, name: str | None = None) -> None:
        super().__init__(name)
        self.alpha = check_number("alpha", alpha, 0.0, LARGEST)

    def options(self) -> dict[str, Any]:
        """Kind and alpha."""
        return {"kind": self.kind, "alpha": self.alpha}


class Identity(ElementWise):
    """x as it is."""

    kind = "identity"

    def lower(self, recorder: Recorder, x: Signal) -> tuple[Signal, Backward]:
        """Nothing to do."""
        return x, lambda dy: dy


class ReLU(ElementWise):
    """max(x, 0). NaN passes, so that it hides no explosion."""

    kind = "relu"


class LeakyReLU(Sloped):
    """x, or alpha x where x is negative (Maas et al. 2013).

    Parameters
    ----------
    alpha : float
        At least 0.
    name : str, optional
    """

    kind = "leaky_relu"

    def __init__(self, alpha: float = 0.01, name: str | None = None) -> None:
        super().__init__(alpha, name)


class ELU(Sloped):
    """x, or alpha (e^x - 1) where x is negative (Clevert et al. 2016).

    Parameters
    ----------
    alpha : float
        At least 0.
    name : str, optional
    """

    kind = "elu"

    def __init__(self, alpha: float = 1.0, name: str | None = None) -> None:
        super().__init__(alpha, name)


class SELU(ElementWise):
    """1.0507 x, or 1.7581 (e^x - 1) where x is negative: keeps mean 0 and variance 1 (Klambauer et al. 2017).

    That holds behind `Dense` with Lecun's initial weights, which init="auto" chooses, and with `AlphaDropout`.
    """

    kind = "selu"


class GELU(ElementWise):
    """x times the normal distribution at x, exactly and not by tanh (Hendrycks and Gimpel 2016)."""

    kind = "gelu"


class SiLU(ElementWise):
    """x times the sigmoid of x, also called swish (Elfwing et al. 2018)."""

    kind = "silu"


class Mish(ElementWise):
    """x tanh(ln(1 + e^x)) (Misra 2019)."""

    kind = "mish"


class Tanh(ElementWise):
    """Hyperbolic tangent."""

    kind = "tanh"


class Sigmoid(ElementWise):
    """1 / (1 + e^-x)."""

    kind = "sigmoid"


class Softplus(ElementWise):
    """ln(1 + e^x), a smooth ReLU."""

    kind = "softplus"


KINDS: dict[str, type[ElementWise]] = {
    kind.kind: kind for kind in (Identity, ReLU, LeakyReLU, ELU, SELU, GELU, SiLU, Mish, Tanh, Sigmoid, Softplus)
}


def Activation(name: str) -> ElementWise:
    """Make the activation layer of that name.

    Parameters
    ----------
    name : {"identity", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "tanh", "sigmoid", "softplus"}

    Returns
    -------
    Layer
        With the usual alpha.
    """
    if not isinstance(name, str) or name not in KINDS:
        raise unknown_name("activation", name, KINDS)
    make: Any = KINDS[name]  # each has defaults for all of its arguments
    layer: ElementWise = make()
    return layer
