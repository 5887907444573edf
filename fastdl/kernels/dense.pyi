from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdl.kernels._program import Program

_Float32: TypeAlias = NDArray[np.float32]
_Activation: TypeAlias = Literal["relu", "tanh"] | None

ACTIVATIONS: dict[str | None, int]

def record_forward(
    program: Program,
    y: _Float32,
    x: _Float32,
    w: _Float32,
    b: _Float32 | None = None,
    activation: _Activation = None,
) -> None: ...
def record_weight_gradient(program: Program, dw: _Float32, x: _Float32, dy: _Float32) -> None: ...
def record_bias_gradient(program: Program, db: _Float32, dy: _Float32) -> None: ...
def record_input_gradient(program: Program, dx: _Float32, dy: _Float32, w: _Float32) -> None: ...
def matmul(
    a: ArrayLike,
    b: ArrayLike,
    transpose_a: bool = False,
    transpose_b: bool = False,
    out: _Float32 | None = None,
) -> _Float32: ...
def dense_forward(
    x: ArrayLike,
    w: ArrayLike,
    b: ArrayLike | None = None,
    activation: _Activation = None,
    out: _Float32 | None = None,
) -> _Float32: ...
def dense_backward(dy: ArrayLike, x: ArrayLike, w: ArrayLike) -> tuple[_Float32, _Float32, _Float32]: ...
