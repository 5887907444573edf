"""Gradient descent, plain and with momentum."""

from __future__ import annotations

from typing import Any

from fastdl.errors import unknown_name
from fastdl.optim.optimizer import MOMENTUM, Optimizer
from fastdl.schedule import Scheduled


class SGD(Optimizer):
    """w -= lr g, or with momentum v = momentum v - lr g; w += v.

    Parameters
    ----------
    lr : float
        Learning rate.
    momentum : float
        In [0, 1].
    nesterov : bool
        w += momentum v - lr g, with the new v (Sutskever et al. 2013).
    weight_decay : float
        Coupled: weight_decay w is added to g.
    form : {"keras", "torch"}
        Where the rate stands: inside v as above, or outside, v = momentum v + g; w -= lr v. Not the same if lr changes.
    """

    kind = "sgd"
    places = ("velocity",)

    def __init__(
        self,
        lr: float | Scheduled = 0.01,
        momentum: float | Scheduled = 0.0,
        nesterov: bool = False,
        weight_decay: float | Scheduled = 0.0,
        form: str = "keras",
    ) -> None:
        super().__init__(lr, weight_decay)
        self.momentum = MOMENTUM.check(momentum)
        self.nesterov = bool(nesterov)
        if self.nesterov and not self.momentum:
            raise ValueError(f"nesterov: expected momentum above 0 with it, got momentum={momentum}")
        if form not in ("keras", "torch"):
            raise unknown_name("form", form, ("keras", "torch"))
        self.form = form

    @property
    def slots(self) -> tuple[str, ...]:
        """The velocity."""
        return self.places if self.momentum else ()

    @property
    def kernel(self) -> str:
        """Name of the kernel."""
        return "momentum" if self.momentum else "sgd"

    def hyper(self) -> dict[str, Any]:
        """Those of momentum."""
        return {"momentum": self.momentum, "nesterov": self.nesterov, "rate_outside": self.form == "torch"}
