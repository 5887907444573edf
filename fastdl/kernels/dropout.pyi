from collections.abc import Iterable
from typing import SupportsFloat, SupportsIndex, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdl.kernels._program import Program
from fastdl.kernels._scalar import Column

_Float32: TypeAlias = NDArray[np.float32]

def mask_bytes(elements: SupportsIndex) -> int: ...
def record_mask(program: Program, bits: NDArray[np.uint8], cols: int, rate: float | Column, stream: int) -> None: ...
def record_apply(program: Program, y: _Float32, x: _Float32, bits: NDArray[np.uint8], rate: float | Column) -> None: ...
def record_alpha(
    program: Program, y: _Float32, x: _Float32, bits: NDArray[np.uint8], rate: float | Column, backward: bool
) -> None: ...
def dropout_mask(
    shape: SupportsIndex | Iterable[SupportsIndex],
    rate: SupportsFloat,
    seed: SupportsIndex,
    step: SupportsIndex = 0,
    stream: SupportsIndex = 0,
) -> NDArray[np.bool_]: ...
def dropout_forward(
    x: ArrayLike,
    rate: SupportsFloat,
    seed: SupportsIndex,
    step: SupportsIndex = 0,
    stream: SupportsIndex = 0,
    out: _Float32 | None = None,
) -> _Float32: ...
def dropout_backward(
    dy: ArrayLike,
    rate: SupportsFloat,
    seed: SupportsIndex,
    step: SupportsIndex = 0,
    stream: SupportsIndex = 0,
    out: _Float32 | None = None,
) -> _Float32: ...
def alpha_dropout_forward(
    x: ArrayLike,
    rate: SupportsFloat,
    seed: SupportsIndex,
    step: SupportsIndex = 0,
    stream: SupportsIndex = 0,
    out: _Float32 | None = None,
) -> _Float32: ...
def alpha_dropout_backward(
    dy: ArrayLike,
    rate: SupportsFloat,
    seed: SupportsIndex,
    step: SupportsIndex = 0,
    stream: SupportsIndex = 0,
    out: _Float32 | None = None,
) -> _Float32: ...
