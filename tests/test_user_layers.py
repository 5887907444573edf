"""Layers that users write in NumPy: they train like native ones, and mistakes in them are named."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from networks import assert_same_state, blobs, trained, twin_gradients
from support import check_refuses

import fastdl as fdl
from fastdl import nn, optim


class OwnDense(nn.Layer):
    """A dense layer as a user would write it."""

    def __init__(self, units: int) -> None:  # without super().__init__(), as people do
        self.units = units

    def build(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        self.add_parameter("weight", (in_shape[0], self.units), "glorot")
        self.add_parameter("bias", (self.units,), "zeros", decay=False)
        return (self.units,)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.x = x
        return x @ self.params["weight"] + self.params["bias"]

    def backward(self, dy: np.ndarray) -> np.ndarray:
        self.grads["weight"], self.grads["bias"] = self.x.T @ dy, dy.sum(axis=0)
        return dy @ self.params["weight"].T


class OwnReLU(nn.Layer):
    """No build, no parameters."""

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.on = x > 0
        self.calls = [*getattr(self, "calls", []), (training, len(x))]
        return x * self.on

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy * self.on


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("clip", [None, optim.ClipNorm(0.05)])
def test_a_network_with_layers_in_numpy_trains_like_the_native_one(place: int, clip: Any) -> None:
    X, y = blobs()

    def make(own: bool, i: int) -> nn.Layer:
        return (OwnReLU() if own else nn.ReLU()) if i in (1,) else (OwnDense(8) if own else nn.Dense(8, init="glorot"))

    nets = []
    for own in (True, False):
        mine = {0: {0}, 1: {1}, 2: {2}, 3: {0, 1, 2}}[place] if own else set()
        net = nn.Sequential(*(make(i in mine, i) for i in range(3)), nn.Dropout(0.2), nn.Dense(3))
        trained(net, X, y, {"clip": clip, "optimizer": optim.SGD(0.1, 0.9, weight_decay=0.01)}, epochs=3)
        nets.append(net)
    for name, array in nets[1].state_dict().items():
        np.testing.assert_allclose(nets[0].state_dict()[name], array, rtol=2e-4, atol=2e-6, err_msg=name)
    np.testing.assert_allclose(nets[0].predict(X), nets[1].predict(X), rtol=1e-3, atol=1e-5)


def test_a_layer_in_numpy_is_told_whether_it_trains_and_sees_the_batch() -> None:
    X, y = blobs(50)
    own = OwnReLU()
    net = nn.Sequential(nn.Dense(8), own, nn.Dense(3))
    trainer = trained(net, X, y, epochs=1, batch_size=20)
    assert own.calls == [(True, 20), (True, 20), (True, 10)]
    own.calls = []
    trainer.evaluate(X, y)
    net.predict(X[:7])
    assert own.calls == [(False, 50), (False, 7)]


def test_whole_network_with_own_layer_against_finite_differences() -> None:
    X, y = blobs(20)
    net = nn.Sequential(nn.Dense(5), nn.Tanh(), OwnDense(4), nn.Dense(3))
    net.build(6)
    native = nn.Sequential(nn.Dense(5), nn.Tanh(), nn.Dense(4), nn.Dense(3))
    state = net.state_dict()
    _, gradients = twin_gradients(native, state, X, y)
    trained(net, X, y, {"optimizer": optim.SGD(1.0)}, epochs=1, batch_size=20)
    for name, array in net.state_dict().items():
        np.testing.assert_allclose(state[name] - array, gradients[name], rtol=1e-4, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("where", ["forward", "backward"])
def test_an_exception_reaches_the_user_and_leaves_the_last_complete_step(where: str) -> None:
    X, y = blobs(100)

    class Oops(Exception):
        pass

    class Fails(nn.Layer):
        calls = 0

        def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
            return self.once(x, "forward")

        def backward(self, dy: np.ndarray) -> np.ndarray:
            return self.once(dy, "backward")

        def once(self, a: np.ndarray, what: str) -> np.ndarray:
            if what == where:
                self.calls += 1
                if self.calls == 4:
                    raise Oops("in step 3")
            return a

    states = []

    class Watch(fdl.callbacks.Callback):
        def on_batch_end(self, trainer: fdl.Trainer, step: int, logs: dict[str, float]) -> None:
            states.append(trainer.net.state_dict())

    for watch in ([Watch()], []):
        net = nn.Sequential(nn.Dense(8), nn.BatchNorm(), Fails(), nn.Dropout(0.2), nn.Dense(3))
        trainer = fdl.Trainer(net)
        with pytest.raises(Oops, match="in step 3"):
            trainer.fit(X, y, epochs=2, batch_size=20, callbacks=watch, progress=False)
        assert trainer.step == 3 and len(states) == 3
        assert_same_state(net.state_dict(), states[-1])
        trainer.fit(X, y, batch_size=20, progress=False)  # and it goes on
        assert trainer.step == 8


def own(**methods: Any) -> nn.Layer:
    plain = {"forward": lambda self, x, training: x * 1.0, "backward": lambda self, dy: dy}
    return type("Own", (nn.Layer,), {**plain, **methods})()


def with_w(**methods: Any) -> nn.Layer:
    def build(self: nn.Layer, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        self.add_parameter("w", in_shape)
        return in_shape

    return own(build=build, **methods)


def fill(value: Any) -> Callable[[nn.Layer, np.ndarray], np.ndarray]:
    def backward(self: nn.Layer, dy: np.ndarray) -> np.ndarray:
        self.grads["w"] = value
        return dy

    return backward


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (lambda: own(forward=lambda self, x, training: x[:, :2]), ["Own", "forward", "(16, 6)", "(16, 2)"]),
        (lambda: own(forward=lambda self, x, training: x[:1]), ["Own", "forward", "(16, 6)", "(1, 6)"]),
        (lambda: own(forward=lambda self, x, training: None), ["Own", "forward"]),
        (lambda: own(forward=lambda self, x, training: 1.0), ["Own", "forward", "()"]),
        (lambda: own(forward=lambda self, x, training: x * 1j), ["Own", "forward", "complex"]),
        (lambda: own(forward=lambda self, x, training: x.astype(str)), ["Own", "forward", "dtype"]),
        (lambda: own(backward=lambda self, dy: dy[:, :2]), ["Own", "backward", "(16, 6)", "(16, 2)"]),
        (lambda: own(backward=lambda self, dy: None), ["Own", "backward"]),
        (lambda: own(build=lambda self, s: 5), ["Own", "build"]),
        (lambda: own(build=lambda self, s: (-3,)), ["Own", "build", "-3"]),
        (lambda: own(build=lambda self, s: (0,)), ["Own", "build", "0"]),
        (lambda: own(build=lambda self, s: (2.5,)), ["Own", "build", "2.5"]),
        (lambda: own(build=lambda self, s: "ab"), ["Own", "build"]),
        (lambda: own(build=lambda self, s: self.add_parameter("w", (-1,))), ["Own", "w", "-1"]),
        (lambda: own(build=lambda self, s: [self.add_parameter("w", s) for _ in "ab"] and s), ["Own", "w", "already"]),
        (lambda: own(build=lambda self, s: self.add_parameter("w", s, init="hee")), ["init", "hee"]),
        (lambda: with_w(backward=fill(np.zeros(5))), ["Own", "backward", "w", "(6,)", "(5,)"]),
        (lambda: with_w(backward=fill("zero")), ["Own", "backward", "w"]),
        (lambda: type("Own", (nn.Layer,), {})(), ["Own", "forward"]),
        (lambda: type("Own", (nn.Layer,), {"forward": lambda self, x, training: x})(), ["Own", "backward"]),
    ],
)
def test_mistakes_in_a_layer_of_ones_own_are_named(layer: Callable[[], nn.Layer], words: list[str]) -> None:
    X, y = blobs()
    net = nn.Sequential(nn.Dense(6), layer(), nn.Dense(3))
    check_refuses(lambda: fdl.Trainer(net).fit(X, y, batch_size=16, progress=False), *words)


def test_gradients_can_be_filled_in_place() -> None:
    def forward(self: nn.Layer, x: np.ndarray, training: bool) -> np.ndarray:
        self.x = x
        return x + self.params["w"]

    def backward(self: nn.Layer, dy: np.ndarray) -> np.ndarray:
        self.grads["w"][...] = dy.sum(axis=0)
        return dy

    X, y = blobs()
    net = nn.Sequential(with_w(forward=forward, backward=backward), nn.Dense(3))
    trained(net, X, y, {"optimizer": optim.SGD(0.1)})
    assert np.abs(net.state_dict()["0.w"]).min() > 0


def test_a_layer_cannot_spoil_its_neighbours_by_working_in_place() -> None:
    X, y = blobs()
    net = nn.Sequential(
        nn.Dense(6), nn.ReLU(), own(forward=lambda self, x, training: np.multiply(x, -1, out=x)), nn.Dense(3)
    )
    with pytest.raises(ValueError, match="read-only"):
        trained(net, X, y)


def test_a_layer_that_explodes_is_named() -> None:
    X, y = blobs()
    layer = own(forward=lambda self, x, training: np.full_like(x, np.nan))
    net = nn.Sequential(nn.Dense(6), layer, nn.Dense(3))
    with pytest.raises(fdl.NonFiniteError, match="Own"):
        trained(net, X, y)
