"""What a layer is: parameters by name, and how it is lowered into a step's ops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastdl.init import Initializer, initializer
from fastdl.program import Backward, Buffer, Recorder, Signal

if TYPE_CHECKING:
    from fastdl.program import Array


class Parameter:
    """A trainable array: its name, its shape, how it begins, and, once the network is built, its memory.

    Attributes
    ----------
    value : ndarray
        Live view into the network's arena.
    """

    def __init__(self, name: str, shape: tuple[int, ...], init: Initializer, decay: bool) -> None:
        self.name = name
        self.shape = shape
        self.init = init
        self.decay = decay
        self.value: Array = np.empty(0, np.float32)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.value, dtype, copy=copy)

    def __repr__(self) -> str:
        return f"Parameter({self.name!r}, {self.shape})"


class Layer:
    """Base class of layers, and of your own layers in NumPy.

    A layer of your own overrides `forward(x, training)` and `backward(dy)`, and `build(in_shape)` if it has parameters or
    changes the shape. It ends the native slice and runs with the GIL, which costs some 10 us a call.

    Attributes
    ----------
    name : str or None
        Shown in messages.
    params : dict of str to ndarray
        Live views of the parameters.
    grads : dict of str to ndarray
        `backward` puts the gradient of each parameter here, in place or as a new array.
    """

    inspected: ClassVar[tuple[str, ...]] = ()  # constructor arguments that a saved model holds

    def __init__(self, name: str | None = None) -> None:
        self.name = name

    # What exists before __init__ of a user's layer has run, or without it.
    name: str | None = None

    @property
    def parameters_(self) -> dict[str, Parameter]:
        """Own parameters by name, in the order in which they were added."""
        return self.__dict__.setdefault("_parameters", {})

    @property
    def state(self) -> dict[str, Array]:
        """Arrays that belong to the layer but are not trained, by name."""
        return self.__dict__.setdefault("_state", {})

    @property
    def params(self) -> dict[str, Array]:
        """Live views of the parameters by name."""
        return {name: parameter.value for name, parameter in self.parameters_.items()}

    @property
    def grads(self) -> dict[str, Array]:
        """Gradients by name, as `backward` left them."""
        return self.__dict__.setdefault("_grads", {})

    def children(self) -> Iterator[tuple[str, Layer]]:
        """Layers inside this one, with the names that their parameters carry in front."""
        return iter(())

    def add_parameter(self, name: str, shape: tuple[int, ...] | int, init: Any = "zeros", decay: bool = True) -> Parameter:
        """Declare a trainable array; call it in `build`.

        Parameters
        ----------
        name : str
        shape : tuple of int
        init : str or Initializer
            See `fastdl.init`.
        decay : bool
            Whether penalties and weight decay act on it.

        Returns
        -------
        Parameter
            Its `value` exists once the network is built; also `self.params[name]`.
        """
        shape = (shape,) if isinstance(shape, int) else tuple(int(n) for n in shape)
        parameter = Parameter(name, shape, initializer(init), decay)
        self.parameters_[name] = parameter
        return parameter

    def build(self, in_shape: tuple[int, ...]) -> tuple[int, ...] | None:
        """Declare parameters for inputs of `in_shape` (without the batch). Returns the shape of the outputs.

        A layer without `build` keeps the shape.
        """
        return in_shape

    def declare(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Build, keep the output shape, and declare the layers inside."""
        self.forget()
        out_shape = self.build(in_shape) or in_shape
        self.__dict__["_out_shape"] = tuple(int(n) for n in out_shape)
        return self.__dict__["_out_shape"]

    def forget(self) -> None:
        """Undo `declare`."""
        for name in ("_parameters", "_state", "_grads", "_out_shape"):
            self.__dict__.pop(name, None)
        for _, child in self.children():
            child.forget()

    def forward(self, x: Array, training: bool) -> Array:
        """Outputs (B, ...) of inputs x (B, features), float32."""
        raise TypeError(f"{type(self).__name__} has no forward(x, training)")

    def backward(self, dy: Array) -> Array:
        """Gradient with respect to the last forward's x, from that of its output; fills `self.grads`."""
        raise TypeError(f"{type(self).__name__} has no backward(dy)")

    def adapt(self, x: Array, rows: Array | None) -> None:
        """Look at the training rows once, before training; scalers do."""

    def config(self) -> dict[str, Any]:
        """Constructor arguments, as a saved model holds them."""
        return {name: plain(getattr(self, name)) for name in ("name", *self.inspected) if getattr(self, name) is not None}

    def lower(self, recorder: Recorder, x: Signal) -> tuple[Signal, Backward]:
        """Record the forward ops; returns the output and what records the backward ops.

        This one is for layers in NumPy; layers with kernels of their own override it.
        """
        features = features_of(self, self.__dict__["_out_shape"])
        y, training = recorder.matrix(features), recorder.training
        buffers = {"x": x.buffer, "y": y}

        def forward(rows: int) -> None:
            result = np.asarray(self.forward(x.buffer.view[:rows], training))
            if result.shape != (rows, features):
                raise ValueError(
                    f"{self.title()}.forward: expected shape {(rows, features)} as build said, got {result.shape}"
                )
            y.view[:rows] = result

        recorder.call(forward, **buffers)

        def record_backward(dy: Buffer) -> Buffer | None:
            dx = recorder.matrix(x.features)

            def backward(rows: int) -> None:
                result = np.asarray(self.backward(dy.view[:rows]))
                if result.shape != (rows, x.features):
                    raise ValueError(
                        f"{self.title()}.backward: expected shape {(rows, x.features)}, that of x, got {result.shape}"
                    )
                dx.view[:rows] = result
                self._collect_gradients(recorder.gradients)

            recorder.call(backward, dy=dy, dx=dx, **buffers)
            return dx

        return Signal(y, x.needs_gradient or bool(self.parameters_)), record_backward

    def _collect_gradients(self, gradients: Mapping[int, Array]) -> None:
        for name, parameter in self.parameters_.items():
            if name not in self.grads:
                raise ValueError(f"{self.title()}.backward: expected a gradient in self.grads[{name!r}], got none")
            gradient = np.asarray(self.grads[name])
            if gradient.shape != parameter.shape:
                raise ValueError(
                    f"{self.title()}.backward: expected shape {parameter.shape} for self.grads[{name!r}], got {gradient.shape}"
                )
            gradients[id(parameter)][...] = gradient

    def title(self) -> str:
        """Kind and name, for messages."""
        return type(self).__name__ + (f" {self.name!r}" if self.name else "")

    def __repr__(self) -> str:
        inside = ", ".join(f"{key}={value!r}" for key, value in self.config().items())
        return f"{type(self).__name__}({inside})"


def plain(value: Any) -> Any:
    """A constructor argument as JSON can hold it."""
    return value.config() if isinstance(value, Initializer) else value


def features_of(layer: Layer, in_shape: tuple[int, ...]) -> int:
    """Number of input features of a layer that wants rows of them."""
    if len(in_shape) != 1:
        raise ValueError(f"{layer.title()}: expected inputs of shape (features,), got {in_shape}")
    return in_shape[0]
