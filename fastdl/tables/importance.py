"""Permutation importance of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.errors import check_int, check_seed
from fastdl.kernels import permutation

if TYPE_CHECKING:
    from fastdl.tables.frame import Frame
    from fastdl.tables.model import Model

STREAM = (1 << 29) + 4


def permutation_importance(
    model: Model, frame: Frame, y: Any, repeats: int, seed: int
) -> dict[str, tuple[float, float]]:
    """See `Model.permutation_importance`."""
    repeats, seed = check_int("repeats", repeats, 1), check_seed(seed)
    frame = model.preparation.match(frame)
    name = "accuracy" if model.settings.task == "classification" else "r2"
    whole = model.evaluate(frame, y)[name]
    found = {}
    for place, (column, encoding) in enumerate(zip(frame.columns, model.preparation.encodings, strict=True)):
        if encoding.how == "dropped":
            found[column.name] = (0.0, 0.0)
            continue
        orders = [permutation(frame.rows, seed, place * repeats + turn, STREAM) for turn in range(repeats)]
        losses = [whole - model.evaluate(frame.replace(column.take(order)), y)[name] for order in orders]
        found[column.name] = (float(np.mean(losses)), float(np.std(losses)))
    return found
