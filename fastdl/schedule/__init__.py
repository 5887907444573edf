"""Schedules of the learning rate and of other numbers."""

from collections.abc import Callable
from typing import Any

from fastdl.errors import by_name
from fastdl.schedule.base import Constant, Schedule, Scheduled
from fastdl.schedule.cycles import CosineRestarts, Cyclic, OneCycle
from fastdl.schedule.decay import Cosine, Coslog, FlatCos, InverseSqrt, Linear, Polynomial
from fastdl.schedule.epochs import Exponential, MultiStep, Step
from fastdl.schedule.given import Given
from fastdl.schedule.plateau import ReduceOnPlateau
from fastdl.schedule.warmup import Warmup

__all__ = [
    "Constant",
    "Cosine",
    "CosineRestarts",
    "Coslog",
    "Cyclic",
    "Exponential",
    "FlatCos",
    "InverseSqrt",
    "Linear",
    "MultiStep",
    "OneCycle",
    "Polynomial",
    "ReduceOnPlateau",
    "Schedule",
    "Scheduled",
    "Step",
    "Warmup",
]

KINDS: dict[str, type[Schedule]] = {
    kind.kind: kind
    for kind in (
        Constant,
        Exponential,
        Step,
        Linear,
        Polynomial,
        Cosine,
        FlatCos,
        Coslog,
        InverseSqrt,
        CosineRestarts,
        OneCycle,
        Cyclic,
        ReduceOnPlateau,
        Warmup,
    )
}


def schedule_of(value: Schedule | str | Callable[..., Any] | None) -> Schedule:
    """A schedule from itself, its name, a function f(steps, steps_per_epoch, epochs), or None for a constant one."""
    if value is None:
        return Constant()
    if callable(value) and not isinstance(value, type):
        return Given(value)
    found: Schedule = by_name("schedule", value, KINDS, Schedule)
    return found
