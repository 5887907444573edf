"""What a whole network can do: own its memory, predict, hand out and take its weights."""

from __future__ import annotations

import copy
import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.data import as_rows
from fastdl.errors import as_array, check_int, check_memory
from fastdl.kernels import softmax
from fastdl.nn.layer import Layer, Parameter, sizes
from fastdl.nn.predictor import Predictor, training_outputs
from fastdl.nn.scale import Scaler
from fastdl.nn.summary import summary_of
from fastdl.program import aligned

if TYPE_CHECKING:
    from fastdl.program import Array

INIT_STREAM = 1 << 28  # random streams of the initial weights begin here, those of dropout at 0
IN_USE = "this network is being trained by another thread; give each thread its own copy"
LANES = 16  # every parameter begins at a cache line; what is between stays zero


def padded(size: int) -> int:
    """Elements up to the next cache line."""
    return -(-size // LANES) * LANES


class Network(Layer):
    """A layer that can stand alone: it owns one arena of parameters, and the arrays that go with it.

    Attributes
    ----------
    head : {None, "softmax", "sigmoid", "linear"}
        What turns raw outputs into predictions; the loss says so.
    classes_ : ndarray or None
        The label that each output stands for.
    training_rows : int or None
        Rows of the last training set.
    """

    head: str | None = None
    classes_: Array | None = None
    training_rows: int | None = None
    input_shape: tuple[int, ...] | None = None
    output_shape: tuple[int, ...] | None = None

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.arena: Array = np.empty(0, np.float32)
        self._lock = threading.RLock()
        self._fitting: int | None = None  # the thread that holds it
        self._predictors: list[Predictor] = []  # those not in use

    # Building

    @property
    def built(self) -> bool:
        """Whether the parameters exist."""
        return self.input_shape is not None

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
        seed = check_int("seed", seed, 0)
        if self.built:
            if shape != self.input_shape:
                raise ValueError(f"{self.title()} is built for inputs of shape {self.input_shape}, got {shape}")
            assert self.output_shape is not None
            return self.output_shape
        for prefix, layer in self.walk():
            if "_owned" in layer.__dict__:
                raise ValueError(
                    f"layers[{prefix.rstrip('.')}]: {layer.title()} belongs to another network, which is built; make a new "
                    "layer, or a copy.deepcopy of it"
                )
        try:
            out_shape = self.declare(shape)
            self._adopt()
        except BaseException:
            self.forget()
            raise
        for _, layer in self.walk():
            layer.__dict__["_owned"] = True
        for stream, parameter in enumerate(self.all_parameters()):
            parameter.value[...] = parameter.init(parameter.shape, seed, INIT_STREAM + stream)
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

    def forget(self) -> None:
        """Become unbuilt."""
        super().forget()
        self.input_shape = self.output_shape = None
        self._predictors = []
        self.arena = np.empty(0, np.float32)

    def segments(self) -> list[tuple[int, int, bool]]:
        """Start, length and whether it decays, of each parameter in the arena."""
        segments, start = [], 0
        for parameter in self.all_parameters():
            segments.append((start, padded(parameter.size), parameter.decay))
            start += padded(parameter.size)
        return segments

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

    def _require_built(self, what: str) -> None:
        if not self.built:
            raise ValueError(f"{self.title()} is not built yet: fit it, load it, or call build(input_shape) before {what}")

    # Weights

    def parameters(self) -> dict[str, Array]:
        """Live views of the trainable arrays by name; they keep the memory alive."""
        self._require_built("parameters()")
        return {prefix + name: p.value for prefix, layer in self.walk() for name, p in layer.parameters_.items()}

    def state_dict(self) -> dict[str, Array]:
        """Copies of all arrays by name, such as "1.weight" and "2.running_mean"."""
        self._require_built("state_dict()")
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
        self._require_built("load_state_dict()")
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

    # Use

    @contextmanager
    def busy(self, what: str) -> Iterator[None]:
        """Hold the network, or refuse because another thread does."""
        if not self._lock.acquire(blocking=False):
            raise RuntimeError(f"{what}: {IN_USE}")
        before, self._fitting = self._fitting, threading.get_ident()
        try:
            yield
        finally:
            self._fitting = before
            self._lock.release()

    def scaler(self) -> Scaler | None:
        """The scaler that is the first layer, if there is one."""
        layer: Layer = self
        while True:
            first = next(iter(layer.children()), None)
            if first is None:
                return layer if isinstance(layer, Scaler) else None
            layer = first[1]

    def predict(self, X: Any) -> Array:
        """Raw outputs in inference mode.

        Parameters
        ----------
        X : array_like, shape (n, features)

        Returns
        -------
        ndarray, shape (n, outputs), float32
            A row's bits don't depend on the other rows.

        Raises
        ------
        ValueError
            If the network is not built or X has another number of features.
        """
        self._require_built("predict()")
        assert self.input_shape is not None
        x = as_rows(X, self.input_shape[0], f"{self.first_title()} expects")
        if self._fitting not in (None, threading.get_ident()):
            raise RuntimeError(f"predict: {IN_USE}")
        predictor = self._predictors.pop() if self._predictors else Predictor(self)
        result = predictor(x)
        self._predictors.append(predictor)
        return result

    def __call__(self, X: Any, training: bool = False, seed: int = 0, step: int = 0) -> Array:
        """Raw outputs of one batch, eagerly.

        Parameters
        ----------
        X : array_like, shape (n, features)
        training : bool
            As a training step sees the batch: norms use its statistics, dropout the masks of (seed, step). Nothing is
            updated. Without it this is `predict`.
        seed, step : int

        Returns
        -------
        ndarray, shape (n, outputs), float32
        """
        if not training:
            return self.predict(X)
        self._require_built("a call")
        assert self.input_shape is not None
        x = as_rows(X, self.input_shape[0], f"{self.first_title()} expects")
        with self.busy("a call"):
            return training_outputs(self, x, check_int("seed", seed, 0), check_int("step", step, 0))

    def first_title(self) -> str:
        """The first layer that has a say in the number of features, for messages."""
        for _, layer in self.walk():
            if layer.parameters_:
                return layer.title()
        return self.title()

    def predict_proba(self, X: Any) -> Array:
        """Class probabilities: the softmax or sigmoid of the raw outputs, by the loss the network was trained with.

        Parameters
        ----------
        X : array_like, shape (n, features)

        Returns
        -------
        ndarray, shape (n, outputs), float32

        Raises
        ------
        ValueError
            If the network's loss gave it no such head.
        """
        outputs = self.predict(X)
        if self.head != "softmax":
            raise ValueError(
                f"predict_proba: expected a network trained with a classification loss such as 'cross_entropy', "
                f"this one's head is {self.head!r}"
            )
        return softmax(outputs)

    def predict_classes(self, X: Any) -> Array:
        """The most likely class of each row, as in the training labels.

        Parameters
        ----------
        X : array_like, shape (n, features)

        Returns
        -------
        ndarray, shape (n,)
            Elements of `classes_`.
        """
        best = self.predict_proba(X).argmax(axis=1)
        return best if self.classes_ is None else self.classes_[best]

    def summary(self) -> str:
        """A table of the layers, their output shapes and parameters."""
        return summary_of(self)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the network to a safetensors file, which appears whole or not at all.

        Parameters
        ----------
        path : path-like
            Such as "model.safetensors"; `fastdl.nn.load` reads it.
        """
        from fastdl.nn.saving import save

        save(self, path)

    def __copy__(self) -> Network:
        return copy.deepcopy(self)  # a shallow copy would share layers, and layers have one home

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in ("_lock", "_fitting", "_predictors", "arena")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.RLock()
        self._fitting = None
        self._predictors = []
        self.arena = np.empty(0, np.float32)
        if self.built:
            self._adopt()

    def count_parameters(self) -> int:
        """Trainable numbers."""
        return sum(math.prod(parameter.shape) for parameter in self.all_parameters())
