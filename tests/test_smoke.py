"""Seconds, not minutes: does it train at all? The first file to run after a build."""

from pathlib import Path

import numpy as np
import pytest
from networks import assert_same_state, blobs, mlp, trained

import fastdl as fdl
from fastdl import datasets, nn, optim, schedule


def test_digits() -> None:
    X, y = datasets.load_digits()
    net = nn.Sequential(nn.MinMaxScale(), nn.Dense(64), nn.BatchNorm(), nn.ReLU(), nn.Dropout(0.1), nn.Dense(10))
    trainer = fdl.Trainer(
        net, "cross_entropy", optim.Adam(3e-3), schedule.Exponential(0.95), optim.ClipNorm(5.0), ["accuracy"], seed=1
    )
    history = trainer.fit(X, y, epochs=8, batch_size=64, validation_split=0.2, progress=False)
    assert history["val_accuracy"][-1] > 0.95
    assert history["loss"][-1] < 0.2 * history["loss"][0]
    assert (net.predict_classes(X) == y).mean() > 0.97
    assert trainer.evaluate(X, y)["accuracy"] == pytest.approx((net.predict_classes(X) == y).mean(), abs=1e-12)


def test_regression() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (600, 3))
    y = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2]
    net = nn.Sequential(nn.Dense(32), nn.Tanh(), nn.Dense(1))
    history = trained(net, X, y, {"loss": "mse", "optimizer": optim.Adam(1e-2)}, epochs=30, batch_size=32).history
    assert history["loss"][-1] < 0.02 < 0.1 < history["loss"][0]
    assert np.square(net.predict(X)[:, 0] - y).mean() < 0.02


def test_the_same_seed_gives_the_same_bits_and_another_one_does_not() -> None:
    X, y = blobs()
    first, again, other = (trained(mlp(), X, y, {"seed": seed}) for seed in (5, 5, 6))
    assert_same_state(again.net.state_dict(), first.net.state_dict())
    assert again.history == first.history
    assert (other.net.state_dict()["1.weight"] != first.net.state_dict()["1.weight"]).any()


def test_save_and_load(tmp_path: Path) -> None:
    X, y = blobs()
    net = mlp()
    trained(net, X, y)
    net.save(tmp_path / "m.safetensors")
    assert nn.load(tmp_path / "m.safetensors").predict(X).tobytes() == net.predict(X).tobytes()
