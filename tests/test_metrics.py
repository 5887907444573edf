"""Metrics of whole sets: against their definitions spelt out, through Trainer, and watched by early stopping."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import blobs, mlp, trained
from support import property_test

import fastdl as fdl
from fastdl import callbacks, metrics

X, Y = blobs(103)
VALIDATION = (X[:41], Y[:41])
WHOLE = ["auc", "f1", metrics.TopK(2)]


def pairs(truth: np.ndarray, score: np.ndarray, weights: np.ndarray) -> float:
    """The area under the ROC curve as a count over all pairs of rows."""
    won = weight = 0.0
    for i in np.flatnonzero(truth):
        for j in np.flatnonzero(~truth):
            share = weights[i] * weights[j]
            won += share * (0.5 if score[i] == score[j] else float(score[i] > score[j]))
            weight += share
    return won / weight if weight else math.nan


def f_score(truth: np.ndarray, chosen: np.ndarray, weights: np.ndarray) -> float:
    hits = weights[truth & chosen].sum()
    return float(2 * hits / (weights[truth].sum() + weights[chosen].sum()))


@property_test
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.sampled_from([1, 2, 3, 5]))
def test_auc_and_f1_are_counts(seed: int, rows: int, outputs: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 5, (rows, outputs)) / 4.0  # with ties
    y = rng.integers(0, max(2, outputs), rows)
    weights = rng.uniform(0.5, 2.0, rows)
    targets = y if outputs > 1 else y[:, None].astype(float)
    kinds = range(outputs) if outputs > 1 else [1]
    columns = scores if outputs > 1 else np.column_stack([1 - scores, scores])
    areas = [pairs(y == k, columns[:, k], weights) for k in kinds]
    known = [one for one in areas if not math.isnan(one)]
    want = np.mean(known) if known else math.nan
    np.testing.assert_allclose(metrics.AUC().value(targets, scores, weights), want, rtol=1e-12)
    chosen = columns.argmax(axis=1) if outputs > 1 else (scores[:, 0] > 0.5).astype(int)
    if outputs <= 2:
        kinds = [1]
    there = [k for k in kinds if (y == k).any() or (chosen == k).any()]
    want = np.mean([f_score(y == k, chosen == k, weights) for k in there]) if there else math.nan
    np.testing.assert_allclose(metrics.F1().value(targets, scores, weights), want, rtol=1e-12)


@property_test
@given(st.integers(0, 2**32 - 1), st.integers(2, 20), st.integers(1, 3))
def test_r2_and_rmse(seed: int, rows: int, outputs: int) -> None:
    rng = np.random.default_rng(seed)
    y, x, weights = rng.normal(size=(rows, outputs)), rng.normal(size=(rows, outputs)), rng.integers(1, 4, rows)
    many = np.repeat(np.arange(rows), weights)  # a weight of 3 is three rows
    left = ((y - x)[many] ** 2).mean(axis=0)
    np.testing.assert_allclose(metrics.R2().value(y, x, weights), np.mean(1 - left / y[many].var(axis=0)), rtol=1e-9)
    np.testing.assert_allclose(metrics.RMSE().value(y, x, weights), np.sqrt(left.mean()), rtol=1e-12)


def test_constant_targets_have_no_r2_and_one_class_no_auc() -> None:
    ones = np.ones(4)
    assert math.isnan(metrics.R2().value(np.ones((4, 1)), np.zeros((4, 1)), ones))
    assert math.isnan(metrics.AUC().value(np.zeros(4, int), np.eye(4)[:, :1].repeat(2, 1), ones))


def test_scikit_learn_agrees() -> None:
    theirs = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(1)
    p = rng.dirichlet(np.ones(4), 200)
    y, weights = rng.integers(0, 4, 200), rng.uniform(0.1, 2.0, 200)
    want = theirs.f1_score(y, p.argmax(1), average="macro", sample_weight=weights)
    np.testing.assert_allclose(metrics.F1().value(y, p, weights), want)
    want = theirs.roc_auc_score(y, p, multi_class="ovr", average="macro", sample_weight=weights)
    np.testing.assert_allclose(metrics.AUC().value(y, p, weights), want)
    want = theirs.top_k_accuracy_score(y, p, k=2, sample_weight=weights)
    np.testing.assert_allclose(metrics.TopK(2).value(y, p, weights), want)


@pytest.mark.parametrize("weighted", [False, True])
def test_through_a_trainer(weighted: bool) -> None:
    """The last epoch's are those of the finished network; training rows have the others."""
    weights = np.random.default_rng(0).uniform(0.5, 2.0, len(VALIDATION[1])).astype(np.float32)
    data = (*VALIDATION, weights) if weighted else VALIDATION
    net = mlp()
    trainer = trained(net, X, Y, {"metrics": ["accuracy", *WHOLE]}, validation_data=data)
    shares = weights.astype(float) if weighted else np.ones(len(weights))
    p = net.predict_proba(VALIDATION[0]).astype(float)
    again = trainer.evaluate(*data)
    for metric in (metrics.AUC(), metrics.F1(), metrics.TopK(2)):
        want = metric.value(VALIDATION[1], p, shares)
        assert trainer.history[f"val_{metric.name}"][-1] == again[metric.name] == want
        assert metric.name not in trainer.history
    assert "accuracy" in trainer.history


def test_of_sigmoids_and_numbers() -> None:
    two = (Y > 0).astype(np.int64)
    trainer = trained(mlp(outputs=1), X, two, {"loss": "binary_cross_entropy", "metrics": ["auc", "f1"]},
                      validation_data=(X, two))  # fmt: skip
    assert trainer.history["val_auc"][-1] > 0.4
    several = np.column_stack([two, 1 - two, Y == 1]).astype(np.float32)
    trained(mlp(), X, several, {"loss": "binary_cross_entropy", "metrics": ["auc", "f1"]}, validation_data=(X, several))
    target = X[:, :2] * 3
    trainer = trained(mlp(outputs=2), X, target, {"loss": "mse", "metrics": ["mse", "rmse", "r2"]}, epochs=30,
                      validation_data=(X, target))  # fmt: skip
    np.testing.assert_allclose(trainer.history["val_rmse"], np.sqrt(trainer.history["val_mse"]), rtol=1e-5)
    assert trainer.history["val_r2"][-1] > 0.3


def test_early_stopping_watches_them_and_ends_with_the_best() -> None:
    def mirrored(targets: np.ndarray, outputs: np.ndarray) -> float:
        seen.append(1.0 - abs(len(seen) - 3))
        return seen[-1]

    seen: list[float] = []
    net = mlp()
    stop = callbacks.EarlyStopping("val_own_score", patience=2)
    trainer = trained(net, X, Y, {"metrics": [metrics.Custom("own_score", mirrored)]}, epochs=20,
                      validation_data=VALIDATION, callbacks=stop)  # fmt: skip
    assert trainer.history["val_own_score"] == [-2.0, -1.0, 0.0, 1.0, 0.0, -1.0]
    four = trained(mlp(), X, Y, epochs=4)
    np.testing.assert_array_equal(net.predict(X), four.net.predict(X))


def test_a_weighted_function() -> None:
    own = metrics.Custom("mass", lambda targets, outputs, weights: weights.sum(), weighted=True)
    trainer = fdl.Trainer(mlp(), metrics=[own])
    trainer.fit(X, Y, epochs=1, batch_size=16, progress=False)
    assert trainer.evaluate(X[:3], Y[:3], np.array([1.0, 2.0, 0.5]))["mass"] == 3.5


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: fdl.Trainer(mlp(), "mse", metrics=["auc"]), "'auc' does not go with the loss 'mse'"),
        (lambda: fdl.Trainer(mlp(), metrics=["r2"]), "'r2' does not go with"),
        (lambda: metrics.TopK(0), "k: expected"),
        (lambda: metrics.Custom("", len), "name"),
        (lambda: metrics.Custom("own", 3), "function"),  # type: ignore[arg-type]
        (lambda: fdl.Trainer(mlp(), metrics=["f2"]), "'f2'"),
        (lambda: fdl.Trainer(mlp(), metrics=[metrics.Metric()]), "expected a RowMetric or a SetMetric"),
    ],
)
def test_bad_ones(make: Any, words: str) -> None:
    with pytest.raises((ValueError, TypeError)) as raised:
        make()
    assert words in str(raised.value)


def test_a_function_that_gives_an_array() -> None:
    own = metrics.Custom("own", lambda targets, outputs: outputs)
    trainer = trained(mlp(), X, Y, {"metrics": [own]})
    with pytest.raises(ValueError, match="'own': expected a number"):
        trainer.evaluate(X, Y)


def test_ensembles_have_them() -> None:
    ensemble = fdl.Ensemble(mlp(), 2, metrics=["accuracy", "auc"])
    ensemble.fit(X, Y, epochs=1, batch_size=16, progress=False)
    assert 0.0 <= ensemble.evaluate(X, Y)["auc"] <= 1.0
