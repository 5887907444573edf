"""What an optimizer is: hyper-parameters, slots, and the op that applies a step to the whole arena."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from fastdl.errors import check_number
from fastdl.schedule import Scheduled

if TYPE_CHECKING:
    from fastdl.program import Array, Recorder

LARGEST = 3.4e38  # that float32 holds
LEARNING_RATE = 0  # its place among a step's scalars


class Optimizer:
    """Base class.

    Attributes
    ----------
    lr : float or Scheduled
        Learning rate.
    weight_decay : float
        Acts on weight matrices, not on biases and norm parameters.
    slots : tuple of str
        Arrays of the parameters' size that it keeps between steps.
    """

    kind: ClassVar[str] = ""

    def __init__(self, lr: float | Scheduled, weight_decay: float = 0.0) -> None:
        base = check_number("lr", lr.base if isinstance(lr, Scheduled) else lr, 0.0, LARGEST)
        self.lr = lr if isinstance(lr, Scheduled) else base
        self.weight_decay = check_number("weight_decay", weight_decay, 0.0, LARGEST)

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the slots."""
        return ()

    def record(
        self, recorder: Recorder, w: Array, g: Array, slots: dict[str, Array], norm: Array, segments: list[Any]
    ) -> None:
        """Record the update of the flat arena w by the gradient g, scaled by norm[1]."""
        raise NotImplementedError

    def merged(self, segments: list[tuple[int, int, bool]]) -> list[tuple[int, int, bool]]:
        """Neighbouring segments as one where they are treated alike."""
        result: list[tuple[int, int, bool]] = []
        for start, length, decay in segments:
            decays = decay and self.weight_decay > 0.0
            if result and result[-1][2] == decays and sum(result[-1][:2]) == start:
                result[-1] = (result[-1][0], result[-1][1] + length, decays)
            else:
                result.append((start, length, decays))
        return result

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in vars(self).items())})"
