"""Lion."""

from __future__ import annotations

from typing import Any

from fastdl.optim.optimizer import Optimizer, check_betas
from fastdl.schedule import Scheduled


class Lion(Optimizer):
    """Lion (Chen et al. 2023): each weight moves by the same amount, in the direction of a mean gradient.

    w *= 1 - lr weight_decay; w -= lr sign(beta1 m + (1 - beta1) g); m = beta2 m + (1 - beta2) g.

    Parameters
    ----------
    lr : float
        Learning rate; a third to a tenth of Adam's.
    betas : pair of float
        Weight of m in the direction, and its decay; in [0, 1).
    weight_decay : float
        Decoupled; three to ten times AdamW's.
    """

    kind = "lion"
    places = ("m",)
    decoupled_weight_decay = True

    def __init__(
        self,
        lr: float | Scheduled = 1e-4,
        betas: tuple[float | Scheduled, float | Scheduled] = (0.9, 0.99),
        weight_decay: float | Scheduled = 0.0,
    ) -> None:
        super().__init__(lr, weight_decay)
        self.betas = check_betas(betas)

    def hyper(self) -> dict[str, Any]:
        """Both betas."""
        return {"beta1": self.betas[0], "beta2": self.betas[1]}
