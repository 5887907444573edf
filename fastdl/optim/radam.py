"""RAdam."""

from __future__ import annotations

from fastdl.errors import check_bool
from fastdl.optim.adam import MomentsOptimizer
from fastdl.schedule import Scheduled


class RAdam(MomentsOptimizer):
    """RAdam (Liu et al. 2020): Adam that divides by v only once v is known, and carefully at first.

    With m, v and mhat those of `Adam`, R = 2 / (1 - beta2) - 1 and r = R - 2 t beta2^t / (1 - beta2^t): while r <= 5,
    w -= lr mhat; then w -= lr mhat c sqrt(1 - beta2^t) / (sqrt(v) + eps), c^2 = (r-4)(r-2) R / ((R-4)(R-2) r).

    Parameters
    ----------
    lr : float
        Learning rate.
    betas : pair of float
        Decay of the moments, in [0, 1).
    eps : float
        Added to the root of v before its bias is corrected, as torch does it.
    weight_decay : float
    decoupled_weight_decay : bool
        w *= 1 - lr weight_decay before the update; else weight_decay w is added to g.
    """

    kind = "radam"

    def __init__(
        self,
        lr: float | Scheduled = 1e-3,
        betas: tuple[float | Scheduled, float | Scheduled] = (0.9, 0.999),
        eps: float | Scheduled = 1e-8,
        weight_decay: float | Scheduled = 0.0,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(lr, betas, eps, weight_decay)
        self.decoupled_weight_decay = check_bool("decoupled_weight_decay", decoupled_weight_decay)
