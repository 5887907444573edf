from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdl.kernels._program import Program

_Float32: TypeAlias = NDArray[np.float32]
_Float64: TypeAlias = NDArray[np.float64]
_Int32: TypeAlias = NDArray[np.int32]

SUM_TOLERANCE: float

def record_total(program: Program, total: _Float64, weights: _Float32 | None = None) -> None: ...
def record_count(
    program: Program, totals: _Float64, values: _Float32, weights: _Float32 | None = None, guard: bool = False
) -> None: ...
def record_hits(
    program: Program, hits: _Float32, x: _Float32, target: _Float32 | _Int32, each: bool = False
) -> None: ...
def softmax_cross_entropy(
    logits: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None, label_smoothing: float = 0.0
) -> tuple[_Float32, _Float32]: ...
def softmax_cross_entropy_probabilities(
    logits: ArrayLike, probabilities: ArrayLike, weights: ArrayLike | None = None
) -> tuple[_Float32, _Float32]: ...
def focal(
    logits: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None, gamma: float = 2.0
) -> tuple[_Float32, _Float32]: ...
