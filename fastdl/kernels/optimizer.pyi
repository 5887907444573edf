from typing import SupportsFloat, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

_Float32: TypeAlias = NDArray[np.float32]

def sgd_update(
    w: _Float32,
    g: ArrayLike,
    lr: SupportsFloat,
    weight_decay: SupportsFloat = 0.0,
    grad_scale: SupportsFloat = 1.0,
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
def normalized_sgd_update(
    w: _Float32,
    g: ArrayLike,
    lr: SupportsFloat,
    weight_decay: SupportsFloat = 0.0,
    grad_scale: SupportsFloat = 1.0,
    norm: SupportsFloat | None = None,
) -> None: ...
def lion_update(
    w: _Float32,
    g: ArrayLike,
    m: _Float32,
    lr: SupportsFloat,
    beta1: SupportsFloat,
    beta2: SupportsFloat,
    weight_decay: SupportsFloat = 0.0,
    grad_scale: SupportsFloat = 1.0,
) -> None: ...
def adagrad_update(
    w: _Float32,
    g: ArrayLike,
    s: _Float32,
    lr: SupportsFloat,
    eps: SupportsFloat,
    weight_decay: SupportsFloat = 0.0,
    grad_scale: SupportsFloat = 1.0,
) -> None: ...
def adadelta_update(
    w: _Float32,
    g: ArrayLike,
    s: _Float32,
    d: _Float32,
    lr: SupportsFloat,
    rho: SupportsFloat,
    eps: SupportsFloat,
    weight_decay: SupportsFloat = 0.0,
    grad_scale: SupportsFloat = 1.0,
) -> None: ...
def rmsprop_update(
    w: _Float32,
    g: ArrayLike,
    s: _Float32,
    lr: SupportsFloat,
    rho: SupportsFloat,
    eps: SupportsFloat,
    momentum: SupportsFloat = 0.0,
    weight_decay: SupportsFloat = 0.0,
    grad_scale: SupportsFloat = 1.0,
    mean: _Float32 | None = None,
    velocity: _Float32 | None = None,
) -> None: ...
