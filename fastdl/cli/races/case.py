"""A kernel beside the same in NumPy: checked first, then timed in turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from fastdl import kernels

Arrays = tuple[np.ndarray, ...]
# rows and columns of a batch, or of a layer's weights
SIZES = {"small": (32, 64), "medium": (128, 512), "large": (512, 2048)}
# Of the largest expected value. Loose: the tests hold each kernel to its own bound; here it is enough to know that what
# is timed does the work.
TOLERANCE = 2e-5
SAMPLE_SECONDS = 0.002


def normal(rows: int, cols: int, stream: int = 0) -> np.ndarray:
    """Float32 normal numbers, the same each time."""
    return kernels.random_normal(rows * cols, 0, 0, stream).reshape(rows, cols)


def normals(count: int) -> Callable[[int, int], Arrays]:
    """What makes so many different arrays of a size."""
    return lambda rows, cols: tuple(normal(rows, cols, stream) for stream in range(count))


@dataclass(frozen=True)
class Case:
    """One kernel, in one way of calling it.

    `inputs(rows, cols)` makes the arguments of both sides; with `out` both also get an array for the result; `scratch`
    counts the work arrays that NumPy's side gets to need no new memory. Sides may change their arguments in place.
    Where the two draw different random numbers (`same` is False), their results are not compared.
    """

    name: str
    inputs: Callable[[int, int], Arrays]
    ours: Callable[..., Any]
    theirs: Callable[..., Any]
    out: bool = False
    scratch: int = 0
    same: bool = True

    def sides(self, rows: int, cols: int) -> tuple[Callable[[], Any], Callable[[], Any]]:
        """fastdl's call and NumPy's, each on arrays of its own, after a check of both against NumPy in float64."""
        arrays = self.inputs(rows, cols)
        wide = tuple(array.astype(np.float64) if array.dtype == np.float32 else array for array in arrays)
        if self.same:
            want = self._outcome(self.theirs, wide, self.scratch)
            check(f"{self.name}, NumPy", self._outcome(self.theirs, arrays, self.scratch), want)
            check(f"{self.name}, fastdl", self._outcome(self.ours, arrays), want)
        return self._call(self.ours, copies(arrays)), self._call(self.theirs, copies(arrays), self.scratch)

    def _call(self, side: Callable[..., Any], arrays: Arrays, scratch: int = 0) -> Callable[[], Any]:
        work = [np.empty_like(arrays[0]) for _ in range(scratch)]
        more = {"out": np.empty_like(arrays[0])} if self.out else {}
        return lambda: side(*arrays, *work, **more)

    def _outcome(self, side: Callable[..., Any], arrays: Arrays, scratch: int = 0) -> list[Any]:
        """What one call returns, then its arguments as it leaves them."""
        mine = copies(arrays)
        result = self._call(side, mine, scratch)()
        return [*([] if result is None else result if isinstance(result, tuple) else [result]), *mine]


def copies(arrays: Arrays) -> Arrays:
    """The same arrays, to be changed."""
    return tuple(array.copy() for array in arrays)


def check(what: str, got: Sequence[Any], want: Sequence[Any]) -> None:
    """Raise ArithmeticError unless every array is near its float64 twin."""
    if len(got) != len(want):
        raise ArithmeticError(f"{what}: {len(got)} results, expected {len(want)}")
    for place, (one, twin) in enumerate(zip(got, want, strict=True)):
        one, twin = np.asarray(one, np.float64), np.asarray(twin, np.float64)
        if one.shape != twin.shape:
            raise ArithmeticError(f"{what}: result {place} of shape {one.shape}, expected {twin.shape}")
        error, scale = np.max(np.abs(one - twin), initial=0.0), np.max(np.abs(twin), initial=0.0)
        if not error <= TOLERANCE * scale:
            raise ArithmeticError(f"{what}: result {place} is off by {error:.3g} where values reach {scale:.3g}")


def alternate(sides: Sequence[Callable[[], Any]], rounds: int) -> list[float]:
    """Seconds of a call of each side: the least of some rounds, in which they take turns."""

    def seconds(side: Callable[[], Any], calls: int) -> float:
        start = perf_counter()
        for _ in range(calls):
            side()
        return (perf_counter() - start) / calls

    best = [seconds(side, 1) for side in sides]
    calls = [max(1, int(SAMPLE_SECONDS / one)) for one in best]
    for _ in range(rounds):
        for place, side in enumerate(sides):
            best[place] = min(best[place], seconds(side, calls[place]))
    return best
