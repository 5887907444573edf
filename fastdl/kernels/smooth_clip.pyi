from typing import SupportsFloat, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdl.kernels._program import Program

_Float32: TypeAlias = NDArray[np.float32]

def record_smooth_clip(program: Program, y: _Float32, x: _Float32, clip: float) -> None: ...
def smooth_clip(x: ArrayLike, clip: SupportsFloat, out: _Float32 | None = None) -> _Float32: ...
