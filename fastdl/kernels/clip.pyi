from collections.abc import Iterable, Sequence
from typing import SupportsFloat, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastdl.kernels._program import Program

_Float32: TypeAlias = NDArray[np.float32]
_Float64: TypeAlias = NDArray[np.float64]

def record_clip_norm(
    program: Program,
    g: _Float32,
    totals: _Float64,
    segments: Sequence[tuple[int, int]],
    theta: float,
    unit: bool = False,
) -> None: ...
def record_clip_value(program: Program, g: _Float32, totals: _Float64, limit: float) -> None: ...
def clip_by_norm(arrays: _Float32 | Iterable[_Float32], theta: SupportsFloat) -> _Float64: ...
def clip_by_value(arrays: _Float32 | Iterable[_Float32], value: SupportsFloat) -> None: ...
