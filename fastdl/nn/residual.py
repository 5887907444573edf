"""Residual blocks."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

from fastdl.errors import check_bool
from fastdl.init import Zeros
from fastdl.kernels.merge import record_sum
from fastdl.nn.activation import ElementWise
from fastdl.nn.batchnorm import BatchNorm
from fastdl.nn.container import (
    Container,
    declare_chain,
    leaves,
    lower_chain,
    lower_child,
    sum_gradients,
)
from fastdl.nn.dense import Dense
from fastdl.nn.layer import Layer, features_of
from fastdl.nn.layernorm import RowNorm
from fastdl.program import Backward, Buffer, Recorder, Signal

AT_ZERO = {  # why an activation can't follow a branch's last norm or Dense if that is to start at zero
    "relu": "has no slope: the branch will never learn",
    "sigmoid": "is 1/2: the branch will not start at zero",
    "softplus": "is ln 2: the branch will not start at zero",
}


class Residual(Container):
    """y = x + f(x), where f is layers one after another (He et al. 2016). No activation follows the sum.

    If f changes the number of features, the shortcut is a Dense without bias; its weight is called "shortcut.weight".

    Parameters
    ----------
    *layers : Layer
        The branch f; at least one.
    zero_init : bool
        Let the branch start at zero, and so the block at its shortcut: the branch's last norm has scale 0 (Goyal et al.
        2017) or, if a Dense comes behind it, that Dense is 0.
    name : str, optional

    Notes
    -----
    With `zero_init` let no ReLU follow the branch's last norm or Dense: at 0 it has no slope, so that the branch would
    never learn.

    Examples
    --------
    >>> from fastdl import nn
    >>> block = nn.Residual(nn.BatchNorm(), nn.ReLU(), nn.Dense(64), zero_init=True)
    """

    inspected = ("zero_init",)
    shortcut: Dense | None = None

    def __init__(self, *layers: Layer, zero_init: bool = False, name: str | None = None) -> None:
        super().__init__(layers, name)
        if not layers:
            raise ValueError("layers: expected at least one layer for the branch, got none")
        self.zero_init = check_bool("zero_init", zero_init)
        for layer in self._end_of_branch()[1] if zero_init else ():
            if isinstance(layer, ElementWise) and layer.kind in AT_ZERO:
                warnings.warn(
                    f"{self.title()}: with zero_init, the {layer.title()} at the end of the branch gets zeros, where "
                    f"it {AT_ZERO[layer.kind]}; put it before the last norm or Dense",
                    stacklevel=2,
                )

    def children(self) -> Iterator[tuple[str, Layer]]:
        """The branch's layers by position, then the shortcut if it is a layer."""
        yield from super().children()
        if self.shortcut is not None:
            yield "shortcut", self.shortcut

    def declare(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Declare the branch, whose end counts as linear, and the shortcut if the shapes differ."""
        self.forget()
        out_shape = declare_chain(self.layers, in_shape)
        if out_shape != in_shape:
            self.shortcut = Dense(features_of(self, out_shape), bias=False, name="shortcut")
            self.shortcut.declare(in_shape)
        if self.zero_init:
            end = self._end_of_branch()[0].parameters_
            for name in ("gamma",) if "gamma" in end else ("gain" if "gain" in end else "weight", "bias"):
                if name in end:
                    end[name].init = Zeros()
        self.__dict__["_out_shape"] = out_shape
        return out_shape

    def forget(self) -> None:
        """Undo `declare`."""
        super().forget()
        self.__dict__.pop("shortcut", None)

    def _end_of_branch(self) -> tuple[Layer, list[Layer]]:
        """The layer that makes the branch zero if its scale or weights are, and those behind it."""
        behind: list[Layer] = []
        for layer in reversed(list(leaves(self.layers))):
            if isinstance(layer, BatchNorm | RowNorm | Dense):
                return layer, behind
            if isinstance(layer, Container):
                break
            behind.append(layer)
        raise ValueError("zero_init: expected a branch that ends in a norm or a Dense, past activations and dropout")

    def lower(self, recorder: Recorder, x: Signal) -> tuple[Signal, Backward]:
        """The branch, the shortcut, their sum; backwards both get dy, and x the sum of what they return."""
        branch, step = lower_chain(recorder, x, self.layers)
        shortcut, shortcut_step = x, None
        if self.shortcut is not None:
            shortcut, shortcut_step = lower_child(recorder, x, "shortcut", self.shortcut)
        y = recorder.matrix(branch.features)
        recorder.add(record_sum, y=y, factor=1.0, x0=branch.buffer, x1=shortcut.buffer)

        def backward(dy: Buffer) -> Buffer | None:
            through = step(dy) if branch.needs_gradient else None
            past = dy if shortcut_step is None else shortcut_step(dy)
            return sum_gradients(recorder, (through, past), shared=dy) if x.needs_gradient else None

        return Signal(y, branch.needs_gradient or shortcut.needs_gradient), backward
