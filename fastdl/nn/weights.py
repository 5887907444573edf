"""A tree of layers that owns its memory: an arena of parameters, the states beside it, ways to take and give them."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastdl.errors import as_array, check_memory, check_seed
from fastdl.nn.container import check_tree
from fastdl.nn.layer import Layer, Parameter, sizes
from fastdl.program import aligned

if TYPE_CHECKING:
    from fastdl.program import Array

INIT_STREAM = 1 << 28  # random streams of the initial weights begin here, those of dropout at 0
LANES = 16  # every parameter begins at a cache line; what is between stays zero


def padded(size: int) -> int:
    """Elements up to the next cache line."""
    return -(-size // LANES) * LANES


class Segment(NamedTuple):
    """A piece of the arena that is treated alike."""

    start: int
    length: int
    decay: float  # factor of the weight decay
    rate: float  # factor of the learning rate


class Weights(Layer):
    """What makes a layer the root of a tree: the memory of all that is trained in it.

    Attributes
    ----------
    arena : ndarray
        All parameters in one piece, each at a cache line, zeros between.
    input_shape, output_shape : tuple of int or None
        Of one row, once it is built.
    """

    input_shape: tuple[int, ...] | None = None
    output_shape: tuple[int, ...] | None = None

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.arena: Array = np.empty(0, np.float32)

    @property
    def built(self) -> bool:
        """Whether the parameters exist."""
        return self.input_shape is not None

    @property
    def widths(self) -> tuple[int, int]:
        """Numbers in a row of inputs and in a row of outputs; the network must be built."""
        if self.input_shape is None or self.output_shape is None:
            raise ValueError(f"{self.title()} is not built yet: fit it, load it, or call build(input_shape) first")
        return self.input_shape[0], self.output_shape[0]

    def build(self, in_shape: tuple[int, ...] | int, seed: int = 0) -> tuple[int, ...]:
        """Make the parameters for inputs of a shape, before any data is seen; fit does it by itself.

        Parameters
        ----------
        in_shape : int or tuple of int
            Of one row, (features,).
        seed : int
            What the initial weights depend on.

        Returns
        -------
        tuple of int
            The shape of one row of the output.

        Raises
        ------
        ValueError
            If a layer refuses the shape, a layer object stands in two places, or the network is built for another one.
        MemoryError
            If the parameters would not fit this machine; nothing has been allocated then.
        """
        shape = sizes("input_shape", in_shape)
        seed = check_seed(seed)
        if self.output_shape is not None:
            if shape != self.input_shape:
                raise ValueError(f"{self.title()} is built for inputs of shape {self.input_shape}, got {shape}")
            return self.output_shape
        check_tree(self)
        try:
            out_shape = self.declare(shape)
            self._adopt()
        except BaseException:
            self.forget()
            raise
        for stream, parameter in enumerate(self.all_parameters()):
            parameter.value[...] = parameter.init(parameter.shape, seed, INIT_STREAM + stream)
        for _, layer in self.walk():
            layer.settle()
        self.input_shape, self.output_shape = shape, out_shape
        return out_shape

    def _adopt(self) -> None:
        """Lay all parameters out in one arena."""
        size = sum(padded(parameter.size) for parameter in self.all_parameters())
        states = [state for _, layer in self.walk() for state in layer.states_.values()]
        more = sum(math.prod(state.shape) * np.dtype(state.dtype).itemsize for state in states)
        check_memory(f"{self.title()}: {size:,} parameters, their gradients and two optimizer slots", 16 * size + more)
        for _, layer in self.walk():
            for name, state in layer.states_.items():
                layer.state.setdefault(name, state.make())
        self.arena = aligned(4 * size).view(np.float32)
        start = 0
        for parameter in self.all_parameters():
            view = self.arena[start : start + parameter.size].reshape(parameter.shape)
            if parameter.value.shape == parameter.shape:
                view[...] = parameter.value
            parameter.value = view
            start += padded(parameter.size)
        for _, layer in self.walk():
            layer.__dict__["_owned"] = True

    def forget(self) -> None:
        """Become unbuilt."""
        super().forget()
        self.input_shape = self.output_shape = None
        self.arena = np.empty(0, np.float32)

    def segments(self) -> list[Segment]:
        """Where in the arena each parameter is that an optimizer changes, and how."""
        segments, start = [], 0
        for parameter in self.all_parameters():
            length = padded(parameter.size)
            if parameter.trainable:
                segments.append(Segment(start, length, parameter.decay, parameter.lr_factor))
            start += length
        return segments

    def placed(self) -> list[tuple[int, Parameter]]:
        """Every parameter, and where in the arena it begins."""
        parameters = self.all_parameters()
        ends = np.cumsum([padded(parameter.size) for parameter in parameters]).tolist()
        return list(zip([0, *ends], parameters, strict=False))

    def output_parameters(self) -> list[Parameter]:
        """Those of the last layer that has a weight matrix."""
        for _, layer in reversed(list(self.walk())):
            if any(len(parameter.shape) > 1 for parameter in layer.parameters_.values()):
                return list(layer.parameters_.values())
        return []

    def all_parameters(self) -> list[Parameter]:
        """Every parameter, in the order of the arena."""
        return [parameter for _, layer in self.walk() for parameter in layer.parameters_.values()]

    def _arrays(self) -> dict[str, Array]:
        """Parameters and states by their full names, live."""
        found: dict[str, Array] = {}
        for prefix, layer in self.walk():
            found.update((prefix + name, parameter.value) for name, parameter in layer.parameters_.items())
            found.update((prefix + name, array) for name, array in layer.state.items())
        return found

    def require_built(self, what: str) -> None:
        """Refuse to do something that needs the parameters."""
        if not self.built:
            raise ValueError(
                f"{self.title()} is not built yet: fit it, load it, or call build(input_shape) before {what}"
            )

    def parameters(self) -> dict[str, Array]:
        """Live views of the trainable arrays by name; they keep the memory alive."""
        self.require_built("parameters()")
        return {prefix + name: p.value for prefix, layer in self.walk() for name, p in layer.parameters_.items()}

    def state_dict(self) -> dict[str, Array]:
        """Copies of all arrays by name, such as "1.weight" and "2.running_mean"."""
        self.require_built("state_dict()")
        return {name: array.copy() for name, array in self._arrays().items()}

    def load_state_dict(self, arrays: Mapping[str, Any]) -> None:
        """Take the arrays of a `state_dict`.

        Parameters
        ----------
        arrays : mapping of str to array_like

        Raises
        ------
        ValueError
            If a name is missing or unknown or a shape differs; nothing has changed then.
        """
        self.require_built("load_state_dict()")
        if not isinstance(arrays, Mapping):
            raise TypeError(f"state_dict: expected a mapping of names to arrays, got {type(arrays).__name__}")
        own = self._arrays()
        missing, unknown = sorted(set(own) - set(arrays)), sorted(set(arrays) - set(own), key=str)
        if missing or unknown:
            raise ValueError(f"state_dict: missing {missing or 'nothing'}, unknown {unknown or 'nothing'}")
        taken = {}
        for name, array in own.items():
            value = as_array(f"state_dict[{name!r}]", arrays[name])
            if value.dtype.kind not in "fiub":
                raise TypeError(f"state_dict[{name!r}]: expected real numbers, got dtype {value.dtype}")
            if value.shape != array.shape:
                raise ValueError(f"state_dict[{name!r}]: expected shape {array.shape}, got {value.shape}")
            with np.errstate(over="ignore"):
                taken[name] = value.astype(array.dtype)
            if (np.isinf(taken[name]) & np.isfinite(value)).any():
                raise ValueError(f"state_dict[{name!r}]: expected numbers that {array.dtype} holds")
        for name, value in taken.items():
            own[name][...] = value

    def snapshot(self) -> tuple[Array, list[Array]]:
        """Copies of everything that training changes, for `restore`."""
        states = [array.copy() for _, layer in self.walk() for array in layer.state.values()]
        return self.arena.copy(), states

    def restore(self, snapshot: tuple[Array, list[Array]]) -> None:
        """Go back to a `snapshot` of this network."""
        arena, states = snapshot
        self.arena[...] = arena
        for array, value in zip((a for _, layer in self.walk() for a in layer.state.values()), states, strict=True):
            array[...] = value

    def count_parameters(self) -> int:
        """Numbers that are trained."""
        return sum(parameter.size for parameter in self.all_parameters() if parameter.trainable)

    def __copy__(self) -> Weights:
        return copy.deepcopy(self)  # a shallow copy would share layers, and layers have one home

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "arena"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.arena = np.empty(0, np.float32)
        if self.built:
            self._adopt()
