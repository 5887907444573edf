"""NAdam."""

from __future__ import annotations

from typing import Any

from fastdl.errors import check_bool, check_number
from fastdl.optim.adam import MomentsOptimizer
from fastdl.optim.optimizer import LARGEST
from fastdl.schedule import Scheduled


class NAdam(MomentsOptimizer):
    """NAdam (Dozat 2016): Adam with Nesterov's momentum, whose rate rises to beta1.

    With mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2) and M_t = mu_1 ... mu_t, and m, v and vhat those of `Adam`:
    w -= lr (mu_(t+1) m / (1 - M_(t+1)) + (1 - mu_t) g / (1 - M_t)) / (sqrt(vhat) + eps).

    Parameters
    ----------
    lr : float
        Learning rate.
    betas : pair of float
        Decay of the moments, in [0, 1).
    eps : float
        Outside the root.
    weight_decay : float
    momentum_decay : float
        How fast mu rises.
    decoupled_weight_decay : bool
        w *= 1 - lr weight_decay before the update; else weight_decay w is added to g.
    """

    kind = "nadam"

    def __init__(
        self,
        lr: float | Scheduled = 2e-3,
        betas: tuple[float | Scheduled, float | Scheduled] = (0.9, 0.999),
        eps: float | Scheduled = 1e-8,
        weight_decay: float | Scheduled = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(lr, betas, eps, weight_decay)
        if isinstance(self.betas[0], Scheduled):
            raise ValueError("betas: NAdam's first beta has a schedule of its own; expected a number")
        self.momentum_decay = check_number("momentum_decay", momentum_decay, 0.0, LARGEST)
        self.decoupled_weight_decay = check_bool("decoupled_weight_decay", decoupled_weight_decay)

    def hyper(self) -> dict[str, Any]:
        """Those of moments, and how fast mu rises."""
        return {**super().hyper(), "momentum_decay": self.momentum_decay}
