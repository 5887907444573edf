from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdl.kernels._program import Program

_Float32: TypeAlias = NDArray[np.float32]
_Kind: TypeAlias = Literal["relu", "tanh"]

KINDS: dict[str, int]

def record_forward(program: Program, y: _Float32, x: _Float32, kind: _Kind) -> None: ...
def record_backward(program: Program, dx: _Float32, dy: _Float32, y: _Float32, kind: _Kind) -> None: ...
def activation_forward(x: ArrayLike, kind: _Kind, out: _Float32 | None = None) -> _Float32: ...
def activation_backward(dy: ArrayLike, y: ArrayLike, kind: _Kind, out: _Float32 | None = None) -> _Float32: ...
