"""Adamax."""

from __future__ import annotations

from fastdl.optim.adam import MomentsOptimizer
from fastdl.schedule import Scheduled


class Adamax(MomentsOptimizer):
    """Adamax (Kingma & Ba 2015, section 7.1): Adam with the largest recent gradient in place of the root.

    m = beta1 m + (1 - beta1) g; u = max(beta2 u, |g| + eps); w -= lr / (1 - beta1^t) m / u.

    Parameters
    ----------
    lr : float
        Learning rate.
    betas : pair of float
        Decay of m and of u, in [0, 1).
    eps : float
        Added to |g|, as torch does it.
    weight_decay : float
        Coupled: weight_decay w is added to g.
    """

    kind = "adamax"
    places = ("m", "u")

    def __init__(
        self,
        lr: float | Scheduled = 2e-3,
        betas: tuple[float | Scheduled, float | Scheduled] = (0.9, 0.999),
        eps: float | Scheduled = 1e-8,
        weight_decay: float | Scheduled = 0.0,
    ) -> None:
        super().__init__(lr, betas, eps, weight_decay)
