from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from fastdl.kernels._program import Program
from fastdl.kernels._rows import Rows

@final
class FewRows:
    def __init__(
        self,
        program: Program,
        source: Rows,
        target: Rows,
        most: int,
        offset: NDArray[np.float64] | None = None,
        factor: NDArray[np.float64] | None = None,
    ) -> None: ...
    def __call__(self, x: object, out: object = None) -> NDArray[np.float32] | None: ...

def output(x: NDArray[Any], cols: int, out: NDArray[np.float32] | None = None) -> NDArray[np.float32]: ...
