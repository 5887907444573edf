"""Permutation importance of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.errors import check_int, check_seed
from fastdl.kernels import permutation
from fastdl.tables.members import Data

if TYPE_CHECKING:
    from fastdl.committee import Committee
    from fastdl.nn.network import Network
    from fastdl.tables.frame import Frame
    from fastdl.tables.model import Model

STREAM = (1 << 29) + 4


def permutation_importance(
    model: Model, frame: Frame, y: Any, repeats: int, seed: int
) -> dict[str, tuple[float, float]]:
    """See `Model.permutation_importance`."""
    repeats, seed = check_int("repeats", repeats, 1), check_seed(seed)
    data = model.data_of(frame, y)
    return importance_of_matrix(model, model.committee(), data, repeats, seed)


def importance_of_matrix(
    model: Model, network: Network | Committee, data: Data, repeats: int, seed: int
) -> dict[str, tuple[float, float]]:
    """The same from prepared rows: what became of a column is shuffled together."""
    name = "accuracy" if model.settings.task == "classification" else "r2"
    whole = model.scores_of(data, network)[name]
    found = {}
    places = model.preparation.places()
    for number, (encoding, columns) in enumerate(zip(model.preparation.encodings, places, strict=True)):
        losses = [0.0]
        if columns:
            losses = []
            for turn in range(repeats):
                order = permutation(len(data), seed, number * repeats + turn, STREAM)
                x = data.x.copy()
                x[:, columns] = data.x[order][:, columns]
                losses.append(whole - model.scores_of(Data(x, data.y, None), network)[name])
        found[encoding.name] = (float(np.mean(losses)), float(np.std(losses)))
    return found
