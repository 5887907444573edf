from typing import SupportsFloat, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdl.kernels._program import Program

_Float32: TypeAlias = NDArray[np.float32]
_Float64: TypeAlias = NDArray[np.float64]

def record_forward(
    program: Program, y: _Float32, f: _Float32, x: _Float32, alpha: _Float32, kind: str, slope: float | None = None
) -> None: ...
def record_backward(
    program: Program,
    dx: _Float32 | None,
    dy: _Float32,
    x: _Float32,
    f: _Float32,
    alpha: _Float32,
    partial: _Float64,
    dalpha: _Float32,
    kind: str,
    slope: float | None = None,
) -> None: ...
def parametric_forward(
    x: ArrayLike, alpha: ArrayLike, kind: str, slope: SupportsFloat | None = None, out: _Float32 | None = None
) -> _Float32: ...
def parametric_backward(
    dy: ArrayLike, x: ArrayLike, alpha: ArrayLike, kind: str, slope: SupportsFloat | None = None
) -> tuple[_Float32, _Float32]: ...
