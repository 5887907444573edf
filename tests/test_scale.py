"""Scalers: measured once on the training rows, in float64, wherever the rows lie."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import assert_same_state, blobs, trained
from support import assert_same_bits, check_refuses

import fastdl as fdl
from fastdl import nn, optim

SCALERS = {
    "standardize": nn.Standardize,
    "minmax": nn.MinMaxScale,
    "minmax01": lambda: nn.MinMaxScale(0, 1),
    "robust": nn.RobustScale,
}
MIDDLE = {"standardize": 0.0, "minmax": 0.0, "minmax01": 0.5, "robust": 0.0}


def identity(scaler: nn.Layer, X: np.ndarray, **fit: Any) -> nn.Sequential:
    """A network that hands out what the scaler gives, adapted to X by a fit that changes no weight."""
    net = nn.Sequential(scaler, nn.Dense(X.shape[1], init="zeros"))
    net.build(X.shape[1])
    net.parameters()["1.weight"][...] = np.eye(X.shape[1])
    trainer = fdl.Trainer(net, "mse", optim.SGD(0.0))
    trainer.fit(X, np.zeros(X.shape), progress=False, **fit)
    return net


def expected(name: str, X: np.ndarray, on: np.ndarray | None = None) -> np.ndarray:
    """What TRICKS.md says, in float64 (more exactly where that is cheap)."""
    X = X.astype(np.longdouble)
    on = X if on is None else on.astype(np.longdouble)
    if name == "standardize":
        std = on.std(axis=0)
        return np.where(std > 0, (X - on.mean(axis=0)) / np.where(std > 0, std, 1), 0).astype(np.float64)
    if name == "robust":
        low, median, high = np.quantile(on, [0.25, 0.5, 0.75], axis=0)
        width = np.where(high > low, high - low, (on.max(axis=0) - on.min(axis=0)) / 2)
        z = np.where(width > 0, (X - median) / np.where(width > 0, width, 1), 0)
        return (z / np.sqrt(1 + (z / 3) ** 2)).astype(np.float64)
    low, high = (-1, 1) if name == "minmax" else (0, 1)
    width = on.max(axis=0) - on.min(axis=0)
    unit = np.where(width > 0, (X - on.min(axis=0)) / np.where(width > 0, width, 1), 0.5)
    return (low + (high - low) * unit).astype(np.float64)


@pytest.mark.parametrize("name", SCALERS)
@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "i8", "u1", "?", "f2", ">f8"])
def test_values(name: str, dtype: str) -> None:
    X = (np.random.default_rng(0).normal(size=(300, 5)) * 30 + 40).astype(dtype)
    X[:, 3] = X[0, 3]
    got = identity(SCALERS[name](), X).predict(X)
    np.testing.assert_allclose(got, expected(name, X), rtol=3e-6, atol=2e-6)


@pytest.mark.parametrize("name", SCALERS)
@pytest.mark.parametrize("signal", [1.0, 1e-2, 1e-4])
def test_a_small_signal_on_a_large_offset_survives_in_float64(name: str, signal: float) -> None:
    X = 1e8 + signal * np.random.default_rng(0).normal(size=(400, 3))
    got = identity(SCALERS[name](), X).predict(X)
    want = expected(name, X)
    # The doubles themselves are 1.5e-8 apart here.
    np.testing.assert_allclose(got, want, atol=1e-6 + 20 * 1.5e-8 / signal)
    assert np.corrcoef(got[:, 0], want[:, 0])[0, 1] > 0.99999


def test_a_small_signal_on_a_large_offset_can_be_learned() -> None:
    X, y = blobs(400, classes=2)
    net = nn.Sequential(nn.Standardize(), nn.Dense(2))
    far = nn.Sequential(nn.Standardize(), nn.Dense(2))
    trained(net, X.astype(np.float64), y, epochs=5)
    trained(far, 1e8 + 1e-3 * X.astype(np.float64), y, epochs=5)
    np.testing.assert_allclose(far.predict(1e8 + 1e-3 * X.astype(np.float64)), net.predict(X), atol=2e-3)


@pytest.mark.parametrize("name", SCALERS)
@pytest.mark.parametrize("value", [0.0, 5.0, -1e8, 1e17, 1e-300])
def test_a_constant_feature_goes_to_the_middle(name: str, value: float) -> None:
    X = np.random.default_rng(0).normal(size=(50, 2))
    X[:, 1] = value
    got = identity(SCALERS[name](), X).predict(X)
    assert (got[:, 1] == MIDDLE[name]).all()


@pytest.mark.parametrize("name", SCALERS)
@pytest.mark.parametrize("scale", [1e-170, 1e-30, 1e30, 1e170, 1e307])
def test_features_of_any_size(name: str, scale: float) -> None:
    X = np.random.default_rng(0).uniform(-1, 1, (60, 2)) * scale
    np.testing.assert_allclose(identity(SCALERS[name](), X).predict(X), expected(name, X), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", SCALERS)
def test_a_single_row(name: str) -> None:
    X = np.full((1, 3), 7.0)
    got = identity(SCALERS[name](), X, batch_size=1).predict(X)
    assert (got == MIDDLE[name]).all()


@pytest.mark.parametrize("name", SCALERS)
def test_only_training_rows_are_measured(name: str) -> None:
    X = np.random.default_rng(0).normal(size=(200, 3))
    on = np.arange(200) % 3 != 0
    held = X.copy()
    held[~on] *= 1000
    net = identity(SCALERS[name](), held, sample_weight=on.astype(float))
    np.testing.assert_allclose(net.predict(X), expected(name, X, X[on]), atol=1e-5)
    # Validation rows, given or split off, don't count either.
    net = identity(SCALERS[name](), X, validation_data=(1000 * X, X))
    np.testing.assert_allclose(net.predict(X), expected(name, X), atol=1e-5)
    split = identity(SCALERS[name](), X, validation_split=0.5)
    from fastdl.data import split as rows_of

    np.testing.assert_allclose(split.predict(X), expected(name, X, X[rows_of(200, 0.5, 0)[0]]), atol=1e-5)


def test_measured_once() -> None:
    X, y = blobs()
    net = nn.Sequential(nn.Standardize(), nn.Dense(3))
    trainer = trained(net, X, y)
    before = {k: v for k, v in net.state_dict().items() if k.startswith("0.")}
    trainer.fit(1000 * X, y, progress=False)
    fdl.Trainer(net).fit(5 + X, y, progress=False)
    assert_same_state({k: v for k, v in net.state_dict().items() if k.startswith("0.")}, before)


def test_reset_measures_anew() -> None:
    X, y = blobs()
    net = nn.Sequential(nn.Standardize(), nn.Dense(3))
    trainer = trained(net, X, y)
    fresh = nn.Sequential(nn.Standardize(), nn.Dense(3))
    trained(fresh, 1000 * X, y)
    trainer.reset()
    trainer.fit(1000 * X, y, epochs=2, batch_size=16, progress=False)
    assert_same_state(net.state_dict(), fresh.state_dict())


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "u1"])
def test_a_memory_map_gives_the_same_bits(tmp_path: Path, dtype: str) -> None:
    X, y = blobs(300)
    X = (X * 20 + 100).astype(dtype)
    mapped = np.memmap(tmp_path / "x", dtype, "w+", shape=X.shape)
    mapped[...] = X
    mapped.flush()
    mapped = np.memmap(tmp_path / "x", dtype, "r", shape=X.shape)
    nets = []
    for data in (X, mapped):
        net = nn.Sequential(nn.Standardize(), nn.Dense(8), nn.ReLU(), nn.Dense(3))
        trained(net, data, y, validation_split=0.2)
        nets.append(net)
    assert_same_state(nets[1].state_dict(), nets[0].state_dict())
    assert_same_bits(nets[1].predict(mapped), nets[0].predict(X))


def test_predict_before_anything_was_measured() -> None:
    net = nn.Sequential(nn.Standardize(), nn.Dense(3))
    net.build(6)
    with pytest.raises(ValueError, match="Standardize.*fit"):
        net.predict(np.zeros((1, 6)))


@pytest.mark.filterwarnings("error")
def test_raw_inputs_far_from_one_are_warned_of_unless_scaled() -> None:
    X, y = blobs()
    trained(nn.Sequential(nn.Standardize(), nn.Dense(3)), 1000 * X, y)
    trained(nn.Sequential(nn.Dense(3)), X, y)
    with pytest.warns(UserWarning, match="Standardize"):
        trained(nn.Sequential(nn.Dense(3)), 1000 * X, y)


def test_nan_in_a_memory_map_leaves_the_scaler_as_it_was(tmp_path: Path) -> None:
    X, y = blobs(300)
    mapped = np.memmap(tmp_path / "x", "f4", "w+", shape=X.shape)
    mapped[...] = X
    mapped[211, 3] = np.nan
    net = nn.Sequential(nn.Standardize(), nn.Dense(3))
    with pytest.raises(ValueError, match=r"X.*211"):
        trained(net, mapped, y)
    trained(net, X, y)
    fresh = nn.Sequential(nn.Standardize(), nn.Dense(3))
    trained(fresh, X, y)
    assert_same_state(net.state_dict(), fresh.state_dict())


def test_robust_scale_by_hand() -> None:
    X = np.array([[0.0, 5.0, 0.0], [1.0, 5.0, 0.0], [2.0, 5.0, 0.0], [3.0, 5.0, 0.0], [1000.0, 6.0, 0.0]])
    got = identity(nn.RobustScale(clip=2), X).predict(X)
    z = np.array([[-1.0, 0, 0], [-0.5, 0, 0], [0, 0, 0], [0.5, 0, 0], [499.0, 2, 0]])  # median 2, range 2; half of 1
    np.testing.assert_allclose(got, z / np.sqrt(1 + (z / 2) ** 2), rtol=1e-6)
    assert np.abs(got).max() < 2


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 50, 103])
def test_quantiles_are_those_of_numpy(rows: int) -> None:
    from fastdl.nn.scale import quantile

    ordered = np.sort(np.random.default_rng(rows).normal(size=(rows, 4)), axis=0)
    for q in (0.25, 0.5, 0.75):
        np.testing.assert_allclose(quantile(ordered, q), np.quantile(ordered, q, axis=0), rtol=1e-14)


def test_robust_scale_measures_some_features_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    X = np.random.default_rng(0).normal(size=(200, 7))
    want = identity(nn.RobustScale(), X).predict(X)
    monkeypatch.setattr("fastdl.nn.scale.SORTED_AT_ONCE", 600)
    assert_same_bits(identity(nn.RobustScale(), X).predict(X), want)


def test_outliers_do_not_move_the_robust_scale() -> None:
    X = np.random.default_rng(0).normal(size=(1000, 2))
    wild = X.copy()
    wild[:5] = 1e30
    got, want = (identity(nn.RobustScale(), data).predict(data) for data in (wild, X))
    np.testing.assert_allclose(got[5:], want[5:], atol=0.05)
    np.testing.assert_allclose(got[:5], 3.0, rtol=1e-6)


def test_the_smooth_bound_acts_in_training_evaluation_and_prediction_alike(tmp_path: Path) -> None:
    X, y = blobs()
    X[::9] *= 1e6
    net = nn.Sequential(nn.RobustScale(clip=1.5), nn.Dense(8), nn.Tanh(), nn.Dense(3))
    trainer = trained(net, X, y)
    assert_same_bits(net(X, training=True), net.predict(X))
    assert trainer.evaluate(X, y)["loss"] == pytest.approx(
        fdl.kernels.softmax_cross_entropy(net.predict(X), y)[0].mean(), rel=1e-6
    )
    net.save(tmp_path / "m.safetensors")
    loaded = nn.load(tmp_path / "m.safetensors")
    assert loaded.layers[0].clip == 1.5
    assert_same_bits(loaded.predict(X), net.predict(X))
    # The same as a network without a scaler, on data that have been scaled before.
    state = net.state_dict()
    scaled = fdl.kernels.smooth_clip((X.astype(np.float64) - state["0.offset"]) * state["0.factor"], 1.5)
    bare = nn.Sequential(nn.Dense(8), nn.Tanh(), nn.Dense(3))
    trained(bare, scaled, y)
    assert_same_state(
        {f"{int(k[0]) + 1}{k[1:]}": v for k, v in bare.state_dict().items()},
        {k: v for k, v in state.items() if k[0] != "0"},
    )


def test_robust_scale_refuses() -> None:
    check_refuses(lambda: nn.RobustScale(0.0), "clip", "0.0")
    check_refuses(lambda: nn.RobustScale("3"), "clip", "str")
