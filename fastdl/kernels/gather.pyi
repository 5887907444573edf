from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdl.kernels._program import Program
from fastdl.kernels._rows import Rows

_Float32: TypeAlias = NDArray[np.float32]

def record_gather(program: Program, y: _Float32, source: Rows) -> None: ...
def record_labels(program: Program, y: NDArray[np.int32], source: Rows) -> None: ...
def record_store(program: Program, target: Rows, x: _Float32) -> None: ...
def gather(x: ArrayLike, indices: ArrayLike, out: _Float32 | None = None) -> _Float32: ...
