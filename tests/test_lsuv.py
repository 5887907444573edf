"""LSUV: unit variance before each activation, on the data of the first fit."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from networks import assert_same_state, blobs, trained

import fastdl as fdl
from fastdl import init, nn, optim

STILL = {"optimizer": optim.SGD(0.0)}


def deep(activation: Callable[[], nn.Layer] = nn.ReLU, **dense: Any) -> nn.Sequential:
    hidden = (layer for width in (40, 30, 20) for layer in (nn.Dense(width, init="lsuv", **dense), activation()))
    return nn.Sequential(nn.Standardize(), *hidden, nn.Dense(3))


def variances(net: nn.Sequential, X: np.ndarray) -> list[float]:
    """Of what each LSUV Dense gives, over rows and units."""
    state, found = net.state_dict(), []
    x = (X.astype(np.float64) - state["0.offset"]) * state["0.factor"]
    for i, layer in enumerate(net.layers):
        if isinstance(layer, nn.Dense):
            x = x @ state[f"{i}.weight"].astype(np.float64) + state[f"{i}.bias"]
            if f"{i}.adapted" in state:
                found.append(float(x.var()))
        elif i > 0:
            x = np.maximum(x, 0) if isinstance(layer, nn.ReLU) else np.tanh(x)
    return found


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh])
def test_variance_is_one_in_every_layer(activation: Callable[[], nn.Layer]) -> None:
    X, y = blobs(500, features=10)
    net = deep(activation)
    trained(net, 30 * X + 5, y, STILL)
    assert variances(net, 30 * X + 5) == [pytest.approx(1.0, abs=0.01)] * 3
    by_hand = deep(activation)
    by_hand.build(10)
    for name, array in by_hand.state_dict().items():
        if name.endswith("weight") and not name.startswith("7"):  # orthogonal, but for a factor
            ratio = net.state_dict()[name] / array
            assert ratio.std() < 1e-5 * abs(ratio.mean())


def test_biases_that_differ_take_more_than_one_try() -> None:
    X, y = blobs(500, features=10)
    net = deep(bias_init=init.Uniform(-0.8, 0.8))
    trained(net, X, y, STILL)
    assert variances(net, X) == [pytest.approx(1.0, abs=0.011)] * 3


def test_the_same_bits_whoever_builds_and_with_any_team() -> None:
    X, y = blobs(300, features=10)
    nets = [deep() for _ in range(3)]
    nets[1].build(10, seed=4)
    for net, threads in zip(nets, (1, 1, 3), strict=True):
        trained(net, X, y, {"seed": 4, "threads": threads})
    for net in nets[1:]:
        assert_same_state(net.state_dict(), nets[0].state_dict())


def test_once_only_and_again_after_a_reset() -> None:
    X, y = blobs(300, features=10)
    net = deep()
    trainer = trained(net, X, y, STILL)
    before = net.state_dict()
    trainer.fit(100 * X, y, progress=False)
    assert_same_state(net.state_dict(), before)
    trainer.reset()
    trainer.fit(X, y, epochs=2, batch_size=16, progress=False)
    assert_same_state(net.state_dict(), before)


def test_only_training_rows_count() -> None:
    X, y = blobs(300, features=10)
    on = np.arange(300) % 3 != 0
    wild = X.copy()
    wild[~on] *= 1000
    nets = [deep(), deep()]
    for net, data in zip(nets, (X, wild), strict=True):
        trained(net, data, y, sample_weight=on.astype(float))
    assert_same_state(nets[1].state_dict(), nets[0].state_dict())


def test_inside_residuals_and_with_norms_and_dropout_around() -> None:
    X, y = blobs(400, features=10)
    net = nn.Sequential(
        nn.Residual(nn.Dense(10, init="lsuv"), nn.ReLU(), nn.Dense(10, init="lsuv")),
        nn.Dropout(0.5),
        nn.BatchNorm(),
        nn.Dense(3, init="lsuv"),
    )
    trained(net, 0.3 * X, y, STILL)
    state = net.state_dict()
    first = 0.3 * X.astype(np.float64) @ state["0.0.weight"]
    second = np.maximum(first, 0) @ state["0.2.weight"]
    assert first.var() == pytest.approx(1.0, abs=0.01) and second.var() == pytest.approx(1.0, abs=0.01)
    assert all(state[f"{name}.adapted"] == 1 for name in ("0.0", "0.2", "3"))


def test_what_does_not_vary_stays() -> None:
    net = nn.Sequential(nn.Dense(4, init="lsuv"))
    trainer = fdl.Trainer(net, "mse", **STILL)
    trainer.fit(np.zeros((10, 4)), np.zeros((10, 4)), progress=False)
    gram = net.state_dict()["0.weight"].T @ net.state_dict()["0.weight"]
    np.testing.assert_allclose(gram, np.eye(4), atol=1e-6)
    X, y = np.random.default_rng(0).normal(size=(2, 50, 4))
    trainer.fit(2 * X, y, progress=False)  # now it can
    assert np.var(net.predict(2 * X)) == pytest.approx(1.0, abs=0.01)


class Broken(nn.Layer):
    """A layer that fails when it is first run."""

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        raise ArithmeticError("no")


def test_an_error_leaves_the_weights_as_they_were() -> None:
    X, y = blobs(50)
    net = nn.Sequential(nn.Dense(4, init="lsuv"), Broken(), nn.Dense(3, init="lsuv"))
    net.build(6)
    before = net.state_dict()
    with pytest.raises(ArithmeticError):
        trained(net, X, y)
    assert_same_state(net.state_dict(), before)


def test_auto_for_something_else_than_a_dense_is_orthogonal() -> None:
    w = init.LSUV()((5, 3), 1, 2)
    assert w.tobytes() == init.Orthogonal()((5, 3), 1, 2).tobytes()
