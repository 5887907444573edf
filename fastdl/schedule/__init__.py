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


def schedule_from(config: Any) -> Schedule:
    """The schedule of a `config`."""
    kinds = {**KINDS, MultiStep.kind: MultiStep}  # which has no default
    if not isinstance(config, dict) or config.get("kind") not in kinds:
        raise ValueError(f"expected the description of a schedule, got {config!r}")
    arguments = {name: value for name, value in config.items() if name != "kind"}
    if isinstance(arguments.get("then"), dict):
        arguments["then"] = schedule_from(arguments["then"])
    return kinds[config["kind"]](**arguments)


def scheduled_from(config: Any) -> Scheduled:
    """The scheduled number of a `config`."""
    if not isinstance(config, dict) or set(config) != {"base", "schedule"}:
        raise ValueError(f"expected the description of a scheduled number, got {config!r}")
    return config["base"] * schedule_from(config["schedule"])


def schedule_of(value: Schedule | str | Callable[..., Any] | None) -> Schedule:
    """A schedule from itself, its name, a function f(steps, steps_per_epoch, epochs), or None for a constant one."""
    if value is None:
        return Constant()
    if callable(value) and not isinstance(value, type):
        return Given(value)
    found: Schedule = by_name("schedule", value, KINDS, Schedule)
    return found
