from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastdl.kernels._program import Program

_Float32: TypeAlias = NDArray[np.float32]

def record_mix(program: Program, y: _Float32, x: _Float32, scalar: int) -> None: ...
def record_mix_labels(program: Program, y: _Float32, labels: NDArray[Any], scalar: int, smoothing: float) -> None: ...
