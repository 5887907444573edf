from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

def cut(segments: Iterable[tuple[int, int]]) -> NDArray[np.int64]: ...
