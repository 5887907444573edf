from typing import SupportsFloat, SupportsIndex, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

_Float32: TypeAlias = NDArray[np.float32]

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
    vmax: _Float32 | None = None,
) -> None: ...
def adamax_update(
    w: _Float32,
    g: ArrayLike,
    m: _Float32,
    u: _Float32,
    lr: SupportsFloat,
    beta1: SupportsFloat,
    beta2: SupportsFloat,
    eps: SupportsFloat,
    step: SupportsIndex,
    weight_decay: SupportsFloat = 0.0,
    grad_scale: SupportsFloat = 1.0,
) -> None: ...
def nadam_update(
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
    momentum_decay: SupportsFloat = 4e-3,
) -> None: ...
def radam_update(
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
