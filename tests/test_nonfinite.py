"""NaN and infinity: found, named, never applied, and nothing else is lost."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import (
    Log,
    State,
    assert_same_state,
    blobs,
    mlp,
    trained,
    unchanged,
)  # fmt: skip

import fastdl as fdl
from fastdl import callbacks, nn, optim


def simple(outputs: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Dense(9), nn.Tanh(), nn.Dense(outputs))


@pytest.mark.parametrize("watch", [False, True])
def test_an_explosion_names_step_and_layer_and_is_not_applied(watch: bool) -> None:
    X, y = blobs(100)
    y = (1e3 * y).astype(np.float32)
    states: list[State] = []
    log = Log()

    class Watch(callbacks.Callback):
        def on_batch_end(self, trainer: fdl.Trainer, step: int, logs: dict[str, float]) -> None:
            states.append(trainer.net.state_dict())

    def explode(watchers: list[callbacks.Callback]) -> tuple[fdl.Trainer, fdl.NonFiniteError]:
        net = nn.Sequential(nn.Dense(8), nn.BatchNorm(), nn.ReLU(), nn.Dense(8, name="big"), nn.Dense(1))
        trainer = fdl.Trainer(net, "mse", optim.SGD(1e3))
        with pytest.raises(fdl.NonFiniteError) as caught:
            trainer.fit(X, y, epochs=50, batch_size=20, callbacks=watchers, progress=False)
        return trainer, caught.value

    trainer, error = explode([])
    if watch:
        trainer, error = explode([Watch(), log])
        assert_same_state(trainer.net.state_dict(), states[-1])
        assert len(states) == error.step, "a hook was called for a step that was not done"
        assert all(math.isfinite(logs["loss"]) for logs in log.logs)
        assert log.calls[-1] != "end"
    assert error.step == trainer.step > 0
    assert f"step {error.step}" in str(error) and error.layer is not None and error.layer in str(error)
    assert all(np.isfinite(array).all() for array in trainer.net.state_dict().values())
    assert isinstance(error, FloatingPointError)


@pytest.mark.parametrize("place", [1, 3])
def test_the_first_layer_that_went_non_finite_is_named(place: int) -> None:
    class Bomb(nn.Layer):
        def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
            self.calls = getattr(self, "calls", 0) + 1
            return np.full_like(x, np.nan) if self.calls > 3 else x

        def backward(self, dy: np.ndarray) -> np.ndarray:
            return dy

    X, y = blobs(100)
    layers = [nn.Dense(4), nn.Tanh(), nn.Dense(4), nn.Dense(3)]
    layers.insert(place, Bomb(name="the bomb"))
    with pytest.raises(fdl.NonFiniteError, match=f"{place}.*the bomb") as caught:
        trained(nn.Sequential(*layers), X, y, batch_size=20)
    assert caught.value.step == 3


def test_a_gradient_that_is_not_finite_is_named_too() -> None:
    class Bomb(nn.Layer):
        def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
            return x

        def backward(self, dy: np.ndarray) -> np.ndarray:
            return np.full_like(dy, np.nan)

    X, y = blobs()
    net = nn.Sequential(nn.Dense(4, name="first"), Bomb(), nn.Dense(3, name="last"))
    net.build(6)
    with unchanged_weights(net), pytest.raises(fdl.NonFiniteError, match="gradient.*first"):
        trained(net, X, y)


def unchanged_weights(net: nn.Sequential) -> Any:
    class Check:
        def __enter__(self) -> None:
            self.before = net.state_dict()

        def __exit__(self, *_: Any) -> None:
            assert_same_state(net.state_dict(), self.before)

    return Check()


def test_training_can_go_on_after_an_explosion() -> None:
    X, y = blobs()
    trainer = fdl.Trainer(nn.Sequential(nn.Dense(8), nn.ReLU(), nn.Dense(1)), "mse", optim.SGD(1e3))
    with pytest.raises(fdl.NonFiniteError):
        trainer.fit(X, 1e3 * y, epochs=50, progress=False)
    trainer.reset()
    trainer.optimizer.lr = 1e-2
    history = trainer.fit(X, y, epochs=5, progress=False)
    fresh = fdl.Trainer(nn.Sequential(nn.Dense(8), nn.ReLU(), nn.Dense(1)), "mse", optim.SGD(1e-2))
    assert history == fresh.fit(X, y, epochs=5, progress=False)
    assert_same_state(trainer.net.state_dict(), fresh.net.state_dict())


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_bad_numbers_are_found_before_training(bad: float) -> None:
    X, y = blobs(100)
    broken = X.copy()
    broken[77, 4] = bad
    for net in (mlp(), simple()):
        for built in (False, True):
            if built:
                net.build(6)
            with unchanged(net), pytest.raises(ValueError, match=r"X.*77.*4"):
                fdl.Trainer(net).fit(broken, y, progress=False)
            with unchanged(net), pytest.raises(ValueError, match=r"validation_data.*77.*4"):
                fdl.Trainer(net).fit(X, y, validation_data=(broken, y), progress=False)
    targets = X.astype(np.float64)
    targets[31, 2] = bad
    with pytest.raises(ValueError, match=r"y.*31"):
        fdl.Trainer(nn.Sequential(nn.Dense(6)), "mse").fit(X, targets, progress=False)


@pytest.mark.parametrize("where", ["X", "y"])
def test_what_overflows_float32_is_found_before_training(where: str) -> None:
    X, _ = blobs(100)
    wide = X.astype(np.float64)
    wide[77, 4] = 1e300
    net = nn.Sequential(nn.Dense(6))
    with unchanged(net), pytest.raises(ValueError, match=rf"{where}.*1e\+300"):
        fdl.Trainer(net, "mse").fit(wide if where == "X" else X, wide if where == "y" else X, progress=False)


def mapped(path: Path, X: np.ndarray, row: int | None) -> np.ndarray:
    array = np.memmap(path, X.dtype, "w+", shape=X.shape)
    array[...] = X
    if row is not None:
        array[row, 1] = np.nan
    return array


@pytest.mark.parametrize("built", [False, True])
def test_nan_in_a_memory_map_brings_the_initial_weights_back(tmp_path: Path, built: bool) -> None:
    X, y = blobs(300)
    net = nn.Sequential(nn.Dense(8), nn.BatchNorm(), nn.ReLU(), nn.Dense(3))
    net.build(6)
    if built:
        trained(net, X, y)
    before = net.state_dict()
    trainer = fdl.Trainer(net, optimizer=optim.Adam(0.01))
    with pytest.raises(ValueError, match=r"X.*row 123\b"):
        trainer.fit(mapped(tmp_path / "x", X, 123), y, epochs=3, batch_size=16, progress=False)
    assert_same_state(net.state_dict(), before)
    assert (trainer.step, trainer.epoch, trainer.history.epochs) == (0, 0, 0)
    trainer.fit(X, y, batch_size=16, progress=False)
    net.load_state_dict(before)
    state = trained(net, X, y, {"optimizer": optim.Adam(0.01)}, epochs=1).net.state_dict()
    net.load_state_dict(before)
    again = trained(net, X, y, {"optimizer": optim.Adam(0.01)}, epochs=1).net.state_dict()
    assert_same_state(again, state)


def test_nan_in_a_memory_map_of_validation_data_is_no_silent_nan(tmp_path: Path) -> None:
    X, y = blobs(300)
    with pytest.raises(ValueError, match="validation_data"):
        trained(simple(), X, y, validation_data=(mapped(tmp_path / "x", X, 123), y))


def test_a_good_memory_map_is_trained_on_like_an_array(tmp_path: Path) -> None:
    X, y = blobs(300)
    here, there = trained(mlp(), X, y), trained(mlp(), mapped(tmp_path / "x", X, None), y)
    assert_same_state(there.net.state_dict(), here.net.state_dict())
