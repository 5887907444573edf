"""How far validation targets are from their predictions, of which quantiles are made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from fastdl.program import Array
    from fastdl.tables.members import Member
    from fastdl.tables.targets import Quantity

KEPT = 1001


def residuals_of(members: Sequence[Member], target: Quantity) -> Array:
    """Errors of all members on their validation rows, sorted; so many as are enough for quantiles."""
    found, weights = [], []
    for member in members:
        if member.held is not None:
            predicted = member.trainer.net.predict(member.held.x).astype(np.float64)
            found.append((member.held.y - predicted) * target.std)
            weights.append(np.ones(len(member.held)) if member.held.weights is None else member.held.weights)
    if not found:
        return np.empty((0, target.outputs))
    errors, weight = np.concatenate(found), np.concatenate(weights).astype(np.float64)
    order = np.argsort(errors, axis=0, kind="stable")
    ordered: Array = np.take_along_axis(errors, order, axis=0)
    if len(errors) <= KEPT and (weight == weight[0]).all():
        return ordered
    levels = np.linspace(0.0, 1.0, KEPT)
    return np.column_stack([
        np.interp(levels, places(weight[chosen]), column) for chosen, column in zip(order.T, ordered.T, strict=True)
    ])  # fmt: skip


def places(weights: Array) -> Array:
    """Which level each of some sorted values is the quantile of: from 0 to 1, by equal steps if they weigh the same."""
    middle = np.cumsum(weights) - 0.5 * weights
    return (middle - middle[0]) / (middle[-1] - middle[0]) if len(weights) > 1 else np.zeros(1)
