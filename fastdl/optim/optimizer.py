"""What an optimizer is: hyper-parameters, slots, and the op that applies a step to the whole arena."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from fastdl.kernels._scalar import Column
from fastdl.kernels._update import record_update
from fastdl.schedule import Scheduled
from fastdl.schedule.hyper import Hyper, base_of

if TYPE_CHECKING:
    from fastdl.program import Array, Recorder

LARGEST = 3.4e38  # that float32 holds
LEARNING_RATE = Column(0)  # its place among a step's scalars
LR, DECAY = Hyper("lr", 0.0, LARGEST), Hyper("weight_decay", 0.0, LARGEST)
MOMENTUM, EPS = Hyper("momentum", 0.0, 1.0), Hyper("eps", 0.0, LARGEST)
BETAS, RHO = Hyper("betas", 0.0, 1.0, open_high=True), Hyper("rho", 0.0, 1.0, open_high=True)
HYPERS = {"momentum": MOMENTUM, "beta1": BETAS, "beta2": BETAS, "eps": EPS}  # by the kernel's names


class Optimizer:
    """Base class: a subclass names its kernel and the kernel's slots, and gives its hyper-parameters.

    A number times a schedule follows that: `optim.AdamW(weight_decay=0.02 * schedule.FlatCos())`, and so may lr,
    momentum, betas, rho and eps.

    Attributes
    ----------
    lr : float or Scheduled
        Learning rate.
    weight_decay : float or Scheduled
        Acts on weight matrices, not on biases and norm parameters.
    decoupled_weight_decay : bool
        Whether it shrinks the weights, w *= 1 - lr weight_decay before the update, or weight_decay w is added to g.
    slots : tuple of str
        Arrays of the parameters' size that it keeps between steps.
    """

    kind: ClassVar[str] = ""
    places: ClassVar[tuple[str, ...]] = ()  # all slots that the kernel knows, in its order
    decoupled_weight_decay: bool = False

    def __init__(self, lr: float | Scheduled, weight_decay: float | Scheduled = 0.0) -> None:
        self.lr = LR.check(lr)
        self.weight_decay = DECAY.check(weight_decay)

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the slots in use."""
        return self.places

    @property
    def kernel(self) -> str:
        """Name of the kernel."""
        return self.kind

    def hyper(self) -> dict[str, Any]:
        """Hyper-parameters beside rate and decay, as `record_update` calls them."""
        return {}

    def record(
        self,
        recorder: Recorder,
        w: Array,
        g: Array,
        slots: dict[str, Array],
        norm: Array,
        segments: list[Any],
        averaging: dict[str, Any],
    ) -> None:
        """Record the update of the flat arena w by the gradient g, scaled by norm[1].

        averaging is empty, or what an `Averaging.within_update` gave.
        """
        first, second, third = (*(slots.get(place) for place in self.places), None, None, None)[:3]
        recorder.add_update(
            record_update,
            kind=self.kernel,
            w=w,
            g=g,
            first=first,
            second=second,
            third=third,
            norm=norm,
            segments=self.merged(segments),
            lr=LEARNING_RATE,
            weight_decay=DECAY.record(recorder, self.weight_decay),
            decoupled=self.decoupled_weight_decay,
            **{name: HYPERS[name].record(recorder, v) if name in HYPERS else v for name, v in self.hyper().items()},
            **averaging,
        )

    def merged(self, segments: list[Any]) -> list[Any]:
        """Neighbouring segments as one where they are treated alike."""
        result: list[Any] = []
        for given in segments:
            segment = given._replace(decay=given.decay if base_of(self.weight_decay) > 0.0 else 0.0)
            last = result[-1] if result else None
            if last and last.start + last.length == segment.start and last[2:] == segment[2:]:
                result[-1] = last._replace(length=last.length + segment.length)
            else:
                result.append(segment)
        return result

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in vars(self).items())})"


def check_betas(betas: Any) -> tuple[float | Scheduled, float | Scheduled]:
    """Two rates of decay, in [0, 1), or such times schedules."""
    if not hasattr(betas, "__len__") or isinstance(betas, str) or len(betas) != 2:
        raise ValueError(f"betas: expected two numbers, got {betas!r}")
    first, second = (BETAS.check(beta) for beta in betas)
    return first, second
