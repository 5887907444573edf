"""Gradient descent in steps of equal length."""

from __future__ import annotations

from fastdl.optim.optimizer import Optimizer
from fastdl.schedule import Scheduled


class NormalizedSGD(Optimizer):
    """w -= lr g / ||g||, the norm over the whole model (Hazan, Levy & Shalev-Shwartz 2015). g = 0: no update.

    Parameters
    ----------
    lr : float
        How long each step is.
    weight_decay : float
        Decoupled: w *= 1 - lr weight_decay before the update.

    Notes
    -----
    Clipping by the norm of the model makes no difference here; with other clips ||g|| is still that before clipping.
    """

    kind = "normalized_sgd"
    decoupled_weight_decay = True

    def __init__(self, lr: float | Scheduled = 0.01, weight_decay: float | Scheduled = 0.0) -> None:
        super().__init__(lr, weight_decay)
