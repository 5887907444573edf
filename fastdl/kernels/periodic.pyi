from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdl.kernels._program import Program

_Float32: TypeAlias = NDArray[np.float32]
_Float64: TypeAlias = NDArray[np.float64]

MOST_MIXTURES: int

def groups(waves: int, mixtures: int) -> int: ...
def record_forward(
    program: Program,
    y: _Float32,
    start: int,
    x: _Float32,
    frequency: _Float32,
    phase: _Float32,
    weight: _Float32,
    bias: _Float32,
) -> None: ...
def record_backward(
    program: Program,
    dx: _Float32 | None,
    dy: _Float32,
    start: int,
    x: _Float32,
    frequency: _Float32,
    phase: _Float32,
    weight: _Float32,
    bias: _Float32,
    partial: _Float64,
    dfrequency: _Float32,
    dphase: _Float32,
    dweight: _Float32,
    dbias: _Float32,
) -> None: ...
def periodic_forward(
    x: ArrayLike,
    frequency: ArrayLike,
    phase: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike,
    out: _Float32 | None = None,
) -> _Float32: ...
def periodic_backward(
    dy: ArrayLike, x: ArrayLike, frequency: ArrayLike, phase: ArrayLike, weight: ArrayLike, bias: ArrayLike
) -> tuple[_Float32, _Float32, _Float32, _Float32, _Float32]: ...
