"""Exceptions and the words in which errors are told."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np


class NonFiniteError(FloatingPointError):
    """A loss or gradient norm that is not finite. The step was not applied: the weights are those before it.

    Attributes
    ----------
    step : int
        Number of the step in the whole training, from 0.
    layer : str or None
        The first layer, in the order of computation, whose numbers are not finite.
    """

    def __init__(self, message: str, step: int, layer: str | None = None) -> None:
        super().__init__(message)
        self.step = step
        self.layer = layer


def unknown_name(what: str, name: object, known: Iterable[str]) -> ValueError:
    """The error for a name that is not known, with the nearest one that is."""
    names = sorted(known)
    import difflib

    near = difflib.get_close_matches(str(name), names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return ValueError(f"{what}: expected one of {', '.join(map(repr, names))}, got {name!r}{hint}")


def by_name(what: str, value: Any, kinds: Mapping[str, type], base: type) -> Any:
    """An object of `base`: the value itself, or a new one of the kind that has this name."""
    if isinstance(value, base):
        return value
    if isinstance(value, str):
        if value not in kinds:
            raise unknown_name(what, value, kinds)
        return kinds[value]()
    raise TypeError(f"{what}: expected a name or a {base.__name__}, got {type(value).__name__}")


def check_number(
    name: str, value: Any, low: float, high: float, *, open_low: bool = False, open_high: bool = False
) -> float:
    """A finite number within bounds, as a float."""
    if isinstance(value, bool) or not hasattr(value, "__float__") or isinstance(value, str):
        raise TypeError(f"{name}: expected a number, got {type(value).__name__}")
    number = float(value)
    inside = (low < number if open_low else low <= number) and (number < high if open_high else number <= high)
    if not inside or number in (float("inf"), float("-inf")):
        bounds = f"{'(' if open_low else '['}{low:g}, {high:g}{')' if open_high or high == float('inf') else ']'}"
        raise ValueError(f"{name}: expected a number in {bounds}, got {value!r}")
    return number


def as_array(name: str, value: Any) -> np.ndarray[Any, Any]:
    """An array of any type; what NumPy can't make one of is refused by name."""
    if isinstance(value, np.ndarray):
        return value
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name}: expected an array, got rows of different lengths ({error})") from error


def check_bool(name: str, value: Any) -> bool:
    """A truth value, and nothing that only has one."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name}: expected a bool, got {type(value).__name__}")
    return bool(value)


def check_int(name: str, value: Any, low: int) -> int:
    """An int of at least `low`."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name}: expected an int, got {type(value).__name__}")
    number = int(value.__index__())
    if number < low:
        raise ValueError(f"{name}: expected an int >= {low}, got {number}")
    return number


def check_seed(value: Any) -> int:
    """An int of 64 bits."""
    seed = check_int("seed", value, 0)
    if seed >= 2**64:
        raise ValueError(f"seed: expected an int below 2^64, got {seed}")
    return seed


def check_memory(what: str, size: int) -> None:
    """Refuse what cannot fit this machine, before anything is allocated."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if size > machine:
        raise MemoryError(
            f"{what}: would need {size / 2**30:,.1f} GiB, and this machine has {machine / 2**30:,.1f} GiB"
        )
