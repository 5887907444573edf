from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fastdl.kernels._program import Program
from fastdl.kernels._scalar import Column

KINDS: dict[str, int]

def record_update(
    program: Program,
    kind: str,
    w: NDArray[np.float32],
    g: NDArray[np.float32],
    first: NDArray[np.float32] | None,
    second: NDArray[np.float32] | None,
    third: NDArray[np.float32] | None,
    norm: NDArray[np.float64],
    segments: Sequence[tuple[int, int, bool, float]],
    lr: float | Column,
    weight_decay: float | Column = 0.0,
    decoupled: bool = False,
    momentum: float | Column = 0.0,
    nesterov: bool = False,
    rate_outside: bool = False,
    beta1: float | Column = 0.0,
    beta2: float | Column = 0.0,
    eps: float | Column = 0.0,
    momentum_decay: float = 0.0,
    eps_hat: bool = False,
    average: NDArray[np.float32] | None = None,
    average_decay: float = 0.0,
    average_warmup: bool = False,
) -> None: ...
