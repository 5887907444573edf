from typing import SupportsFloat, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdl.kernels._program import Program
from fastdl.kernels._scalar import Column

_Float32: TypeAlias = NDArray[np.float32]
_Float64: TypeAlias = NDArray[np.float64]

TAILS: dict[str | None, int]

def record_forward(
    program: Program,
    y: _Float32,
    x: _Float32,
    gamma: _Float32,
    beta: _Float32,
    running_mean: _Float32,
    running_var: _Float32,
    stats: _Float64,
    coef: _Float32,
    eps: float,
    training: bool,
    activation: str | None = None,
    bits: NDArray[np.uint8] | None = None,
    rate: float | Column = 0.0,
) -> None: ...
def record_backward(
    program: Program,
    dx: _Float32 | None,
    dy: _Float32,
    x: _Float32,
    gamma: _Float32,
    beta: _Float32,
    running_mean: _Float32,
    running_var: _Float32,
    stats: _Float64,
    coef: _Float32,
    eps: float,
    sums: _Float64,
    dgamma: _Float32,
    dbeta: _Float32,
    activation: str | None = None,
    bits: NDArray[np.uint8] | None = None,
    rate: float | Column = 0.0,
) -> None: ...
def record_running(
    program: Program, running_mean: _Float32, running_var: _Float32, stats: _Float64, momentum: float
) -> None: ...
def batchnorm_stats(x: ArrayLike) -> tuple[_Float64, _Float64]: ...
def batchnorm_forward(
    x: ArrayLike,
    gamma: ArrayLike,
    beta: ArrayLike,
    mean: ArrayLike,
    var: ArrayLike,
    eps: SupportsFloat = 1e-5,
    out: _Float32 | None = None,
) -> _Float32: ...
def batchnorm_backward(
    dy: ArrayLike, x: ArrayLike, gamma: ArrayLike, mean: ArrayLike, var: ArrayLike, eps: SupportsFloat = 1e-5
) -> tuple[_Float32, _Float32, _Float32]: ...
