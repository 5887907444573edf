"""Which rows of a table train and which validate."""

from typing import Any

import numpy as np
import pytest

from fastdl.tables import Frame, Model, Preparation, Settings
from fastdl.tables.members import Data
from fastdl.tables.parts import counted, parts_of
from fastdl.tables.targets import Classes, Quantity

RNG = np.random.default_rng(0)


def quick(task: str = "classification", **changes: Any) -> Settings:
    return Settings.preset("simple", task).replace(**{"epochs": 5, "hidden": (16,), **changes})  # type: ignore[arg-type]


def split(X: Any, y: Any, weights: Any = None, **changes: Any) -> tuple[list[tuple[Data, Data | None]], Data]:
    """The parts of a table with labels or numbers, and all its rows."""
    task = "classification" if y.dtype.kind in "iU" else "regression"
    weights = None if weights is None else np.asarray(weights, np.float32)
    frame, y, weights = counted(Frame.of(X), y, weights)
    preparation = Preparation().fit(frame)
    target = (Classes if task == "classification" else Quantity).of(y)
    data = Data(preparation.transform(frame), target.encode(y), weights).sorted()
    return parts_of(quick(task, **changes), preparation, target, data, 0), data


def on_both_sides(training: Data, held: Data | None) -> int:
    """How many held rows are trained on as well."""
    assert held is not None
    seen = {row.tobytes() for row in training.x}
    return sum(row.tobytes() in seen for row in held.x)


@pytest.mark.parametrize("changes", [{}, {"n_cv": 4}], ids=str)
@pytest.mark.parametrize("classes", [True, False])
def test_rows_of_whole_weight_are_on_one_side(classes: bool, changes: dict[str, Any]) -> None:
    X = RNG.normal(size=(400, 3))
    y = RNG.integers(0, 2, 400) if classes else X[:, 0]
    parts, data = split(X, y, np.where(np.arange(400) % 7, 1, 5), **changes)
    assert len(data) > 400
    for training, held in parts:
        assert on_both_sides(training, held) == 0
        assert held is not None and len(training) + len(held) == len(data)
        assert 0.1 < len(held) / len(data) < 0.4


def test_so_are_rows_that_a_table_repeats() -> None:
    X = RNG.normal(size=(200, 3)).repeat(2, axis=0)
    parts, _ = split(X, (X[:, 0] > 0).astype(int))
    assert on_both_sides(*parts[0]) == 0


@pytest.mark.parametrize("fold", [{}, {"n_cv": 5}], ids=str)
def test_classes_have_their_shares_of_rows_that_count_often(fold: dict[str, Any]) -> None:
    y = (np.arange(500) % 5 == 0).astype(int)
    parts, data = split(RNG.normal(size=(500, 2)), y, np.where(y, 4, 1), **fold)
    assert np.bincount(data.y).tolist() == [400, 400]
    for _, held in parts:
        assert held is not None and np.abs(np.bincount(held.y) - 80).max() <= 4


def test_where_chance_makes_rows_alike_they_go_their_own_ways() -> None:
    """Else no part would show the network both labels of a colour."""
    X = {"colour": np.array(["red", "green", "blue"])[RNG.integers(0, 3, 600)], "flag": RNG.random(600) < 0.5}
    y = RNG.integers(0, 2, 600)
    training, held = split(X, y)[0][0]
    assert held is not None and len(held) == 120
    for part in (training, held):
        assert len(np.unique(np.column_stack([part.x, part.y]), axis=0)) == 12


def test_a_row_that_counts_more_than_a_part_is_trained_on() -> None:
    X = RNG.normal(size=(60, 3))
    weights = np.ones(60)
    weights[7] = 100
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(60)
        training, held = split(X[order], X[order, 0], weights[order])[0][0]
        assert held is not None and len(training) > 100 and len(held) < 30


@pytest.mark.parametrize("fold", [{}, {"n_cv": 5}], ids=str)
@pytest.mark.parametrize("classes", [True, False])
def test_groups_of_any_sizes_fill_their_share_of_the_rows(classes: bool, fold: dict[str, Any]) -> None:
    X = RNG.normal(size=(300, 3)).repeat(RNG.integers(1, 12, 300), axis=0)
    y = (X[:, 0] > 0.5).astype(int) if classes else X[:, 0]
    parts, data = split(X, y, **fold)
    for training, held in parts:
        assert on_both_sides(training, held) == 0
        assert held is not None and abs(len(held) - 0.2 * len(data)) <= 12
        if classes:
            assert np.abs(np.bincount(held.y) - 0.2 * np.bincount(data.y)).max() <= 12


@pytest.mark.parametrize("fold", [{}, {"n_cv": 2}, {"n_cv": 5}], ids=str)
@pytest.mark.parametrize(
    ("X", "y"),
    [
        (np.zeros((100, 2)), np.arange(100) % 3),
        (np.zeros((100, 2)), np.arange(100) % 2 + 0.5),
        (np.r_[np.zeros((97, 2)), RNG.normal(size=(3, 2))], np.repeat([0, 1], [97, 3])),
        (np.repeat([[0.0, 1.0], [2.0, 3.0]], 50, axis=0), np.repeat([0, 1], 50)),
    ],
    ids=["no column", "numbers of no column", "nearly no column", "a row for each class"],
)
def test_where_most_of_a_table_is_a_few_rows_each_goes_its_own_way(X: Any, y: Any, fold: dict[str, Any]) -> None:
    parts, data = split(X, y, **fold)
    for training, held in parts:
        assert held is not None and len(held) == (50 if fold.get("n_cv") == 2 else 20) == len(data) - len(training)
        assert set(training.y.ravel()) == set(data.y.ravel())


def test_equal_weights_and_ratios() -> None:
    X = RNG.normal(size=(80, 3))
    y = X[:, 0]
    plain = Model(quick("regression")).fit(X, y, progress=False)
    for weight in (1, 3, 0.25):
        same = Model(quick("regression")).fit(X, y, np.full(80, weight), progress=False)
        np.testing.assert_array_equal(plain.predict(X), same.predict(X))
        assert same.best_epoch == plain.best_epoch and same.rows == plain.rows
    frame, _, weights = counted(Frame.of(X), y, np.where(y > 0, 4, 2).astype(np.float32))
    assert weights is None and frame.rows == 80 + (y > 0).sum()


def test_noise_is_not_learned_by_heart() -> None:
    X, y = RNG.normal(size=(300, 2)), RNG.integers(0, 2, 300)
    model = Model(quick(epochs=60, hidden=(64, 64))).fit(X, y, np.where(y, 5, 1), progress=False)
    chance = 5 * y.sum() / (5 * y.sum() + (1 - y).sum())
    assert model.score_parts(True)["accuracy"] < chance + 0.1


def test_more_folds_than_rows_that_differ_are_refused() -> None:
    X, y = RNG.normal(size=(6, 2)), np.arange(6) % 2
    with pytest.raises(ValueError, match="n_cv.*6 different rows, got 7"):
        split(X.repeat(3, axis=0), y.repeat(3), n_cv=7)
    with pytest.raises(ValueError, match="n_cv.*6 different rows, got 7"):
        split(X, y, n_cv=7)


def test_validation_rows_of_weight_0_take_no_part() -> None:
    X, held = RNG.normal(size=(200, 2)), RNG.normal(size=(100, 2))
    truth = held[:, 0].copy()
    truth[50:] += 1000.0
    weights = np.repeat([1.0, 0.0], 50)
    fits = [
        Model(quick("regression")).fit(X, X[:, 0], validation=part, progress=False)
        for part in ((held[:50], truth[:50]), (held, truth, weights))
    ]
    np.testing.assert_array_equal(*(model.predict_quantiles(X, [0.1, 0.9]) for model in fits))


def test_validation_rows_have_their_weights_in_quantiles() -> None:
    X, held = RNG.normal(size=(100, 2)), RNG.normal(size=(900, 2))
    truth = held[:, 0] + RNG.normal(size=900)
    weights = np.where(truth > 1.0, 5, 1)
    fits = [
        Model(quick("regression", epochs=1)).fit(X, X[:, 0], validation=part, progress=False)
        for part in ((held, truth, weights), (held.repeat(weights, axis=0), truth.repeat(weights)), (held, truth))
    ]
    one, two, other = (model.predict_quantiles(X[:1], np.linspace(0.1, 0.9, 9)) for model in fits)
    assert np.abs(one - two).max() < 0.05 < 0.5 < np.abs(one - other).max()
