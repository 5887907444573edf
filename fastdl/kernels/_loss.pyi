from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastdl.kernels._program import Program

_Float32: TypeAlias = NDArray[np.float32]

KINDS: dict[str, int]

def record_loss(
    program: Program,
    kind: str,
    loss: _Float32,
    dx: _Float32 | None,
    x: _Float32,
    target: _Float32 | NDArray[np.int32],
    total: NDArray[np.float64],
    weights: _Float32 | None = None,
    parameters: _Float32 | None = None,
) -> None: ...
