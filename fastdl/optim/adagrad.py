"""Adagrad."""

from __future__ import annotations

from typing import Any

from fastdl.optim.optimizer import EPS, Optimizer
from fastdl.schedule import Scheduled


class Adagrad(Optimizer):
    """Adagrad (Duchi, Hazan & Singer 2011): s += g^2; w -= lr g / (sqrt(s) + eps), s from 0.

    Parameters
    ----------
    lr : float
        Learning rate.
    eps : float
        Outside the root.
    weight_decay : float
        Coupled: weight_decay w is added to g.
    """

    kind = "adagrad"
    places = ("s",)

    def __init__(
        self, lr: float | Scheduled = 0.01, eps: float | Scheduled = 1e-10, weight_decay: float | Scheduled = 0.0
    ) -> None:
        super().__init__(lr, weight_decay)
        self.eps = EPS.check(eps)

    def hyper(self) -> dict[str, Any]:
        """Only eps."""
        return {"eps": self.eps}
