"""What the estimators add to scikit-learn's: the tricks as parameters, sparse rows, and errors that name them."""

from typing import Any

import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn")

from scipy import sparse as sp  # noqa: E402

import fastdl as fdl  # noqa: E402
from fastdl import callbacks, datasets, init, losses, nn, optim, schedule  # noqa: E402
from fastdl.estimators import rows as rows_of  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = datasets.load_digits()
X, y = X[:300].astype(np.float64) / 16, y[:300]
TARGET = np.stack([X[:, 20], np.sin(4 * X[:, 28])], axis=1)


def classifier(**options: Any) -> Any:
    given = {"hidden_layer_sizes": (16, 16), "max_iter": 6, "random_state": 0, "batch_size": 50, **options}
    return fdl.MLPClassifier(**given)


def regressor(**options: Any) -> Any:
    given = {"hidden_layer_sizes": (16,), "max_iter": 6, "random_state": 0, "batch_size": 50, **options}
    return fdl.MLPRegressor(**given)


def bits(model: Any) -> Any:
    return [array.tobytes() for array in (*model.coefs_, *model.intercepts_)]


def kinds(model: Any) -> list[str]:
    return [type(layer).__name__ for layer in model.network_.layers]


def test_layers_of_the_network() -> None:
    model = classifier(dropout=[0.0, 0.3], norm="batch", activation=["gelu", nn.LeakyReLU(0.2)], init="he").fit(X, y)
    assert kinds(model) == ["Dense", "BatchNorm", "GELU", "Dense", "BatchNorm", "LeakyReLU", "Dropout", "Dense"]
    assert model.network_.layers[5].alpha == 0.2 and model.network_.layers[6].rate == 0.3
    assert [w.shape for w in model.coefs_] == [(64, 16), (16, 16), (16, 10)]
    model = classifier(norm=["layer", None], residual=True, activation="tanh").fit(X, y)
    assert kinds(model) == ["Dense", "LayerNorm", "Tanh", "Residual", "Dense"]
    assert [type(layer).__name__ for layer in model.network_.layers[3].layers] == ["Dense", "Tanh"]
    wide = classifier(hidden_layer_sizes=(16, 24), residual=True).fit(X, y)
    assert [w.shape for w in wide.coefs_] == [(64, 16), (16, 24), (24, 10)]


@pytest.mark.parametrize(
    "options",
    [
        {"dropout": 0.2},
        {"dropout": 0.3 * schedule.Linear()},
        {"norm": "rms"},
        {"init": init.Orthogonal()},
        {"optimizer": "adamw"},
        {"optimizer": optim.Lion(1e-4)},
        {"schedule": "cosine"},
        {"clip_norm": 0.1},
        {"clip_norm": optim.AdaptiveClip(0.01)},
        {"class_weight": {3: 10.0}},
        {"class_weight": "balanced"},
        {"label_smoothing": 0.1},
        {"averaging": optim.EMA(0.9)},
        {"averaging": optim.SWA(start=3)},
        {"loss": "focal"},
        {"residual": True},
        {"activation": "silu"},
    ],
    ids=str,
)
def test_each_trick_changes_the_training_the_same_way_each_time(options: dict[str, Any]) -> None:
    plain, one, two = (
        classifier().fit(X, y),
        classifier(**options).fit(X, y),
        classifier(**options, threads=2).fit(X, y),
    )
    assert bits(one) == bits(two) != bits(plain)
    assert one.predict_proba(X).shape == (300, 10)
    np.testing.assert_allclose(one.predict_proba(X).sum(axis=1), 1.0)


@pytest.mark.parametrize(
    "options",
    [
        {"dropout": 0.0},
        {"clip_norm": 1e9},
        {"label_smoothing": 0.0},
        {"schedule": "constant"},
        {"class_weight": {3: 1.0}},
    ],
    ids=str,
)
def test_neutral_values_leave_the_bits(options: dict[str, Any]) -> None:
    assert bits(classifier(**options).fit(X, y)) == bits(classifier().fit(X, y))


def test_class_weights_are_weights_of_rows() -> None:
    by_class = classifier(class_weight={3: 4.0}).fit(X, y)
    assert bits(by_class) == bits(classifier().fit(X, y, sample_weight=np.where(y == 3, 4.0, 1.0)))
    balanced = classifier(class_weight="balanced").fit(X, y)
    by_row = 300.0 / (10 * np.bincount(y)[y])
    assert bits(balanced) == bits(classifier().fit(X, y, sample_weight=by_row))
    with pytest.raises(ValueError, match="unknown classes"):
        classifier(class_weight={11: 2.0}).fit(X, y)
    with pytest.raises(ValueError, match="'balanced' needs all rows"):
        classifier(class_weight="balanced").partial_fit(X, y, classes=np.arange(10))


def test_smoothing_of_two_classes() -> None:
    """The loss of smoothed labels, from its formula, on one batch of all rows."""
    t = (y % 2).astype(float)
    model = classifier(hidden_layer_sizes=(), label_smoothing=0.2, alpha=0.0, batch_size=300, max_iter=1)
    start = classifier(hidden_layer_sizes=(), alpha=0.0, max_iter=1, learning_rate_init=1e-30, batch_size=300).fit(
        X, y % 2
    )
    p = start.predict_proba(X)[:, 1]
    smooth = 0.8 * t + 0.1
    want = -(smooth * np.log(p) + (1 - smooth) * np.log(1 - p)).mean()
    assert model.fit(X, y % 2).loss_ == pytest.approx(want, rel=1e-5)


def test_rows_in_one_batch_may_come_in_any_order_or_twice() -> None:
    order = np.random.default_rng(0).permutation(300)
    one = classifier(batch_size=300).fit(X, y)
    assert bits(one) == bits(classifier(batch_size=300).fit(X[order], y[order]))
    twice = classifier(batch_size=350).fit(np.concatenate([X, X[:50]]), np.concatenate([y, y[:50]]))
    weights = np.where(np.arange(300) < 50, 2.0, 1.0)
    assert bits(twice) == bits(classifier(batch_size=300).fit(X, y, sample_weight=weights))


def test_rows_of_weight_0_take_no_part() -> None:
    weights = (np.arange(300) < 200).astype(float)
    x = np.where(weights[:, None] > 0, X, 7.0)
    assert bits(classifier().fit(x, y, sample_weight=weights)) == bits(classifier().fit(X[:200], y[:200]))


@pytest.mark.parametrize("kind", [sp.csr_array, sp.csc_matrix])
def test_sparse_rows_are_those_of_the_dense_matrix(monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    dense, matrix = np.where(X > 0.6, X, 0.0), kind(np.where(X > 0.6, X, 0.0))
    want = classifier(early_stopping=True, alpha=0.1).fit(dense, y)
    small = classifier(early_stopping=True, alpha=0.1).fit(matrix, y)
    monkeypatch.setattr(rows_of, "SMALL", 0)
    monkeypatch.setattr(rows_of, "SLICE", 4 * 64 * 120)  # two batches
    large = classifier(early_stopping=True, alpha=0.1).fit(matrix, y)
    assert bits(want) == bits(small) == bits(large)
    np.testing.assert_allclose(large.loss_curve_, want.loss_curve_, rtol=1e-12)
    assert large.validation_scores_ == want.validation_scores_
    np.testing.assert_array_equal(large.predict_proba(matrix), want.predict_proba(dense))
    real = regressor().fit(matrix, TARGET)
    np.testing.assert_array_equal(real.predict(matrix), regressor().fit(dense, TARGET).predict(dense))
    with pytest.raises(ValueError, match="averaging"):
        classifier(averaging=optim.SWA(start=1)).fit(matrix, y)


def test_sparse_labels_give_sparse_answers() -> None:
    labels = (X[:, [20, 28, 36]] > 0.5).astype(int)
    dense, sparse = classifier().fit(X, labels), classifier().fit(X, sp.csr_matrix(labels))
    assert bits(dense) == bits(sparse)
    assert isinstance(sparse.predict(X), sp.csr_matrix)
    np.testing.assert_array_equal(sparse.predict(X).toarray(), dense.predict(X))
    np.testing.assert_array_equal(dense.predict(X), dense.predict_proba(X) > 0.5)
    with pytest.raises(ValueError, match="each of 3 labels"):
        dense.partial_fit(X, labels[:, :2])
    with pytest.raises(ValueError, match="several labels"):
        classifier().fit(X, np.stack([y, y], axis=1))


def test_eval_set_is_scored_each_epoch() -> None:
    watching = callbacks.EarlyStopping(patience=100)
    model = classifier(callbacks=[watching]).fit(X[:200], y[:200], eval_set=(X[200:], y[200:]))
    assert len(model.validation_scores_) == model.n_iter_ == len(model.history_["val_loss"])
    assert watching.best == min(model.history_["val_loss"])
    plain = classifier().fit(X[:200], y[:200], eval_set=(X[200:], y[200:]))
    assert plain.validation_scores_[-1] == plain.score(X[200:], y[200:])
    assert bits(plain) == bits(classifier().fit(X[:200], y[:200]))
    stopped = classifier(early_stopping=True, max_iter=100, tol=0.05).fit(
        X[:200], y[:200], eval_set=[(X[200:], y[200:])]
    )
    assert stopped.n_iter_ < 100
    assert stopped.score(X[200:], y[200:]) == stopped.best_validation_score_
    with pytest.raises(TypeError, match="eval_set"):
        classifier().fit(X, y, eval_set=X)


@pytest.mark.parametrize("loss", ["mae", "huber", losses.Quantile([0.5])], ids=str)
def test_losses_of_regression(loss: Any) -> None:
    model = regressor(loss=loss, max_iter=150, n_iter_no_change=150, learning_rate_init=0.01).fit(X, TARGET)
    assert model.score(X, TARGET) > 0.8 and model.predict(X).dtype == np.float64


def test_quantiles_are_several_outputs() -> None:
    model = regressor(loss=losses.Quantile([0.1, 0.5, 0.9]), max_iter=100).fit(X, TARGET[:, 0])
    assert model.predict(X).shape == (300, 3) and model.predict(X.astype(np.float32)).dtype == np.float32


def test_a_loss_of_ones_own() -> None:
    def squared(t: Any, p: Any) -> Any:
        return 0.5 * ((p - t) ** 2).mean(axis=1), (p - t) / p.shape[1]

    own, ours = regressor(loss=squared).fit(X, TARGET[:, 0]), regressor().fit(X, TARGET[:, 0])
    np.testing.assert_allclose(own.loss_curve_, ours.loss_curve_, rtol=1e-5)


def test_early_stopping_restores_the_best_and_scores_with_averages() -> None:
    model = classifier(early_stopping=True, averaging=optim.EMA(0.8), max_iter=40, learning_rate_init=0.01).fit(X, y)
    assert model.best_validation_score_ == max(model.validation_scores_) > 0.5


def test_a_callback_sees_the_training() -> None:
    class Stop(callbacks.Callback):
        def on_epoch_end(self, trainer: Any, epoch: int, logs: dict[str, float]) -> None:
            if epoch == 2:
                trainer.stop()

    assert classifier(callbacks=Stop()).fit(X, y).n_iter_ == 3


def test_ctrl_c_keeps_what_is_there() -> None:
    class Interrupt(callbacks.Callback):
        def on_epoch_begin(self, trainer: Any, epoch: int) -> None:
            if epoch == 2:
                raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted"):
        model = classifier(callbacks=[Interrupt()]).fit(X, y)
    assert model.n_iter_ == 2 and model.predict(X).shape == (300,)


def test_networks_can_be_used_alone(tmp_path: Any) -> None:
    model = classifier(norm="batch").fit(X, y)
    model.network_.save(tmp_path / "m.safetensors")
    np.testing.assert_allclose(nn.load(tmp_path / "m.safetensors").predict_proba(X), model.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": -1.0}, "alpha: expected"),
        ({"solver": "newton"}, "solver: expected one of"),
        ({"activation": "rellu"}, "did you mean 'relu'"),
        ({"activation": ["relu"]}, "activation: expected one value, or 2"),
        ({"hidden_layer_sizes": (5, 0)}, "must be > 0"),
        ({"norm": "bach"}, "did you mean 'batch'"),
        ({"loss": "mse"}, "loss: expected one for classes"),
        ({"loss": "binary_cross_entropy"}, "for two classes"),
        ({"solver": "lbfgs", "dropout": 0.1}, "solver: 'lbfgs'"),
        ({"solver": "lbfgs", "schedule": schedule.Cosine()}, "schedule"),
        ({"batch_size": 0}, "batch_size"),
        ({"beta_1": 1.0}, "beta_1"),
    ],
)
def test_wrong_parameters_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        classifier(**options).fit(X, y)


def test_divergence_says_so() -> None:
    model = regressor(solver="sgd", activation="identity", learning_rate_init=1e3)
    with pytest.raises(ValueError, match=r"non-finite parameter weights.*step \d+ \(epoch"):
        model.fit(X, 100 * TARGET)
    np.testing.assert_array_equal(model.coefs_[0], model.network_.parameters()["0.weight"])
    assert np.isfinite(model.coefs_[0]).all()  # those of the last step that was applied


def test_rows_to_score_need_a_weight() -> None:
    with pytest.raises(ValueError, match="all rows to score have weight 0"):
        classifier().fit(X[:200], y[:200], eval_set=(X[200:], y[200:], np.zeros(100)))
    weights = np.r_[np.zeros(290), np.ones(10)]
    with pytest.raises(ValueError, match="weight"):
        regressor(early_stopping=True, validation_fraction=0.01).fit(X, TARGET, sample_weight=weights)
