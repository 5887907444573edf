"""Gradient clipping."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fastdl.errors import check_number, unknown_name
from fastdl.kernels.clip import record_clip_norm, record_clip_value
from fastdl.kernels.unit import record_adaptive_clip

if TYPE_CHECKING:
    from fastdl.program import Array, Recorder


class Tensor(NamedTuple):
    """One parameter in the arena, as a clip sees it."""

    start: int
    shape: tuple[int, ...]
    size: int
    output: bool  # whether it belongs to the output layer


class Clip:
    """Base class. The norm over the whole model is taken in any case, before clipping, for the history.

    Attributes
    ----------
    whole : (float, bool)
        Above which norm of the whole model the gradient is scaled, and whether to 1 instead of that norm.
    """

    whole: tuple[float, bool] = (float("inf"), False)

    def record(self, recorder: Recorder, g: Array, w: Array, totals: Array, tensors: list[Tensor]) -> None:
        """Record what clips the gradient g of the weights w in place; totals[1] counts the steps that it changed."""


class ClipNorm(Clip):
    """If ||g|| > theta then g *= theta / ||g|| (Pascanu et al. 2013).

    Over the whole model the factor is applied inside the optimizer's pass; the gradient is never rewritten.

    Parameters
    ----------
    theta : float
        Above 0.
    per : {"model", "tensor"}
        What a norm is taken over: all parameters together, or each one.
    to : {"threshold", "unit"}
        "unit" divides by the norm itself, also only above theta.
    """

    def __init__(self, theta: float = 1.0, per: str = "model", to: str = "threshold") -> None:
        self.theta = check_number("theta", theta, 0.0, float("inf"), open_low=True)
        if per not in ("model", "tensor"):
            raise unknown_name("per", per, ("model", "tensor"))
        if to not in ("threshold", "unit"):
            raise unknown_name("to", to, ("threshold", "unit"))
        self.per = per
        self.to = to
        if per == "model":
            self.whole = (self.theta, to == "unit")

    def record(self, recorder: Recorder, g: Array, w: Array, totals: Array, tensors: list[Tensor]) -> None:
        """Record the clip of each tensor."""
        if self.per == "tensor":
            segments = [(tensor.start, tensor.size) for tensor in tensors]
            recorder.add_update(
                record_clip_norm, g=g, totals=totals, segments=segments, theta=self.theta, unit=self.to == "unit"
            )

    def __repr__(self) -> str:
        return f"ClipNorm(theta={self.theta!r}, per={self.per!r}, to={self.to!r})"


class ClipValue(Clip):
    """g = min(max(g, -value), value), element by element. It changes the gradient's direction.

    Parameters
    ----------
    value : float
        Above 0.
    """

    def __init__(self, value: float) -> None:
        self.value = check_number("value", value, 0.0, float("inf"), open_low=True)

    def record(self, recorder: Recorder, g: Array, w: Array, totals: Array, tensors: list[Tensor]) -> None:
        """Record the clip of the whole arena."""
        recorder.add_update(record_clip_value, g=g, totals=totals, limit=self.value)

    def __repr__(self) -> str:
        return f"ClipValue({self.value!r})"


class AdaptiveClip(Clip):
    """For each unit, ||g_i|| <= factor max(||w_i||, 1e-3): its gradient is held to its weights (Brock et al. 2021).

    A unit is a column of a weight matrix; a vector (biases, say) is one unit as a whole, as in the paper's own code.
    The output layer, the last one that has a weight matrix, is not clipped, neither its weights nor its bias.

    Parameters
    ----------
    factor : float
        Above 0.
    """

    eps = 1e-3

    def __init__(self, factor: float = 0.01) -> None:
        self.factor = check_number("factor", factor, 0.0, float("inf"), open_low=True)

    def record(self, recorder: Recorder, g: Array, w: Array, totals: Array, tensors: list[Tensor]) -> None:
        """Record the clip of all hidden layers' units."""
        hidden = [(tensor.start, tensor.shape) for tensor in tensors if not tensor.output]
        recorder.add_update(
            record_adaptive_clip, g=g, w=w, totals=totals, tensors=hidden, factor=self.factor, eps=self.eps
        )

    def __repr__(self) -> str:
        return f"AdaptiveClip({self.factor!r})"
