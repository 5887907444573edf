from collections.abc import Iterable
from typing import SupportsIndex

import numpy as np
from numpy.typing import NDArray

def philox4x32(counter: Iterable[SupportsIndex], key: Iterable[SupportsIndex]) -> NDArray[np.uint32]: ...
def random_uniform(
    n: SupportsIndex, seed: SupportsIndex, step: SupportsIndex = 0, stream: SupportsIndex = 0
) -> NDArray[np.float32]: ...
def random_normal(
    n: SupportsIndex, seed: SupportsIndex, step: SupportsIndex = 0, stream: SupportsIndex = 0
) -> NDArray[np.float32]: ...
def permutation(
    n: SupportsIndex, seed: SupportsIndex, step: SupportsIndex = 0, stream: SupportsIndex = 0
) -> NDArray[np.int64]: ...
