"""The estimators of tables inside scikit-learn."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

import fastdl as fdl
from fastdl import callbacks


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([fdl.TabularClassifier(), fdl.TabularRegressor()])
def test_every_check_of_estimators(estimator: Any, check: Any) -> None:
    check(estimator)


RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
LABELS = np.where(X[:, 0] > 0, "yes", "no")


def quick(**options: Any) -> fdl.TabularClassifier:
    return fdl.TabularClassifier(**{"preset": "simple", "epochs": 3, "hidden_layer_sizes": (8,), **options})


def test_any_setting_may_be_given() -> None:
    model = quick(preset="default", settings={"waves": 2}).set_params(settings={"waves": 0, "data_init": True})
    assert clone(model).get_params()["settings"] == {"waves": 0, "data_init": True}
    fitted = model.fit(X, LABELS)
    assert fitted.model_.settings.waves == 0 and fitted.model_.settings.data_init
    plain = clone(model).set_params(settings=None).fit(X, LABELS)
    assert plain.model_.settings.waves == 16
    assert (plain.predict_proba(X) != fitted.predict_proba(X)).any()


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"wave": 3}, ValueError, "settings.*did you mean 'waves'"),
        ({"epochs": 3}, ValueError, "settings: 'epochs' is set by the parameter 'epochs'"),
        ({"hidden": (3,)}, ValueError, "'hidden' is set by the parameter 'hidden_layer_sizes'"),
        ({"task": "regression"}, ValueError, "settings.*'task'"),
        ({"waves": -1}, ValueError, "waves"),
        ({"beta2": "x"}, TypeError, "beta2"),
        ([("waves", 3)], TypeError, "settings.*list"),
        ({3: 3}, ValueError, "settings.*3"),
    ],
    ids=str,
)
def test_settings_that_will_not_do(settings: Any, error: type[Exception], words: str) -> None:
    model = quick(settings=settings)
    with pytest.raises(error, match=words):
        model.fit(X, LABELS)
    assert not hasattr(model, "model_") and not hasattr(model, "n_features_in_")


def number(**options: Any) -> fdl.TabularRegressor:
    return fdl.TabularRegressor(**{"preset": "simple", "epochs": 3, "hidden_layer_sizes": (8,), **options})


class Count(callbacks.Callback):
    """Counts epochs of all copies."""

    epochs = 0

    def on_epoch_end(self, trainer: Any, epoch: int, logs: dict[str, float]) -> None:
        Count.epochs += 1


def test_one_callback_or_some_or_none() -> None:
    for given, epochs in ((None, 0), (Count(), 3), ([Count()], 3), ((Count(), Count()), 6)):
        Count.epochs = 0
        quick(callbacks=given).fit(X, LABELS)
        assert Count.epochs == epochs


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hidden_layer_sizes": (4, "x")}, "hidden_layer_sizes"),
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes"),
        ({"activation": "rulu"}, "activation.*did you mean 'relu'"),
        ({"activation": ["relu"]}, "activation"),
        ({"epochs": 1.5}, "epochs"),
        ({"lr": "fast"}, "lr"),
        ({"n_cv": True}, "n_cv"),
        ({"n_ens": 0}, "n_ens"),
        ({"patience": "x"}, "patience"),
        ({"validation_fraction": 1}, "validation_fraction"),
        ({"time_limit": -1}, "time_limit"),
        ({"threads": 2.5}, "threads"),
        ({"random_state": "x"}, "random_state"),
        ({"callbacks": 3}, "callbacks.*int"),
        ({"callbacks": [Count]}, r"callbacks\[0\].*type"),
        ({"class_weight": "balance"}, "class_weight"),
        ({"class_weight": {"yes": -1}}, "class_weight"),
        ({"class_weight": {"maybe": 1}}, "class_weight.*maybe"),
        ({"categorical_features": "x0"}, "categorical_features"),
        ({"categorical_features": 0}, "categorical_features"),
        ({"categorical_features": [True, False]}, "categorical_features: expected 3"),
        ({"categorical_features": ["size"]}, "categorical_features.*'size'"),
    ],
    ids=str,
)
def test_parameters_that_will_not_do_are_named_before_anything_trains(options: dict[str, Any], words: str) -> None:
    Count.epochs = 0
    with pytest.raises((TypeError, ValueError), match=words):
        quick(**{"callbacks": Count(), **options}).fit(X, LABELS)
    assert Count.epochs == 0


def test_a_regressor_has_no_classes() -> None:
    for name, value in (("class_weight", "balanced"), ("label_smoothing", 0.1)):
        with pytest.raises(ValueError, match=f"{name}.*no classes"):
            number(**{name: value}).fit(X, X[:, 0])


@pytest.mark.parametrize(
    ("eval_set", "words"),
    [
        ((X, np.full(60, "maybe")), "labels seen in training.*'maybe' in row 0"),
        ((X, np.arange(60)), "labels seen in training"),
        ((X[:3], LABELS), "expected 3 targets, got 60"),
        ((X[:0], LABELS[:0]), "no rows"),
        ((X[:, :2], LABELS), "2 features"),
        ((X, LABELS, np.zeros(60)), "at least one weight above 0"),
        ([(X, LABELS), (X, LABELS)], "eval_set: expected one"),
        (3, "eval_set"),
        ((X,), "eval_set"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_validation_data_that_will_not_do(eval_set: Any, words: str, class_weight: Any) -> None:
    with pytest.raises(ValueError, match=words):
        quick(class_weight=class_weight).fit(X, LABELS, eval_set=eval_set)


def test_class_weights_count_in_validation_data_as_in_a_part_of_the_rows() -> None:
    y = np.where(X[:, 0] > 1.0, "rare", "usual")
    heavy = {"rare": 9.0, "usual": 1.0}
    by_class = quick(class_weight=heavy, epochs=20).fit(X, y, eval_set=[(X, y)])
    weights = np.where(y == "rare", 9.0, 1.0)
    by_row = quick(epochs=20).fit(X, y, weights, eval_set=(X, y, weights))
    assert by_class.histories_[0]["val_accuracy"] == by_row.histories_[0]["val_accuracy"]
    np.testing.assert_array_equal(by_class.predict_proba(X), by_row.predict_proba(X))
    both = quick(class_weight=heavy, epochs=20).fit(X, y, weights, eval_set=(X, y, weights))
    by_square = quick(epochs=20).fit(X, y, weights**2, eval_set=(X, y, weights**2))
    np.testing.assert_array_equal(both.predict_proba(X), by_square.predict_proba(X))


@pytest.mark.parametrize("class_weight", [None, "balanced"])
@pytest.mark.parametrize(
    ("weights", "words"),
    [(-np.ones(60), ">= 0"), (np.full(60, np.nan), ">= 0"), (np.ones(3), r"\(60,\)"), (["x"] * 60, "numbers")],
    ids=["negative", "missing", "few", "text"],
)
def test_weights_that_will_not_do(weights: Any, words: str, class_weight: Any) -> None:
    with pytest.raises((ValueError, TypeError), match=f"sample_weight.*{words}"):
        quick(class_weight=class_weight).fit(X, LABELS, weights)


def test_a_class_of_weight_0_is_not_there() -> None:
    y = np.array(["a", "b", "c"])[np.arange(60) % 3]
    for model in (quick().fit(X, y, y != "a"), quick(class_weight={"a": 0}).fit(X, y)):
        assert model.classes_.tolist() == ["b", "c"] and model.predict_proba(X).shape == (60, 2)


def test_levels_in_any_order_and_what_are_none() -> None:
    model = number().fit(X, X[:, 0])
    low, high = model.predict_quantiles(X, [0.1, 0.9]).T
    np.testing.assert_array_equal(model.predict_quantiles(X, (0.9, 0.1)).T, [high, low])
    assert model.predict_quantiles(X, []).shape == (60, 0)
    for bad in ([1.5], [float("nan")], ["x"], 0.5, None, "x"):
        with pytest.raises((ValueError, TypeError), match="levels"):
            model.predict_quantiles(X, bad)


def test_small_and_odd_tables() -> None:
    assert quick().fit(X[:2], ["a", "b"]).predict(X[:2]).shape == (2,)
    assert number().fit(X[:2], [1, 2]).predict(X[:2]).shape == (2,)
    assert number().fit(X[:1], [5]).predict(X).tolist() == [5.0] * 60
    assert number().fit(X[:, :1], X[:, 0]).predict(X[:, :1]).shape == (60,)
    constant = number().fit(X, np.full(60, 7.25))
    assert set(constant.predict(X)) == {7.25} and (constant.predict_quantiles(X) == 7.25).all()
    assert number().fit(np.ones((60, 2)), X[:, 0]).predict(np.ones((2, 2))).shape == (2,)
    assert quick(n_cv=5).fit(X, np.where(np.arange(60) < 2, "rare", "usual")).predict(X).shape == (60,)
    with pytest.raises(ValueError, match=r"n_cv.*60 different rows, got 61"):
        quick(n_cv=61).fit(X, LABELS)
    assert number().fit(X, X[:, 0], eval_set=(X, X[:, :1])).n_iter_ == 3


def test_a_mask_of_categories() -> None:
    table = np.column_stack([X[:, 0], np.arange(60) % 4])
    model = quick(categorical_features=np.array([False, True])).fit(table, LABELS)
    assert [kind for _, kind, _ in model.preparation_.describe()] == ["number", "category"]


def test_a_seed_is_the_same_model_and_none_is_another() -> None:
    one, two = (quick(random_state=7).fit(X, LABELS).predict_proba(X) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    three, four = (quick(random_state=None) for _ in range(2))
    assert (three.fit(X, LABELS).predict_proba(X) != four.fit(X, LABELS).predict_proba(X)).any()


def test_rows_of_next_to_no_weight_choose_no_epoch() -> None:
    """Else an epoch that gets one of them right by chance would be better than one that has learned all others."""
    y = (X[:, 0] + RNG.normal(size=60) > 0).astype(int)
    for seed in range(5):
        model = quick(class_weight={0: 1000, 1: 1e-4}, epochs=60, random_state=seed).fit(X, y)
        assert model.model_.best_epoch == 59 and (model.predict(X) == 0).all()


def test_a_fit_that_fails_changes_nothing() -> None:
    named = {"a": X[:, 0], "b": X[:, 1]}
    model = quick().fit(named, LABELS)
    before = model.predict_proba(named)
    for bad in ((X, LABELS[:3]), ({"c": X[:, 0]}, ["one"] * 60)):
        with pytest.raises(ValueError):
            model.fit(*bad)
        np.testing.assert_array_equal(model.predict_proba(named), before)
        assert model.n_features_in_ == 2 and list(model.feature_names_in_) == ["a", "b"]
    fresh = quick()
    with pytest.raises(ValueError):
        fresh.fit(X, ["one"] * 60)
    assert not hasattr(fresh, "n_features_in_")
