from collections.abc import Iterable
from typing import SupportsFloat, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdl.kernels._program import Program

_Float32: TypeAlias = NDArray[np.float32]
_Float64: TypeAlias = NDArray[np.float64]

def record_adaptive_clip(
    program: Program,
    g: _Float32,
    w: _Float32,
    totals: _Float64,
    tensors: Iterable[tuple[int, tuple[int, ...]]],
    factor: float,
    eps: float,
) -> None: ...
def record_max_norm(program: Program, w: _Float32, tensors: Iterable[tuple[int, tuple[int, ...], float]]) -> None: ...
def adaptive_clip(w: ArrayLike, g: _Float32, factor: SupportsFloat = 0.01, eps: SupportsFloat = 1e-3) -> None: ...
def max_norm(w: _Float32, limit: SupportsFloat) -> None: ...
