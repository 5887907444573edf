"""Gradient descent, plain and with momentum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastdl.errors import check_number, unknown_name
from fastdl.kernels import optimizer
from fastdl.optim.optimizer import LEARNING_RATE, Optimizer
from fastdl.schedule import Scheduled

if TYPE_CHECKING:
    from fastdl.program import Array, Recorder


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

    def __init__(
        self,
        lr: float | Scheduled = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        form: str = "keras",
    ) -> None:
        super().__init__(lr, weight_decay)
        self.momentum = check_number("momentum", momentum, 0.0, 1.0)
        self.nesterov = bool(nesterov)
        if self.nesterov and not self.momentum:
            raise ValueError(f"nesterov: expected momentum above 0 with it, got momentum={momentum}")
        if form not in ("keras", "torch"):
            raise unknown_name("form", form, ("keras", "torch"))
        self.form = form

    @property
    def slots(self) -> tuple[str, ...]:
        """The velocity."""
        return ("velocity",) if self.momentum else ()

    def record(
        self, recorder: Recorder, w: Array, g: Array, slots: dict[str, Array], norm: Array, segments: list[Any]
    ) -> None:
        """Record the kernel."""
        recorder.add_update(
            optimizer.record_sgd,
            w=w,
            g=g,
            v=slots.get("velocity"),
            norm=norm,
            segments=self.merged(segments),
            lr=LEARNING_RATE,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
            rate_outside=self.form == "torch",
        )
