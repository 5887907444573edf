"""Adadelta."""

from __future__ import annotations

from typing import Any

from fastdl.optim.optimizer import EPS, RHO, Optimizer
from fastdl.schedule import Scheduled


class Adadelta(Optimizer):
    """Adadelta (Zeiler 2012): steps whose size is that of the steps before.

    s = rho s + (1 - rho) g^2; x = g sqrt(d + eps) / sqrt(s + eps); d = rho d + (1 - rho) x^2; w -= lr x.

    Parameters
    ----------
    lr : float
        Learning rate; the paper has none.
    rho : float
        Decay of both means, in [0, 1).
    eps : float
        Inside the roots: what the first steps come from.
    weight_decay : float
        Coupled: weight_decay w is added to g.
    """

    kind = "adadelta"
    places = ("s", "d")

    def __init__(
        self,
        lr: float | Scheduled = 1.0,
        rho: float | Scheduled = 0.9,
        eps: float | Scheduled = 1e-6,
        weight_decay: float | Scheduled = 0.0,
    ) -> None:
        super().__init__(lr, weight_decay)
        self.rho = RHO.check(rho)
        self.eps = EPS.check(eps)

    def hyper(self) -> dict[str, Any]:
        """The kernel calls rho beta2."""
        return {"beta2": self.rho, "eps": self.eps}
