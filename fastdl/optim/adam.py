"""Adam and AdamW."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from fastdl.errors import check_number
from fastdl.kernels import optimizer
from fastdl.optim.optimizer import LARGEST, LEARNING_RATE, Optimizer
from fastdl.schedule import Scheduled

if TYPE_CHECKING:
    from fastdl.program import Array, Recorder


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015): bias-corrected first and second moments, w -= lr mhat / (sqrt(vhat) + eps).

    Parameters
    ----------
    lr : float
        Learning rate.
    betas : pair of float
        Decay of the moments, in [0, 1).
    eps : float
        Outside the root.
    weight_decay : float
        Coupled: weight_decay w is added to g.
    """

    kind = "adam"
    decoupled: ClassVar[bool] = False

    def __init__(
        self,
        lr: float | Scheduled = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(lr, weight_decay)
        if not hasattr(betas, "__len__") or len(betas) != 2:
            raise ValueError(f"betas: expected two numbers, got {betas!r}")
        first, second = (check_number("betas", beta, 0.0, 1.0, open_high=True) for beta in betas)
        self.betas = (first, second)
        self.eps = check_number("eps", eps, 0.0, LARGEST)

    @property
    def slots(self) -> tuple[str, ...]:
        """First and second moment."""
        return ("m", "v")

    def record(
        self, recorder: Recorder, w: Array, g: Array, slots: dict[str, Array], norm: Array, segments: list[Any]
    ) -> None:
        """Record the kernel."""
        recorder.add_update(
            optimizer.record_adam,
            w=w,
            g=g,
            m=slots["m"],
            v=slots["v"],
            norm=norm,
            segments=self.merged(segments),
            lr=LEARNING_RATE,
            beta1=self.betas[0],
            beta2=self.betas[1],
            eps=self.eps,
            weight_decay=self.weight_decay,
            decoupled=self.decoupled,
        )


class AdamW(Adam):
    """Adam with decoupled decay (Loshchilov & Hutter 2019): w *= 1 - lr weight_decay before the update.

    Parameters are those of `Adam`.
    """

    kind = "adamw"
    decoupled = True

    def __init__(
        self,
        lr: float | Scheduled = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(lr, betas, eps, weight_decay)
