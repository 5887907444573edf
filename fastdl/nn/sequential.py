"""Layers one after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fastdl.nn.activation import ElementWise
from fastdl.nn.alpha_dropout import AlphaDropout
from fastdl.nn.batchnorm import BatchNorm
from fastdl.nn.dense import Dense
from fastdl.nn.dropout import Dropout
from fastdl.nn.layer import Layer
from fastdl.nn.network import Network
from fastdl.nn.noise import GaussianNoise
from fastdl.nn.scale import Scaler
from fastdl.program import Backward, Buffer, Recorder, Signal


class Sequential(Network):
    """A network of layers, each fed with the output of the one before.

    Parameters
    ----------
    *layers : Layer
        The same object must not stand in two places. A scaler may only be the first.
    name : str, optional

    Examples
    --------
    >>> from fastdl import nn
    >>> net = nn.Sequential(nn.MinMaxScale(), nn.Dense(32), nn.BatchNorm(), nn.ReLU(), nn.Dropout(0.2), nn.Dense(10))
    >>> net.build(64)
    (10,)
    """

    def __init__(self, *layers: Layer, name: str | None = None) -> None:
        super().__init__(name)
        for i, layer in enumerate(layers):
            if not isinstance(layer, Layer):
                raise TypeError(f"layers[{i}]: expected a Layer, got {type(layer).__name__}")
        self.layers = layers

    def children(self) -> Iterator[tuple[str, Layer]]:
        """Layers by position."""
        return ((str(i), layer) for i, layer in enumerate(self.layers))

    def declare(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Declare the layers in turn, telling each Dense which activation follows it."""
        self.forget()
        seen: set[int] = set()
        for prefix, layer in self.walk():
            if id(layer) in seen:
                raise ValueError(
                    f"layers[{prefix.rstrip('.')}]: {layer.title()} stands in two places; make a second object instead"
                )
            seen.add(id(layer))
        for i, layer in enumerate(self.layers):
            for _, inside in layer.walk() if i > 0 else ():
                if isinstance(inside, Scaler):
                    raise ValueError(f"layers[{i}]: {inside.title()} has to be the first layer of the network")
            if isinstance(layer, Dense):
                layer.next_activation = next_activation(self.layers[i + 1 :])
            in_shape = layer.declare(in_shape)
        self.__dict__["_out_shape"] = in_shape
        return in_shape

    def lower(self, recorder: Recorder, x: Signal) -> tuple[Signal, Backward]:
        """The layers' ops in order, and backwards in reverse."""
        steps: list[tuple[str, Backward]] = []
        path = recorder.path
        for i, layer in enumerate(self.layers):
            if isinstance(layer, Scaler):
                continue  # the gather does it
            recorder.path = (*path, f"{i}:{layer.title()}")
            x, step = layer.lower(recorder, x)
            recorder.outputs.append((f"layer {i} ({layer.title()})", x.buffer))
            steps.append((recorder.path[-1], step))
        recorder.path = path

        def backward(dy: Buffer) -> Buffer | None:
            gradient: Buffer | None = dy
            for label, step in reversed(steps):
                if gradient is None:
                    break
                recorder.path = (*path, label)
                gradient = step(gradient)
            recorder.path = path
            return gradient

        return x, backward

    def config(self) -> dict[str, Any]:
        """Not used: layers are saved one by one."""
        return {} if self.name is None else {"name": self.name}

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.layers))})"


def next_activation(layers: Sequence[Layer]) -> str | None:
    """Kind of the activation that comes next, past norms and noise; None where a branch ends or a Dense follows."""
    for layer in layers:
        if isinstance(layer, ElementWise):
            return layer.kind
        if not isinstance(layer, BatchNorm | Dropout | AlphaDropout | GaussianNoise):
            return None
    return None
