from typing import SupportsFloat, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdl.kernels._program import Program

_Float32: TypeAlias = NDArray[np.float32]

def record_ema(program: Program, average: _Float32, w: _Float32, decay: float, warmup: bool = False) -> None: ...
def ema_update(average: _Float32, w: ArrayLike, decay: SupportsFloat) -> None: ...
