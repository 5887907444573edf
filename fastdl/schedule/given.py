"""A schedule of the user's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.schedule.base import Schedule

if TYPE_CHECKING:
    from fastdl.program import Array


class Given(Schedule):
    """What a function says.

    Parameters
    ----------
    function : callable
        `f(steps, steps_per_epoch, epochs) -> factors`, for an array of steps from 0; one number is for all of them.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def values(self, steps: Array, steps_per_epoch: int, epochs: int) -> Array:
        """Factors at an array of steps."""
        factors = np.asarray(self.function(np.asarray(steps), steps_per_epoch, epochs), np.float64)
        return np.full(np.shape(steps), factors) if factors.ndim == 0 else factors
