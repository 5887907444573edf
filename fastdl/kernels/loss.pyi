from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdl.kernels._program import Program

_Float32: TypeAlias = NDArray[np.float32]
_Float64: TypeAlias = NDArray[np.float64]
_Int32: TypeAlias = NDArray[np.int32]

def record_total(program: Program, total: _Float64, weights: _Float32 | None = None) -> None: ...
def record_count(
    program: Program, totals: _Float64, values: _Float32, weights: _Float32 | None = None, guard: bool = False
) -> None: ...
def record_hits(program: Program, hits: _Float32, x: _Float32, labels: _Int32) -> None: ...
def record_cross_entropy(
    program: Program,
    loss: _Float32,
    dx: _Float32 | None,
    x: _Float32,
    labels: _Int32,
    total: _Float64,
    weights: _Float32 | None = None,
) -> None: ...
def record_mse(
    program: Program,
    loss: _Float32,
    dx: _Float32 | None,
    x: _Float32,
    target: _Float32,
    total: _Float64,
    weights: _Float32 | None = None,
) -> None: ...
def softmax_cross_entropy(
    logits: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None
) -> tuple[_Float32, _Float32]: ...
def mse(pred: ArrayLike, target: ArrayLike, weights: ArrayLike | None = None) -> tuple[_Float32, _Float32]: ...
