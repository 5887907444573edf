from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastdl.kernels._program import Program
from fastdl.kernels._scalar import Column

_Float32: TypeAlias = NDArray[np.float32]

def record_mix(program: Program, y: _Float32, x: _Float32, share: float | Column) -> None: ...
def record_mix_labels(
    program: Program, y: _Float32, labels: NDArray[Any], share: float | Column, smoothing: float
) -> None: ...
