"""Permutation importance of columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.errors import check_int, check_seed
from fastdl.kernels import permutation
from fastdl.tables.members import Data

if TYPE_CHECKING:
    from fastdl.committee import Committee
    from fastdl.program import Array
    from fastdl.tables.frame import Frame
    from fastdl.tables.model import Model

STREAM = (1 << 29) + 4
SAMPLE_STREAM = (1 << 29) + 5
MOST_ROWS, MOST_REPEATS, FEW_ROWS = 1000, 3, 32
WORK = 5e10  # multiplications: a second or two


@dataclass(frozen=True, slots=True)
class Importances:
    """What it costs to shuffle a column.

    Attributes
    ----------
    losses : dict of str to (float, float)
        Mean and standard deviation, by column.
    score : {"accuracy", "r2", "rmse"}
        What is lost, or of the RMSE gained.
    rows, repeats : int
        On how many rows, and how often.
    columns : int
        How many columns the network uses; `losses` has fewer where trying all would have taken too long.
    """

    losses: dict[str, tuple[float, float]]
    score: str
    rows: int
    repeats: int
    columns: int


def permutation_importance(
    model: Model, frame: Frame, y: Any, repeats: int, seed: int
) -> dict[str, tuple[float, float]]:
    """See `Model.permutation_importance`."""
    repeats, seed = check_int("repeats", repeats, 1), check_seed(seed)
    data, score = model.data_of(frame, y), "accuracy" if model.settings.task == "classification" else "r2"
    numbers = range(len(model.preparation.encodings))
    return losses(model, model.committee(), data, score, numbers, repeats, seed)


def importance_within(model: Model, committee: Committee, data: Data, seed: int, work: float = WORK) -> Importances:
    """The same of prepared rows in bounded time: on some of the rows, and of very many columns for some.

    Parameters
    ----------
    model : Model
    committee : Committee
        Whose answers are looked at.
    data : Data
    seed : int
    work : float
        Multiplications that it may take.

    Notes
    -----
    Where not even one shuffle of each column is affordable, those are tried that move the outputs of a few rows most: a
    column that does not move them costs no score.
    """
    if len(data) > MOST_ROWS:
        data = data.take(np.sort(permutation(len(data), seed, 0, SAMPLE_STREAM)[:MOST_ROWS]))
    used = [number for number, columns in enumerate(model.preparation.places()) if columns]
    size = sum(member.count_parameters() for member in committee.members)
    affordable = max(1, int(work / (len(data) * size)))
    repeats = int(np.clip(affordable // len(used), 1, MOST_REPEATS))
    tried = used if len(used) <= affordable else moving(model, committee, data, used, affordable, seed)
    score = "accuracy"
    if model.settings.task == "regression":
        score = "r2" if (data.y != data.y[0]).any() else "rmse"
    found = losses(model, committee, data, score, tried, repeats, seed)
    return Importances(found, score, len(data), repeats, len(used))


def losses(
    model: Model, committee: Committee, data: Data, score: str, numbers: Sequence[int], repeats: int, seed: int
) -> dict[str, tuple[float, float]]:
    """Mean and deviation of what is lost of a score, by column; what became of a column is shuffled together."""
    sign = -1.0 if score == "rmse" else 1.0
    whole = model.scores_of(data, committee)[score]
    x, places, found = data.x.copy(), model.preparation.places(), {}
    for number in numbers:
        columns = places[number]
        lost = [] if columns else [0.0]
        for turn in range(repeats if columns else 0):
            order = permutation(len(data), seed, number * repeats + turn, STREAM)
            x[:, columns] = data.x[order[:, None], columns]
            lost.append(sign * (whole - model.scores_of(Data(x, data.y, None), committee)[score]))
        x[:, columns] = data.x[:, columns]
        found[model.preparation.encodings[number].name] = (float(np.mean(lost)), float(np.std(lost)))
    return found


def moving(model: Model, committee: Committee, data: Data, numbers: Sequence[int], most: int, seed: int) -> list[int]:
    """The columns whose shuffling moves the outputs of a few rows most, in the order of the table."""
    few: Array = data.x[permutation(len(data), seed, 1, SAMPLE_STREAM)[:FEW_ROWS]]
    whole, x, places = committee.predict(few), few.copy(), model.preparation.places()
    moved = []
    for number in numbers:
        columns = places[number]
        x[:, columns] = np.roll(few[:, columns], 1, axis=0)
        moved.append(float(np.abs(committee.predict(x) - whole).mean()))
        x[:, columns] = few[:, columns]
    chosen = np.argsort(-np.array(moved), kind="stable")[:most]
    return [numbers[place] for place in np.sort(chosen).tolist()]
