"""What every schedule is: a pure function from the step to a factor of a base value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastdl.errors import check_int, check_number
from fastdl.figures import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fastdl.program import Array, Window


class Schedule:
    """Base class: `values` is all that a schedule has to define. `number * schedule` is a scheduled hyper-parameter."""

    kind: ClassVar[str] = ""
    fixed: ClassVar[tuple[str, ...]] = ()  # attributes that are no arguments of the constructor

    def values(self, steps: Array, steps_per_epoch: int, epochs: int) -> Array:
        """Factors at an array of steps.

        Parameters
        ----------
        steps : ndarray of int
            From 0.
        steps_per_epoch, epochs : int
            Of the whole training.

        Returns
        -------
        ndarray of float64, shape of steps
        """
        raise NotImplementedError

    def value(self, step: int, steps_per_epoch: int = 1, epochs: int = 1) -> float:
        """Factor at one step, from 0."""
        return float(self.values(np.array([step]), steps_per_epoch, epochs)[0])

    def check(self, names: Iterable[str]) -> None:
        """Refuse a training whose history has these names, if it lacks what the schedule watches."""

    def after(self, history: Mapping[str, Sequence[float]]) -> Schedule:
        """What holds in the epoch that comes after these: the schedule itself, unless it watches the history."""
        return self

    def __mul__(self, base: float) -> Scheduled:
        return Scheduled(check_number("a scheduled hyper-parameter", base, -float("inf"), float("inf")), self)

    __rmul__ = __mul__

    def plot(self, steps_per_epoch: int = 100, epochs: int = 10, ax: Axes | None = None) -> Axes:
        """Draw the factors over a training.

        Parameters
        ----------
        steps_per_epoch, epochs : int
            Of the training, at least 1.
        ax : matplotlib.axes.Axes, optional
            Where to; a new figure for None.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        ImportError
            Without matplotlib; says which extra brings it.
        """
        steps_per_epoch, epochs = check_int("steps_per_epoch", steps_per_epoch, 1), check_int("epochs", epochs, 1)
        if ax is None:
            ax = new_figure("Schedule.plot", 6.0, 3.0).add_subplot()
        steps = np.arange(steps_per_epoch * epochs)
        ax.plot(steps / steps_per_epoch, self.values(steps, steps_per_epoch, epochs))
        ax.set(xlabel="epoch", ylabel="factor", title=repr(self))
        ax.grid(alpha=0.3)
        return ax

    def config(self) -> dict[str, Any]:
        """Its kind and the constructor's arguments, as JSON can hold them."""
        if not self.kind:
            raise ValueError(f"{self!r}: a schedule of your own can't be saved; fastdl.schedule has those that can")
        arguments = {name: value for name, value in vars(self).items() if name not in self.fixed}
        return {"kind": self.kind, **{k: v.config() if isinstance(v, Schedule) else v for k, v in arguments.items()}}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in vars(self).items())})"


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A number that follows a schedule: base * factor."""

    base: float
    schedule: Schedule

    def over(self, window: Window) -> Array:
        """Its value at each step of an epoch, float64."""
        schedule = self.schedule.after(window.history)
        factors = np.asarray(schedule.values(window.steps, window.steps_per_epoch, window.epochs))
        if factors.shape != window.steps.shape or factors.dtype.kind not in "fiu" or not np.isfinite(factors).all():
            raise ValueError(
                f"schedule {self.schedule!r}: expected {len(window.steps)} finite factors, got {factors!r}"
            )
        return self.base * factors

    def config(self) -> dict[str, Any]:
        """Both as JSON can hold them; `fastdl.schedule.scheduled_from` reads it."""
        return {"base": self.base, "schedule": self.schedule.config()}

    def __repr__(self) -> str:
        return f"{self.base!r} * {self.schedule!r}"


class Constant(Schedule):
    """1 at every step."""

    kind = "constant"

    def values(self, steps: Array, steps_per_epoch: int, epochs: int) -> Array:
        """Factors at an array of steps."""
        return np.ones(np.shape(steps))


def progress(steps: Array, steps_per_epoch: int, epochs: int) -> Array:
    """The fraction of the training that is done before each step: 0 at the first, and at most 1."""
    return np.minimum(np.asarray(steps) / (steps_per_epoch * epochs), 1.0)


def half_cosine(p: Array) -> Array:
    """From 1 at p = 0 to 0 at p = 1."""
    return 0.5 * (1.0 + np.cos(np.pi * p))
