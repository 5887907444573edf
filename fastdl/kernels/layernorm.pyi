from typing import SupportsFloat, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdl.kernels._program import Program

_Float32: TypeAlias = NDArray[np.float32]
_Float64: TypeAlias = NDArray[np.float64]

def partial_blocks(rows: int, cols: int) -> int: ...
def record_forward(
    program: Program, y: _Float32, x: _Float32, gamma: _Float32, beta: _Float32 | None, coef: _Float32, eps: float
) -> None: ...
def record_backward(
    program: Program,
    dx: _Float32 | None,
    dy: _Float32,
    x: _Float32,
    gamma: _Float32,
    coef: _Float32,
    partial: _Float64,
    dgamma: _Float32,
    dbeta: _Float32 | None,
) -> None: ...
def layernorm_forward(
    x: ArrayLike, gamma: ArrayLike, beta: ArrayLike, eps: SupportsFloat = 1e-5, out: _Float32 | None = None
) -> _Float32: ...
def layernorm_backward(
    dy: ArrayLike, x: ArrayLike, gamma: ArrayLike, eps: SupportsFloat = 1e-5
) -> tuple[_Float32, _Float32, _Float32]: ...
def rmsnorm_forward(
    x: ArrayLike, gamma: ArrayLike, eps: SupportsFloat = 1e-5, out: _Float32 | None = None
) -> _Float32: ...
def rmsnorm_backward(
    dy: ArrayLike, x: ArrayLike, gamma: ArrayLike, eps: SupportsFloat = 1e-5
) -> tuple[_Float32, _Float32]: ...
