"""Layers one after another."""

from __future__ import annotations

from fastdl.nn.container import Container, declare_chain, lower_chain
from fastdl.nn.embedding import Embedding
from fastdl.nn.layer import Layer
from fastdl.nn.network import Network
from fastdl.program import Backward, Recorder, Signal


class Sequential(Container, Network):
    """Layers, each fed with the output of the one before: a network, or a part of one.

    Parameters
    ----------
    *layers : Layer
        The same object must not stand in two places. A scaler may only be the first layer of the whole network.
    name : str, optional

    Examples
    --------
    >>> from fastdl import nn
    >>> net = nn.Sequential(nn.MinMaxScale(), nn.Dense(32), nn.BatchNorm(), nn.ReLU(), nn.Dropout(0.2), nn.Dense(10))
    >>> net.build(64)
    (10,)
    """

    in_line = True

    def __init__(self, *layers: Layer, name: str | None = None) -> None:
        super().__init__(layers, name)

    def declare(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Declare the layers in turn."""
        self.forget()
        for i, layer in enumerate(self.layers[1:], 1):
            for _, inside in layer.walk() if self.scaler() is not None else ():
                if isinstance(inside, Embedding):
                    raise ValueError(f"layers[{i}]: {inside.title()} can't come after a scaler, which scales codes")
        self.__dict__["_out_shape"] = declare_chain(self.layers, in_shape, self.next_activation)
        return self.__dict__["_out_shape"]

    def lower(self, recorder: Recorder, x: Signal) -> tuple[Signal, Backward]:
        """The layers' ops in order, and backwards in reverse."""
        return lower_chain(recorder, x, self.layers)
