"""Layers made of layers: what Sequential, Residual and Parallel have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from fastdl.kernels.merge import record_sum
from fastdl.nn.activation import ElementWise
from fastdl.nn.alpha_dropout import AlphaDropout
from fastdl.nn.batchnorm import BatchNorm
from fastdl.nn.dense import Dense
from fastdl.nn.dropout import Dropout
from fastdl.nn.layer import Layer
from fastdl.nn.layernorm import RowNorm
from fastdl.nn.noise import GaussianNoise
from fastdl.nn.parametric import ParametricActivation
from fastdl.nn.scale import Scaler
from fastdl.program import Backward, Buffer, Recorder, Signal


class Container(Layer):
    """A layer made of others.

    Attributes
    ----------
    layers : tuple of Layer
        As the constructor got them; parameters inside carry their position in front of their names.
    """

    in_line: ClassVar[bool] = False  # whether its layers are simply the next ones of the chain in which it stands
    next_activation: str | None = None  # of what follows it; told by the network before it is declared

    def __init__(self, layers: Sequence[Layer], name: str | None = None, called: str = "layers") -> None:
        super().__init__(name)
        for i, layer in enumerate(layers):
            if not isinstance(layer, Layer):
                raise TypeError(f"{called}[{i}]: expected a Layer, got {type(layer).__name__}")
        self.layers = tuple(layers)

    def children(self) -> Iterator[tuple[str, Layer]]:
        """Layers by position."""
        return ((str(i), layer) for i, layer in enumerate(self.layers))

    def __repr__(self) -> str:
        inside = [*map(repr, self.layers), *(f"{key}={value!r}" for key, value in self.config().items())]
        return f"{type(self).__name__}({', '.join(inside)})"


def first_scaler(root: Layer) -> Scaler | None:
    """The scaler with which a network begins, if it does."""
    first = next(leaves([root]), None)
    return first if isinstance(first, Scaler) else None


def check_tree(root: Layer) -> None:
    """Refuse layers that are another network's, stand in two places, or may not stand where they do."""
    seen: set[int] = set()
    scaler = first_scaler(root)
    for prefix, layer in root.walk():
        place = f"layers[{prefix.rstrip('.')}]: {layer.title()}"
        if "_owned" in layer.__dict__:
            raise ValueError(
                f"{place} belongs to another network, which is built; make a new layer, or a copy.deepcopy of it"
            )
        if id(layer) in seen:
            raise ValueError(f"{place} stands in two places; make a second object instead")
        if isinstance(layer, Scaler) and layer is not scaler:
            raise ValueError(f"{place} has to be the first layer of the network: the batch is scaled as it is gathered")
        seen.add(id(layer))


def leaves(layers: Iterable[Layer]) -> Iterator[Layer]:
    """The layers of a chain, with those of chains inside it in their place."""
    for layer in layers:
        if isinstance(layer, Container) and layer.in_line:
            yield from leaves(layer.layers)
        else:
            yield layer


def next_activation(layers: Sequence[Layer], then: str | None = None) -> str | None:
    """Kind of the activation that comes next, past norms and noise; None where a branch ends or a Dense follows.

    `then` is the answer if none of the layers decides.
    """
    for layer in leaves(layers):
        if isinstance(layer, ElementWise | ParametricActivation):
            return layer.kind
        if not isinstance(layer, BatchNorm | RowNorm | Dropout | AlphaDropout | GaussianNoise):
            return None
    return then


def declare_chain(layers: Sequence[Layer], in_shape: tuple[int, ...], then: str | None = None) -> tuple[int, ...]:
    """Declare layers in turn, telling each Dense which activation follows it; returns the last one's output shape."""
    for i, layer in enumerate(layers):
        if isinstance(layer, Dense | Container):
            layer.next_activation = next_activation(layers[i + 1 :], then)
        in_shape = layer.declare(in_shape)
    return in_shape


def lower_child(recorder: Recorder, x: Signal, name: str, layer: Layer) -> tuple[Signal, Backward]:
    """Record the ops of a layer inside another, under its own name."""
    outer = recorder.path
    path = (*outer, f"{name}:{layer.title()}")
    recorder.path = path
    y, step = layer.lower(recorder, x)
    recorder.path = outer
    place = ".".join(label.split(":", 1)[0] for label in path)
    recorder.outputs.append((f"layer {place} ({layer.title()})", y.buffer))

    def backward(dy: Buffer) -> Buffer | None:
        recorder.path = path
        dx = step(dy)
        recorder.path = outer
        return dx

    return y, backward


def lower_chain(recorder: Recorder, x: Signal, layers: Sequence[Layer]) -> tuple[Signal, Backward]:
    """Layers' ops in order, and backwards in reverse."""
    steps: list[Backward] = []
    for i, layer in enumerate(layers):
        if isinstance(layer, Scaler):
            continue  # the gather does it
        x, step = lower_child(recorder, x, str(i), layer)
        steps.append(step)

    def backward(dy: Buffer) -> Buffer | None:
        gradient: Buffer | None = dy
        for step in reversed(steps):
            if gradient is None:
                break
            gradient = step(gradient)
        return gradient

    return x, backward


def numbered(buffers: Iterable[Buffer]) -> dict[str, Buffer]:
    """Names under which a merge takes any number of buffers."""
    return {f"x{i}": buffer for i, buffer in enumerate(buffers)}


def sum_gradients(recorder: Recorder, gradients: Iterable[Buffer | None], shared: Buffer) -> Buffer | None:
    """What reaches a signal that several have read, summed in order; None if nobody asked for it.

    A layer's step returns a buffer that is nobody else's, or the one that it was given. So the sum may overwrite the
    first summand unless that is `shared`, which others may have been given, too.
    """
    found = [gradient for gradient in gradients if gradient is not None]
    if len(found) < 2:
        return found[0] if found else None
    total = found[0] if found[0] is not shared else recorder.matrix(shared.shape[1])
    recorder.add(record_sum, y=total, factor=1.0, **numbered(found))
    return total
