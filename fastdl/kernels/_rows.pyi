from typing import Any, TypeGuard, final

import numpy as np
from numpy.typing import NDArray

KINDS: dict[tuple[str, int], int]

@final
class Rows:
    def __init__(self, cols: int) -> None: ...
    @property
    def cols(self) -> int: ...
    def set(
        self,
        x: NDArray[Any],
        order: NDArray[np.int64] | None = None,
        offset: NDArray[np.float64] | None = None,
        factor: NDArray[np.float64] | None = None,
    ) -> None: ...
    def clear(self) -> None: ...

def readable(x: object) -> TypeGuard[NDArray[Any]]: ...
def as_readable(x: NDArray[Any]) -> NDArray[Any]: ...
