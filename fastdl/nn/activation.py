"""Element-wise activations."""

from __future__ import annotations

from typing import ClassVar

from fastdl.errors import unknown_name
from fastdl.kernels import activation
from fastdl.nn.layer import Layer
from fastdl.program import Backward, Buffer, Recorder, Signal


class ElementWise(Layer):
    """An activation of which a kernel exists; `kind` is the kernel's name for it."""

    kind: ClassVar[str]

    def lower(self, recorder: Recorder, x: Signal) -> tuple[Signal, Backward]:
        """y = f(x); dx = dy f'(x), from y."""
        y = recorder.matrix(x.features)
        recorder.add(activation.record_forward, y=y, x=x.buffer, kind=self.kind)

        def backward(dy: Buffer) -> Buffer | None:
            if not x.needs_gradient:
                return None
            dx = recorder.matrix(x.features)
            recorder.add(activation.record_backward, dx=dx, dy=dy, y=y, kind=self.kind)
            return dx

        return Signal(y, x.needs_gradient), backward


class ReLU(ElementWise):
    """max(x, 0). NaN passes, so that it hides no explosion."""

    kind = "relu"


class Tanh(ElementWise):
    """Hyperbolic tangent."""

    kind = "tanh"


KINDS: dict[str, type[ElementWise]] = {kind.kind: kind for kind in (ReLU, Tanh)}


def Activation(name: str) -> ElementWise:
    """Make the activation layer of that name.

    Parameters
    ----------
    name : {"relu", "tanh"}

    Returns
    -------
    Layer
    """
    if name not in KINDS:
        raise unknown_name("activation", name, KINDS)
    return KINDS[name]()
