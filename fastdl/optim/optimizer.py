"""What an optimizer is: hyper-parameters, slots, and the op that applies a step to the whole arena."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from fastdl.errors import check_number
from fastdl.kernels._update import record_update
from fastdl.schedule import Scheduled

if TYPE_CHECKING:
    from fastdl.program import Array, Recorder

LARGEST = 3.4e38  # that float32 holds
LEARNING_RATE = 0  # its place among a step's scalars


class Optimizer:
    """Base class: a subclass names its kernel and the kernel's slots, and gives its hyper-parameters.

    Attributes
    ----------
    lr : float or Scheduled
        Learning rate.
    weight_decay : float
        Acts on weight matrices, not on biases and norm parameters.
    decoupled_weight_decay : bool
        Whether it shrinks the weights, w *= 1 - lr weight_decay before the update, or weight_decay w is added to g.
    slots : tuple of str
        Arrays of the parameters' size that it keeps between steps.
    """

    kind: ClassVar[str] = ""
    places: ClassVar[tuple[str, ...]] = ()  # all slots that the kernel knows, in its order
    decoupled_weight_decay: bool = False

    def __init__(self, lr: float | Scheduled, weight_decay: float = 0.0) -> None:
        base = check_number("lr", lr.base if isinstance(lr, Scheduled) else lr, 0.0, LARGEST)
        self.lr = lr if isinstance(lr, Scheduled) else base
        self.weight_decay = check_number("weight_decay", weight_decay, 0.0, LARGEST)

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
        self, recorder: Recorder, w: Array, g: Array, slots: dict[str, Array], norm: Array, segments: list[Any]
    ) -> None:
        """Record the update of the flat arena w by the gradient g, scaled by norm[1]."""
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
            weight_decay=self.weight_decay,
            decoupled=self.decoupled_weight_decay,
            **self.hyper(),
        )

    def merged(self, segments: list[Any]) -> list[Any]:
        """Neighbouring segments as one where they are treated alike."""
        result: list[Any] = []
        for given in segments:
            segment = given._replace(decays=given.decays and self.weight_decay > 0.0)
            last = result[-1] if result else None
            if last and last.start + last.length == segment.start and last[2:] == segment[2:]:
                result[-1] = last._replace(length=last.length + segment.length)
            else:
                result.append(segment)
        return result

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in vars(self).items())})"


def check_betas(betas: Any) -> tuple[float, float]:
    """Two rates of decay, in [0, 1)."""
    if not hasattr(betas, "__len__") or isinstance(betas, str) or len(betas) != 2:
        raise ValueError(f"betas: expected two numbers, got {betas!r}")
    first, second = (check_number("betas", beta, 0.0, 1.0, open_high=True) for beta in betas)
    return first, second
