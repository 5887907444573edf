"""Penalties on the size of weights, added to the loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from fastdl.errors import check_number, unknown_name
from fastdl.kernels.penalty import record_penalty

if TYPE_CHECKING:
    from fastdl.nn.layer import Parameter
    from fastdl.program import Array, Recorder

LARGEST = 1e38  # so that float32 holds twice as much


class Penalty:
    """Base class: c1 sum |w| + c2 sum w^2, for a layer (`Dense(penalty=...)`) or the network (`Trainer(penalty=...)`).

    Its gradient, c1 sign(w) + 2 c2 w, is added to that of the loss before clipping. A layer's and the Trainer's add up.

    Attributes
    ----------
    c1, c2 : float
    per_row : bool
        Whether it is added to the sum of the rows' losses instead of their mean: its gradient is divided by the sum of
        the batch's weights. Only as the network's, and without layers' own beside it.
    """

    kind: ClassVar[str] = ""
    options: ClassVar[tuple[str, ...]] = ("c1", "c2")
    per_row: ClassVar[bool] = False

    def __init__(self, c1: float, c2: float) -> None:
        self.c1, self.c2 = c1, c2

    def config(self) -> dict[str, Any]:
        """Kind and options, as a saved model holds them."""
        return {"kind": self.kind, **{name: getattr(self, name) for name in self.options}}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.options)})"


class L1(Penalty):
    """c sum |w|, with the gradient c sign(w): draws weights to exactly zero (Tibshirani 1996).

    Parameters
    ----------
    c : float
        At least 0.
    """

    kind = "l1"
    options = ("c",)

    def __init__(self, c: float) -> None:
        self.c = check_number("c", c, 0.0, LARGEST)
        super().__init__(self.c, 0.0)


class L2(Penalty):
    """c sum w^2, with the gradient 2 c w (Hoerl & Kennard 1970). `weight_decay` = 2 c is the same for plain SGD.

    Parameters
    ----------
    c : float
        At least 0.
    """

    kind = "l2"
    options = ("c",)

    def __init__(self, c: float) -> None:
        self.c = check_number("c", c, 0.0, LARGEST)
        super().__init__(0.0, self.c)


class L1L2(Penalty):
    """c1 sum |w| + c2 sum w^2 (the elastic net, Zou & Hastie 2005).

    Parameters
    ----------
    c1, c2 : float
        At least 0.
    """

    kind = "l1l2"

    def __init__(self, c1: float, c2: float) -> None:
        super().__init__(check_number("c1", c1, 0.0, LARGEST), check_number("c2", c2, 0.0, LARGEST))


KINDS: dict[str, type[Penalty]] = {kind.kind: kind for kind in (L1, L2, L1L2)}


def penalty_of(value: Any) -> Penalty | None:
    """A penalty from itself, from what a saved model holds of it, or None."""
    if value is None or isinstance(value, Penalty):
        return value
    if not isinstance(value, Mapping):
        raise TypeError(f"penalty: expected L1, L2, L1L2 or None, got {type(value).__name__}")
    options = dict(value)
    kind = options.pop("kind", None)
    if not isinstance(kind, str) or kind not in KINDS:
        raise unknown_name("penalty", kind, KINDS)
    if set(options) != set(KINDS[kind].options):
        raise ValueError(f"penalty: expected {', '.join(KINDS[kind].options)} for {kind!r}, got {sorted(options)}")
    make: Any = KINDS[kind]
    penalty: Penalty = make(**options)
    return penalty


def record_penalties(
    recorder: Recorder,
    g: Array,
    w: Array,
    totals: Array,
    placed: Sequence[tuple[int, Parameter]],
    whole: Penalty | None,
    share: Array | None = None,
) -> bool:
    """Record the penalties of all parameters: their own, and the network's where decay acts; whether there are any.

    share is the batch's total, by whose sum of weights a network's penalty per row is divided.
    """
    segments = []
    for start, parameter in placed:
        each = [penalty for penalty in (parameter.penalty, whole if parameter.decay else None) if penalty is not None]
        if each and parameter.trainable:
            c1, c2 = sum(penalty.c1 for penalty in each), sum(penalty.c2 for penalty in each)
            segments.append((start, parameter.size, c1, c2))
    if segments:
        share = share if whole is not None and whole.per_row else None
        recorder.add(record_penalty, g=g, w=w, totals=totals, segments=segments, share=share)
    return bool(segments)
