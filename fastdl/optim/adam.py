"""Adam and AdamW."""

from __future__ import annotations

from typing import Any, ClassVar

from fastdl.errors import check_bool
from fastdl.optim.optimizer import EPS, Optimizer, check_betas
from fastdl.schedule import Scheduled


class MomentsOptimizer(Optimizer):
    """What Adam and its kin share: a first and a second moment, and how fast they decay."""

    places: ClassVar[tuple[str, ...]] = ("m", "v")

    def __init__(
        self,
        lr: float | Scheduled,
        betas: tuple[float | Scheduled, float | Scheduled],
        eps: float | Scheduled,
        weight_decay: float | Scheduled,
    ) -> None:
        super().__init__(lr, weight_decay)
        self.betas = check_betas(betas)
        self.eps = EPS.check(eps)

    def hyper(self) -> dict[str, Any]:
        """Both betas and eps."""
        return {"beta1": self.betas[0], "beta2": self.betas[1], "eps": self.eps}


class Adam(MomentsOptimizer):
    """Adam (Kingma & Ba 2015): bias-corrected first and second moments.

    m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2; w -= lr mhat / (sqrt(vhat) + eps), where
    mhat = m / (1 - beta1^t) and vhat = v / (1 - beta2^t).

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
    amsgrad : bool
        The largest v so far takes its place under the root (Reddi et al. 2018).
    """

    kind = "adam"
    places = ("m", "v", "vmax")

    def __init__(
        self,
        lr: float | Scheduled = 1e-3,
        betas: tuple[float | Scheduled, float | Scheduled] = (0.9, 0.999),
        eps: float | Scheduled = 1e-8,
        weight_decay: float | Scheduled = 0.0,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(lr, betas, eps, weight_decay)
        self.amsgrad = check_bool("amsgrad", amsgrad)

    @property
    def slots(self) -> tuple[str, ...]:
        """Two moments, and with amsgrad the largest second one."""
        return self.places if self.amsgrad else self.places[:2]

    @property
    def kernel(self) -> str:
        """Name of the kernel."""
        return "amsgrad" if self.amsgrad else "adam"


class AdamW(Adam):
    """Adam with decoupled decay (Loshchilov & Hutter 2019): w *= 1 - lr weight_decay before the update.

    Parameters are those of `Adam`.
    """

    kind = "adamw"
    decoupled_weight_decay = True

    def __init__(
        self,
        lr: float | Scheduled = 1e-3,
        betas: tuple[float | Scheduled, float | Scheduled] = (0.9, 0.999),
        eps: float | Scheduled = 1e-8,
        weight_decay: float | Scheduled = 0.01,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(lr, betas, eps, weight_decay, amsgrad)
