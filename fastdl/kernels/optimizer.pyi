from collections.abc import Sequence
from typing import SupportsFloat, SupportsIndex, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdl.kernels._program import Program

_Float32: TypeAlias = NDArray[np.float32]
_Float64: TypeAlias = NDArray[np.float64]
_Segments: TypeAlias = Sequence[tuple[int, int, bool]]

def record_sgd(
    program: Program,
    w: _Float32,
    g: _Float32,
    v: _Float32 | None,
    norm: _Float64,
    segments: _Segments,
    lr: int,
    momentum: float,
    nesterov: bool,
    weight_decay: float,
    rate_outside: bool,
) -> None: ...
def record_adam(
    program: Program,
    w: _Float32,
    g: _Float32,
    m: _Float32,
    v: _Float32,
    norm: _Float64,
    segments: _Segments,
    lr: int,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
) -> None: ...
def sgd_update(
    w: _Float32, g: ArrayLike, lr: SupportsFloat, weight_decay: SupportsFloat = 0.0, grad_scale: SupportsFloat = 1.0
) -> None: ...
def momentum_update(
    w: _Float32,
    g: ArrayLike,
    v: _Float32,
    lr: SupportsFloat,
    momentum: SupportsFloat,
    nesterov: bool = False,
    weight_decay: SupportsFloat = 0.0,
    grad_scale: SupportsFloat = 1.0,
    rate_outside: bool = False,
) -> None: ...
def adam_update(
    w: _Float32,
    g: ArrayLike,
    m: _Float32,
    v: _Float32,
    lr: SupportsFloat,
    beta1: SupportsFloat,
    beta2: SupportsFloat,
    eps: SupportsFloat,
    step: SupportsIndex,
    weight_decay: SupportsFloat = 0.0,
    decoupled: bool = False,
    grad_scale: SupportsFloat = 1.0,
) -> None: ...
