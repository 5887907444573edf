from collections.abc import Sequence
from typing import SupportsFloat, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdl.kernels._program import Program

_Float32: TypeAlias = NDArray[np.float32]
_Float64: TypeAlias = NDArray[np.float64]

def record_penalty(
    program: Program,
    g: _Float32,
    w: _Float32,
    totals: _Float64,
    segments: Sequence[tuple[int, int, float, float]],
    share: _Float64 | None = None,
) -> None: ...
def penalty_l1l2(w: ArrayLike, g: _Float32, c1: SupportsFloat = 0.0, c2: SupportsFloat = 0.0) -> float: ...
