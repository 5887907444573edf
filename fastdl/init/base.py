"""What an initializer is, and those that draw nothing."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastdl.errors import check_number

if TYPE_CHECKING:
    from fastdl.program import Array


class Initializer:
    """Base class: fills an array of a shape, given a seed and the number of a random stream."""

    options: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[str] = ""

    def __call__(self, shape: tuple[int, ...], seed: int = 0, stream: int = 0) -> Array:
        """Make the array.

        Parameters
        ----------
        shape : tuple of int
            (in, out) for weights.
        seed, stream : int
            What the numbers depend on.

        Returns
        -------
        ndarray, float32
        """
        raise NotImplementedError

    def config(self) -> dict[str, Any]:
        """Kind and options, as a saved model holds them."""
        return {"kind": self.kind, **{name: getattr(self, name) for name in self.options}}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.options)})"


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Inputs and outputs of weights of this shape, at least 1."""
    if len(shape) < 2:
        return max(1, prod(shape)), max(1, prod(shape))
    return max(1, prod(shape[:-1])), max(1, shape[-1])


class Constant(Initializer):
    """The same number everywhere.

    Parameters
    ----------
    value : float
    """

    kind = "constant"
    options: ClassVar[tuple[str, ...]] = ("value",)

    def __init__(self, value: float = 0.0) -> None:
        self.value = check_number("value", value, -float("inf"), float("inf"))

    def __call__(self, shape: tuple[int, ...], seed: int = 0, stream: int = 0) -> Array:
        """Make the array."""
        return np.full(shape, self.value, np.float32)


class Zeros(Constant):
    """All 0."""

    kind, options = "zeros", ()

    def __init__(self) -> None:
        super().__init__(0.0)


class Ones(Constant):
    """All 1."""

    kind, options = "ones", ()

    def __init__(self) -> None:
        super().__init__(1.0)
