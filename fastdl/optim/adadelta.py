"""Adadelta."""

from __future__ import annotations

from typing import Any

from fastdl.errors import check_number
from fastdl.optim.optimizer import LARGEST, Optimizer
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
        self, lr: float | Scheduled = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0.0
    ) -> None:
        super().__init__(lr, weight_decay)
        self.rho = check_number("rho", rho, 0.0, 1.0, open_high=True)
        self.eps = check_number("eps", eps, 0.0, LARGEST)

    def hyper(self) -> dict[str, Any]:
        """The kernel calls rho beta2."""
        return {"beta2": self.rho, "eps": self.eps}
