from typing import Literal, SupportsFloat, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdl.kernels._program import Program

_Float32: TypeAlias = NDArray[np.float32]
_Kind: TypeAlias = Literal[
    "identity", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "tanh", "sigmoid", "softplus"
]

def activation_saves(kind: str) -> str: ...
def record_forward(
    program: Program, y: _Float32, x: _Float32, kind: _Kind, alpha: SupportsFloat | None = None
) -> None: ...
def record_backward(
    program: Program, dx: _Float32, dy: _Float32, saved: _Float32, kind: _Kind, alpha: SupportsFloat | None = None
) -> None: ...
def activation_forward(
    x: ArrayLike, kind: _Kind, alpha: SupportsFloat | None = None, out: _Float32 | None = None
) -> _Float32: ...
def activation_backward(
    dy: ArrayLike, saved: ArrayLike, kind: _Kind, alpha: SupportsFloat | None = None, out: _Float32 | None = None
) -> _Float32: ...
