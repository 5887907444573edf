from typing import Any, SupportsIndex, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdl.kernels._program import Program

_Float32: TypeAlias = NDArray[np.float32]

MOST_CODES: int

def record_columns(program: Program, y: _Float32, x: _Float32, columns: NDArray[np.int64], put: bool) -> None: ...
def record_embedding(program: Program, y: _Float32, start: int, x: _Float32, column: int, table: _Float32) -> None: ...
def record_embedding_backward(
    program: Program, dtable: _Float32, dy: _Float32, start: int, x: _Float32, column: int
) -> None: ...
def first_bad_code(values: NDArray[Any], size: int | NDArray[Any]) -> tuple[int, ...] | None: ...
def embedding_forward(codes: ArrayLike, table: ArrayLike, out: _Float32 | None = None) -> _Float32: ...
def embedding_backward(
    dy: ArrayLike, codes: ArrayLike, size: SupportsIndex, out: _Float32 | None = None
) -> _Float32: ...
