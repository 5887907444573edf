from collections.abc import Iterable
from typing import SupportsFloat, SupportsIndex, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdl.kernels._program import Program

_Float32: TypeAlias = NDArray[np.float32]
_Float64: TypeAlias = NDArray[np.float64]

def norm_blocks(n: SupportsIndex) -> int: ...
def record_norm(
    program: Program,
    norm: _Float64,
    totals: _Float64,
    partial: _Float64,
    g: _Float32,
    theta: float,
    unit: bool = False,
) -> None: ...
def global_norm(arrays: Iterable[ArrayLike]) -> float: ...
def clip_by_global_norm(arrays: _Float32 | Iterable[_Float32], theta: SupportsFloat) -> float: ...
