"""RMSprop."""

from __future__ import annotations

from typing import Any

from fastdl.errors import check_bool
from fastdl.optim.optimizer import EPS, MOMENTUM, RHO, Optimizer
from fastdl.schedule import Scheduled
from fastdl.schedule.hyper import base_of


class RMSprop(Optimizer):
    """RMSprop (Hinton 2012, lecture 6e): s = rho s + (1 - rho) g^2; w -= lr g / (sqrt(s) + eps).

    Parameters
    ----------
    lr : float
        Learning rate.
    rho : float
        Decay of the mean square, in [0, 1).
    eps : float
        Outside the root.
    centered : bool
        max(s - mean^2, 0) under the root, with mean = rho mean + (1 - rho) g (Graves 2013).
    momentum : float
        In [0, 1], in torch's form: v = momentum v + g / (...); w -= lr v.
    weight_decay : float
        Coupled: weight_decay w is added to g.
    """

    kind = "rmsprop"
    places = ("s", "mean", "velocity")

    def __init__(
        self,
        lr: float | Scheduled = 1e-3,
        rho: float | Scheduled = 0.9,
        eps: float | Scheduled = 1e-8,
        centered: bool = False,
        momentum: float | Scheduled = 0.0,
        weight_decay: float | Scheduled = 0.0,
    ) -> None:
        super().__init__(lr, weight_decay)
        self.rho = RHO.check(rho)
        self.eps = EPS.check(eps)
        self.centered = check_bool("centered", centered)
        self.momentum = MOMENTUM.check(momentum)

    @property
    def slots(self) -> tuple[str, ...]:
        """Mean square, mean if centered, velocity with momentum."""
        wanted = {"mean": self.centered, "velocity": base_of(self.momentum) > 0.0}
        return tuple(place for place in self.places if wanted.get(place, True))

    def hyper(self) -> dict[str, Any]:
        """The kernel calls rho beta2."""
        return {"beta2": self.rho, "eps": self.eps, "momentum": self.momentum}
