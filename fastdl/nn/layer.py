"""What a layer is: parameters by name, and how it is lowered into a step's ops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastdl.errors import as_array, check_bool, check_number
from fastdl.init import Initializer, initializer
from fastdl.penalty import Penalty
from fastdl.program import Backward, Buffer, Recorder, Signal
from fastdl.schedule import Scheduled

if TYPE_CHECKING:
    from fastdl.program import Array


class Parameter:
    """A trainable array: its name, its shape, how it begins, and, once the network is built, its memory.

    Attributes
    ----------
    decay : float
        Factor of the optimizer's weight decay. Where it is 0, penalties of the whole network don't act either.
    lr_factor : float
        Its learning rate is so many times the optimizer's.
    trainable : bool
        If not, it keeps its values: it has no gradient, and no decay acts on it.
    penalty : Penalty or None
        Its own, beside that of the whole network.
    max_norm : float or None
        What its columns are scaled to after each step, if they are longer; a vector holds a column for each element.
    value : ndarray
        Live view into the network's arena.
    """

    def __init__(
        self,
        name: str,
        shape: tuple[int, ...],
        init: Initializer,
        decay: float,
        lr_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.name = name
        self.shape = shape
        self.init = init
        self.decay = float(decay)
        self.lr_factor = check_number("lr_factor", lr_factor, 0.0, 3.4e38)
        self.trainable = check_bool("trainable", trainable)
        self.penalty: Penalty | None = None
        self.max_norm: float | None = None
        self.value: Array = np.empty(0, np.float32)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.value, dtype, copy=copy)

    def __repr__(self) -> str:
        return f"Parameter({self.name!r}, {self.shape})"


@dataclass(frozen=True, slots=True)
class State:
    """An array that belongs to a layer but is not trained: shape, type, and the number that fills it at first."""

    shape: tuple[int, ...]
    dtype: Any
    fill: float

    def make(self) -> Array:
        """Allocate it."""
        return np.full(self.shape, self.fill, self.dtype)


class Layer:
    """Base class of layers, and of your own layers in NumPy.

    A layer of your own overrides `forward(x, training)` and `backward(dy)`, and `build(in_shape)` if it has parameters
    or changes the shape. It ends the native slice and runs with the GIL, which costs some 10 us a call.

    Attributes
    ----------
    name : str or None
        Shown in messages.
    params : dict of str to ndarray
        Live views of the parameters.
    grads : dict of str to ndarray
        `backward` puts the gradient of each parameter here: a new array, or into `grads[name][...]`.
    """

    inspected: ClassVar[tuple[str, ...]] = ()  # constructor arguments that a saved model holds

    def __init__(self, name: str | None = None) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name: expected a string or None, got {type(name).__name__}")
        self.name = name

    # What exists before __init__ of a user's layer has run, or without it.
    name: str | None = None

    @property
    def parameters_(self) -> dict[str, Parameter]:
        """Own parameters by name, in the order in which they were added."""
        return self.__dict__.setdefault("_parameters", {})

    @property
    def trains(self) -> bool:
        """Whether it has parameters that are trained."""
        return any(parameter.trainable for parameter in self.parameters_.values())

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

    @property
    def states_(self) -> dict[str, State]:
        """What `add_state` has declared."""
        return self.__dict__.setdefault("_states", {})

    def children(self) -> Iterator[tuple[str, Layer]]:
        """Layers inside this one, with the names that their parameters carry in front."""
        return iter(())

    def walk(self, prefix: str = "") -> Iterator[tuple[str, Layer]]:
        """Itself and all layers inside, depth first, with what the names of their parameters begin with."""
        yield prefix, self
        for name, child in self.children():
            yield from child.walk(f"{prefix}{name}.")

    def add_parameter(
        self,
        name: str,
        shape: tuple[int, ...] | int,
        init: Any = "zeros",
        decay: float = 1.0,
        *,
        lr_factor: float = 1.0,
        trainable: bool = True,
    ) -> Parameter:
        """Declare a trainable array; call it in `build`.

        Parameters
        ----------
        name : str
        shape : tuple of int
        init : str or Initializer
            See `fastdl.init`.
        decay : float
            Factor of the weight decay; with 0, penalties don't act on it either.
        lr_factor : float
            Its learning rate is so many times the optimizer's.
        trainable : bool
            If not, it keeps its values, and what `backward` says of its gradient is not used.

        Returns
        -------
        Parameter
            Its `value` exists once the network is built; also `self.params[name]`.
        """
        shape = sizes(f"{self.title()}.add_parameter({name!r}): shape", shape)
        if name in self.parameters_ or name in self.states_:
            raise ValueError(f"{self.title()}.add_parameter: there is a {name!r} already")
        parameter = Parameter(name, shape, initializer(init), decay, lr_factor, trainable)
        self.parameters_[name] = parameter
        return parameter

    def add_state(self, name: str, shape: tuple[int, ...] | int, fill: float = 0.0, dtype: Any = np.float32) -> None:
        """Declare an array that is saved with the network but not trained; call it in `build`.

        It exists once the network is built, as `self.state[name]`.
        """
        self.states_[name] = State(sizes(f"{self.title()}.add_state({name!r}): shape", shape), dtype, fill)

    def build(self, in_shape: tuple[int, ...]) -> tuple[int, ...] | None:
        """Declare parameters for inputs of `in_shape` (without the batch). Returns the shape of the outputs.

        A layer without `build` keeps the shape.
        """
        return in_shape

    def declare(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Build, keep the output shape, and declare the layers inside."""
        self.forget()
        out_shape = self.build(in_shape)
        self.__dict__["_out_shape"] = sizes(f"{self.title()}.build", in_shape if out_shape is None else out_shape)
        return self.__dict__["_out_shape"]

    def settle(self) -> None:
        """Set the initial values that depend on others; called once, when each parameter has begun as its init says."""

    def forget(self) -> None:
        """Undo `declare`."""
        for name in ("_parameters", "_states", "_state", "_grads", "_out_shape", "_owned"):
            self.__dict__.pop(name, None)
        for _, child in self.children():
            child.forget()

    def forward(self, x: Array, training: bool) -> Array:
        """Outputs (B, ...) of inputs x (B, features), float32."""
        raise TypeError(f"{type(self).__name__} has no forward(x, training)")

    def backward(self, dy: Array) -> Array:
        """Gradient with respect to the last forward's x, from that of its output; fills `self.grads`."""
        raise TypeError(f"{type(self).__name__} has no backward(dy)")

    def look(self, x: Array) -> None:
        """As the first layer of a network that a fit is about to build: look at its X."""

    def check(self, x: Array) -> None:
        """As the first layer of a network: refuse rows that it can do nothing with."""

    def adapt(self, x: Array, rows: Array | None) -> None:
        """Look at the training rows once, before training; scalers do."""

    def config(self) -> dict[str, Any]:
        """Constructor arguments, as a saved model holds them."""
        return {
            name: plain(getattr(self, name)) for name in ("name", *self.inspected) if getattr(self, name) is not None
        }

    def lower(self, recorder: Recorder, x: Signal) -> tuple[Signal, Backward]:
        """Record the forward ops; returns the output and what records the backward ops.

        This one is for layers in NumPy; layers with kernels of their own override it.
        """
        features = features_of(self, self.__dict__["_out_shape"])
        y, training = recorder.matrix(features), recorder.training
        buffers = {"x": x.buffer, "y": y}

        def forward(rows: int) -> None:
            result = self.forward(read_only(x.buffer.view[:rows]), training)
            y.view[:rows] = self._checked("forward", result, (rows, features), "as build said")

        recorder.call(forward, **buffers)

        def record_backward(dy: Buffer) -> Buffer | None:
            dx = recorder.matrix(x.features)

            def backward(rows: int) -> None:
                for name, parameter in self.parameters_.items():
                    mine = (
                        recorder.gradients[id(parameter)]
                        if parameter.trainable
                        else np.empty(parameter.shape, np.float32)
                    )
                    mine[...] = np.nan  # so that one that is not filled shows
                    self.grads[name] = mine
                result = self.backward(read_only(dy.view[:rows]))
                dx.view[:rows] = self._checked("backward", result, (rows, x.features), "that of x")
                self._collect_gradients(recorder.gradients)

            recorder.call(backward, dy=dy, dx=dx, **buffers)
            return dx

        return Signal(y, x.needs_gradient or self.trains), record_backward

    def _checked(self, what: str, result: Any, shape: tuple[int, ...], why: str) -> Array:
        """What a user's method returned, or an error that names it."""
        array = as_array(f"{self.title()}.{what}", result)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{self.title()}.{what}: expected real numbers, got dtype {array.dtype}")
        if array.shape != shape:
            raise ValueError(f"{self.title()}.{what}: expected shape {shape}, {why}, got {array.shape}")
        return array

    def _collect_gradients(self, gradients: Mapping[int, Array]) -> None:
        for name, parameter in self.parameters_.items():
            if not parameter.trainable:
                continue
            to = gradients[id(parameter)]
            if name not in self.grads:
                raise ValueError(f"{self.title()}.backward: expected a gradient in self.grads[{name!r}], got none")
            if self.grads[name] is to:
                if np.isnan(to).all():
                    raise ValueError(f"{self.title()}.backward: expected self.grads[{name!r}] to be filled, it was not")
            else:
                what = f"backward's self.grads[{name!r}]"
                to[...] = self._checked(what, self.grads[name], parameter.shape, "that of the parameter")

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_owned"}  # a copy has no home yet

    def title(self) -> str:
        """Kind and name, for messages."""
        return type(self).__name__ + (f" {self.name!r}" if self.name else "")

    def __repr__(self) -> str:
        inside = ", ".join(f"{key}={value!r}" for key, value in self.config().items())
        return f"{type(self).__name__}({inside})"


def read_only(x: Array) -> Array:
    """A view that user code can't write to: others still read this memory."""
    view = x.view()
    view.flags.writeable = False
    return view


def sizes(what: str, shape: Any) -> tuple[int, ...]:
    """A shape as a tuple of sizes of at least 1."""
    given = (shape,) if hasattr(shape, "__index__") else shape
    if not isinstance(given, tuple | list) or not all(hasattr(n, "__index__") for n in given):
        raise TypeError(f"{what}: expected an int or a tuple of int, got {shape!r}")
    if not given or any(n < 1 for n in given):
        raise ValueError(f"{what}: expected sizes of at least 1, got {shape!r}")
    return tuple(n.__index__() for n in given)


def plain(value: Any) -> Any:
    """A constructor argument as JSON can hold it."""
    return value.config() if isinstance(value, Initializer | Penalty | Scheduled) else value


def features_of(layer: Layer, in_shape: tuple[int, ...]) -> int:
    """Number of input features of a layer that wants rows of them."""
    if len(in_shape) != 1:
        raise ValueError(f"{layer.title()}: expected inputs of shape (features,), got {in_shape}")
    return in_shape[0]
