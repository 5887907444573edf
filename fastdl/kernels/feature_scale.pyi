from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdl.kernels._program import Program

_Float32: TypeAlias = NDArray[np.float32]
_Float64: TypeAlias = NDArray[np.float64]

def record_forward(program: Program, y: _Float32, x: _Float32, factor: _Float32) -> None: ...
def record_backward(
    program: Program,
    dx: _Float32 | None,
    dy: _Float32,
    x: _Float32,
    factor: _Float32,
    partial: _Float64,
    dfactor: _Float32,
) -> None: ...
def feature_scale_forward(x: ArrayLike, factor: ArrayLike, out: _Float32 | None = None) -> _Float32: ...
def feature_scale_backward(dy: ArrayLike, x: ArrayLike, factor: ArrayLike) -> tuple[_Float32, _Float32]: ...
