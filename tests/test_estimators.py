"""The scikit-learn estimators: the same answers as scikit-learn's own, and what they add."""

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn")

from sklearn.base import clone  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.neural_network import MLPClassifier, MLPRegressor  # noqa: E402

import fastdl as fdl  # noqa: E402
from fastdl import datasets  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = datasets.load_digits()
X = X[:400].astype(np.float64) / 16
y = y[:400]
TARGETS = {
    "multiclass": y,
    "binary": y % 2,
    "multilabel": (X[:, [20, 28, 36]] > 0.5).astype(int),
}
REAL = {
    "one": X[:, :5].sum(axis=1) + np.sin(4 * X[:, 20]),
    "three": np.stack([X[:, 20], np.sin(4 * X[:, 28]), X[:, 36] * X[:, 20]], axis=1),
}
SOLVERS: dict[str, dict[str, Any]] = {
    "adam": {"solver": "adam"},
    "adam, large epsilon": {"solver": "adam", "epsilon": 1e-3},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.05},
    "sgd without nesterov": {"solver": "sgd", "learning_rate_init": 0.05, "nesterovs_momentum": False},
    "plain sgd": {"solver": "sgd", "learning_rate_init": 0.05, "momentum": 0.0},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.5, "power_t": 0.3},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.05, "n_iter_no_change": 2},
    "lbfgs": {"solver": "lbfgs"},
}


def both(theirs: Any, ours: Any, x: np.ndarray, t: np.ndarray, **options: Any) -> tuple[Any, Any]:
    """The two estimators, fitted with the same options."""
    given = {"hidden_layer_sizes": (20, 10), "max_iter": 50, "random_state": 3, **options}
    return theirs(**given).fit(x, t), ours(**given).fit(x, t)


def assert_same_curve(theirs: Any, ours: Any) -> None:
    if theirs.solver == "lbfgs":
        assert ours.loss_ == pytest.approx(theirs.loss_, abs=1e-4) and ours.n_iter_ == theirs.n_iter_
        return
    assert ours.n_iter_ == theirs.n_iter_
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=0, atol=1e-4)
    assert ours.loss_ == pytest.approx(theirs.loss_, abs=1e-4) and ours.t_ == theirs.t_


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_loss_curve_follows_scikit_learn(solver: str, activation: str) -> None:
    theirs, ours = both(MLPClassifier, fdl.MLPClassifier, X, y, activation=activation, **SOLVERS[solver])
    assert_same_curve(theirs, ours)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=2e-3)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("target", ["binary", "multilabel"])
def test_other_classes_follow_scikit_learn(target: str, solver: str) -> None:
    theirs, ours = both(MLPClassifier, fdl.MLPClassifier, X, TARGETS[target], alpha=0.1, **SOLVERS[solver])
    assert_same_curve(theirs, ours)
    assert (ours.out_activation_, ours.n_outputs_, ours.n_layers_) == (
        theirs.out_activation_,
        theirs.n_outputs_,
        theirs.n_layers_,
    )
    assert ours.predict_proba(X).shape == theirs.predict_proba(X).shape
    assert (ours.predict(X) == theirs.predict(X)).mean() > 0.99


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("target", REAL)
def test_regression_follows_scikit_learn(target: str, solver: str) -> None:
    options = {**SOLVERS[solver], **({"learning_rate_init": 0.01} if solver == "sgd" else {})}
    theirs, ours = both(MLPRegressor, fdl.MLPRegressor, X, REAL[target], **options)
    if (target, solver) != ("three", "lbfgs"):  # where scikit-learn's loss and gradient don't belong together
        assert_same_curve(theirs, ours)
    assert ours.score(X, REAL[target]) > theirs.score(X, REAL[target]) - 1e-3
    assert ours.predict(X).shape == REAL[target].shape


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("target", ["binary", "multiclass", "multilabel", "one"])
def test_lbfgs_goes_the_same_way_through_noise(target: str, activation: str) -> None:
    """Where a rounding error grows from iteration to iteration: labels and targets are drawn by lot."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(60, 12))
    t = {"binary": rng.integers(0, 2, 60), "multiclass": rng.integers(0, 3, 60), "one": rng.normal(size=60)}
    t["multilabel"] = rng.integers(0, 2, (60, 3))
    kinds = (MLPRegressor, fdl.MLPRegressor) if target == "one" else (MLPClassifier, fdl.MLPClassifier)
    assert_same_curve(*both(*kinds, x, t[target], solver="lbfgs", activation=activation, hidden_layer_sizes=(8, 6)))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_poisson_follows_scikit_learn(solver: str) -> None:
    counts = np.floor(3 * X[:, 20] + 2 * X[:, 36])
    theirs, ours = both(MLPRegressor, fdl.MLPRegressor, X, counts, loss="poisson", solver=solver)
    assert_same_curve(theirs, ours)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-2)


@pytest.mark.parametrize("options", [{"batch_size": 37, "alpha": 1.0}, {"shuffle": False}, {"hidden_layer_sizes": ()}])
def test_batches_and_penalty_follow_scikit_learn(options: dict[str, Any]) -> None:
    assert_same_curve(*both(MLPClassifier, fdl.MLPClassifier, X, y, **options))


@pytest.mark.parametrize("kinds", [(MLPClassifier, fdl.MLPClassifier), (MLPRegressor, fdl.MLPRegressor)])
def test_early_stopping_follows_scikit_learn(kinds: tuple[Any, Any]) -> None:
    theirs, ours = both(*kinds, X, y, early_stopping=True, max_iter=60, learning_rate_init=0.01)
    assert ours.n_iter_ == theirs.n_iter_ and ours.best_loss_ is None
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, atol=1e-3)
    np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_, atol=2e-3)
    assert ours.best_validation_score_ == max(ours.validation_scores_)
    np.testing.assert_allclose(ours.predict(X).astype(float), theirs.predict(X), atol=0.05)


def test_weights_that_are_given_are_the_start() -> None:
    theirs = MLPClassifier((16,), max_iter=20, random_state=0, shuffle=False, warm_start=True).fit(X, y)
    ours = fdl.MLPClassifier((16,), max_iter=20, random_state=5, shuffle=False, warm_start=True)
    ours.coefs_, ours.intercepts_ = copy.deepcopy((theirs.coefs_, theirs.intercepts_))
    before = len(theirs.loss_curve_)
    theirs.fit(X, y)
    ours.fit(X, y)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_[before:], atol=1e-4)
    for mine, other in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-3)


def test_weights_can_be_replaced_one_by_one() -> None:
    model = fdl.MLPClassifier((8,), max_iter=3, random_state=0).fit(X, y)
    other = fdl.MLPClassifier((8,), max_iter=9, random_state=1).fit(X, y)
    for i in range(2):
        model.coefs_[i], model.intercepts_[i] = other.coefs_[i], other.intercepts_[i]
    np.testing.assert_array_equal(model.predict_proba(X), other.predict_proba(X))
    with pytest.raises(ValueError, match="read-only"):
        model.coefs_[0][0, 0] = 1.0
    model.coefs_[0] = np.zeros((3, 8))
    with pytest.raises(ValueError, match=r"coefs_\[0\]: expected shape \(64, 8\), got \(3, 8\)"):
        model.predict(X)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_copies_go_on_alike(dtype: Any) -> None:
    x = X.astype(dtype)
    model = fdl.MLPClassifier((8,), random_state=0, dropout=0.2)
    for _ in range(3):
        model.partial_fit(x, y, classes=np.arange(10))
    copies = [pickle.loads(pickle.dumps(model)), copy.deepcopy(model)]
    for _ in range(3):
        model.partial_fit(x, y)
    for other in copies:
        for _ in range(3):
            other.partial_fit(x, y)
        np.testing.assert_array_equal(other.predict_proba(x), model.predict_proba(x))
        assert other.coefs_[0].dtype == dtype and other.loss_curve_ == model.loss_curve_
    if dtype == np.float32:
        copies[0].coefs_[1][...] = 0.0  # live, also in a copy
        copies[0].intercepts_[1][...] = 0.0
        np.testing.assert_allclose(copies[0].predict_proba(x), 0.1)


def test_clone_and_parameters() -> None:
    model = fdl.MLPRegressor("mae", (8, 4), dropout=[0.0, 0.1], norm="layer", optimizer="lion", clip_norm=1.0)
    assert clone(model).get_params() == model.get_params()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clone(model).set_params(max_iter=2)


def test_convergence_warning() -> None:
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        fdl.MLPClassifier(max_iter=2).fit(X, y)
    with pytest.warns(ConvergenceWarning, match="L-BFGS"):
        fdl.MLPClassifier(max_iter=2, solver="lbfgs").fit(X, y)
