from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

_Float32: TypeAlias = NDArray[np.float32]

def orthonormalize(a: ArrayLike, out: _Float32 | None = None) -> _Float32: ...
