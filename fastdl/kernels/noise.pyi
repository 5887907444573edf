from typing import SupportsFloat, SupportsIndex, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdl.kernels._program import Program
from fastdl.kernels._scalar import Column

_Float32: TypeAlias = NDArray[np.float32]

def record_noise(program: Program, y: _Float32, x: _Float32, std: float | Column, stream: int) -> None: ...
def gaussian_noise(
    x: ArrayLike,
    std: SupportsFloat,
    seed: SupportsIndex,
    step: SupportsIndex = 0,
    stream: SupportsIndex = 0,
    out: _Float32 | None = None,
) -> _Float32: ...
