"""What every layer has to keep to: one table of layers through the same tests."""

import copy
import inspect
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import support
from networks import assert_same_state, blobs, check_gradients, trained
from support import assert_same_bits, normal
from test_user_layers import OwnDense, OwnReLU

import fastdl as fdl
import fastdl.program
from fastdl import init, kernels, nn, optim
from fastdl.fitting import SHUFFLE_STREAM


class Own(OwnDense):
    """A user's layer that a file can hold."""

    inspected = ("units",)


SHAPES = [(1, 1), (1, 9), (37, 1), (33, 17), (7, 130)]

# Layers that can be made without arguments come here by themselves, so this is for the others and for their options.
TABLE: dict[str, Callable[[], nn.Layer]] = {
    "Dense": lambda: nn.Dense(5),
    "Dense of one unit": lambda: nn.Dense(1, init="lecun", bias_init=init.Constant(0.5)),
    "Dense without bias": lambda: nn.Dense(33, bias=False, init=init.He("uniform"), name="wide"),
    "BatchNorm with options": lambda: nn.BatchNorm(0.5, 1e-3, name="norm"),
    "Dropout": lambda: nn.Dropout(0.3),
    "Dropout of nothing": lambda: nn.Dropout(0.0),
    "AlphaDropout": lambda: nn.AlphaDropout(0.2),
    "GaussianNoise": lambda: nn.GaussianNoise(0.1),
    "MinMaxScale to 0 .. 1": lambda: nn.MinMaxScale(0, 1),
    "RobustScale with clip": lambda: nn.RobustScale(2.0),
    "user's": lambda: Own(6),
    "user's without build": OwnReLU,
    "Sequential": lambda: nn.Sequential(nn.Dense(6), nn.BatchNorm(), nn.ReLU(), nn.Dropout(0.2), nn.Dense(4)),
    "Sequential of nothing": lambda: nn.Sequential(),
    "Sequential in Sequential": lambda: nn.Sequential(nn.Sequential(nn.Sequential(nn.Dense(3)), nn.Tanh()), name="in"),
    "Residual": lambda: nn.Residual(nn.BatchNorm(), nn.Tanh(), nn.Sequential(nn.Dropout(0.1), nn.Dense(4))),
    "Residual of an activation": lambda: nn.Residual(nn.Tanh()),
    "Residual from zero": lambda: nn.Residual(nn.Tanh(), nn.Dense(5), zero_init=True, name="block"),
    "Residual of a user's": lambda: nn.Residual(Own(4), OwnReLU()),
    "Parallel": lambda: nn.Parallel(nn.Dense(3), nn.Sequential(nn.Dense(17), nn.ReLU(), nn.Dense(2)), nn.Tanh()),
    "Parallel, summed": lambda: nn.Parallel(nn.Dense(4), nn.Residual(nn.Dense(4)), Own(4), merge="sum"),
    "Parallel, averaged": lambda: nn.Parallel(nn.Tanh(), nn.Dropout(0.5), nn.ReLU(), merge="mean", name="p"),
    "everything in everything": lambda: nn.Residual(
        nn.Parallel(
            nn.Residual(nn.Dense(3), nn.Parallel(nn.Tanh(), nn.Residual(Own(2)), merge="concat"), nn.BatchNorm()),
            nn.Sequential(nn.Parallel(nn.Sequential(nn.Dense(4), nn.Dropout(0.2)), nn.Dense(4), merge="sum")),
        ),
        nn.ReLU(),
        nn.Residual(nn.Dense(6), nn.BatchNorm(), zero_init=True),
    ),
}  # fmt: skip

KINDS = {
    name: kind
    for name, kind in vars(nn).items()
    if isinstance(kind, type) and issubclass(kind, nn.Layer) and kind not in (nn.Layer, nn.Network)
}


def needs_arguments(kind: type) -> bool:
    """Whether a layer can't be made without them."""
    parameters = list(inspect.signature(kind).parameters.values())
    return any(p.default is p.empty and p.kind is not p.VAR_KEYWORD for p in parameters)


TABLE |= {name: kind for name, kind in KINDS.items() if not needs_arguments(kind)}
every_layer = pytest.mark.parametrize("name", TABLE)
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


class Tap(nn.Layer):
    """Keeps what it sees."""

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.seen = [*getattr(self, "seen", []), x.copy()]
        return x

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy


def is_scaler(layer: nn.Layer) -> bool:
    return hasattr(layer, "adapt") and type(layer).adapt is not nn.Layer.adapt


def around(name: str, *last: nn.Layer) -> nn.Sequential:
    """A network in which the layer gets a gradient and gives one; scalers stand first."""
    layer = TABLE[name]()
    return nn.Sequential(*([layer, nn.Dense(6)] if is_scaler(layer) else [nn.Dense(6), layer]), *last)


def numbers(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Rows, and three targets for each."""
    return normal(shape), normal((shape[0], 3), seed=1)


def test_the_table_has_every_layer() -> None:
    inside = {type(part) for make in TABLE.values() for _, part in make().walk()}
    assert set(KINDS.values()) - {nn.Embedding} <= inside, "add a line for it above"  # which takes codes only


@every_layer
@every_shape
def test_shapes(name: str, shape: tuple[int, int]) -> None:
    """Declared and real widths agree; a row's outputs don't depend on its neighbours in inference."""
    X = normal(shape)
    layer = TABLE[name]()
    net = nn.Sequential(layer)
    (width,) = net.build(shape[1], seed=1)
    for _, inside in net.walk():
        inside.adapt(X, None)
    outputs = net.predict(X)
    assert outputs.shape == (shape[0], width) and outputs.dtype == np.float32 and np.isfinite(outputs).all()
    if not any(isinstance(inside, Own) for _, inside in net.walk()):  # NumPy's products promise less than ours
        assert_same_bits(net.predict(X[-1:]), outputs[-1:])
    seen = net(X, training=True, seed=5, step=2)
    assert seen.shape == outputs.shape and np.isfinite(seen).all()
    assert_same_bits(net(X, training=True, seed=5, step=2), seen)
    assert net.predict(X[:0]).shape == (0, width) == net(X[:0], training=True).shape


def loss_of(net: nn.Sequential, X: np.ndarray, y: np.ndarray) -> float:
    """Mean squared error of a training step's outputs, in float64."""
    return float(np.square(net(X, training=True, seed=8).astype(np.float64) - y).mean())


def check_directions(net: nn.Sequential, X: np.ndarray, y: np.ndarray, step: float = 2e-3) -> None:
    """The network's own float32 loss rises by the gradient's share along a few directions, to about 1 %."""
    net.build(X.shape[1], seed=2)
    for _, layer in net.walk():
        layer.adapt(X, None)
    start = net.arena.copy()
    order = kernels.permutation(len(X), 8, 0, SHUFFLE_STREAM)
    other = copy.deepcopy(net)
    trained(other, X, y, {"loss": "mse", "optimizer": optim.SGD(1.0), "seed": 8}, epochs=1, batch_size=len(X))
    gradient = start.astype(np.float64) - other.arena
    for segment in other.segments():
        gradient[segment.start : segment.start + segment.length] /= segment.rate
    norm = float(np.linalg.norm(gradient))
    for seed in range(4):
        direction = np.random.default_rng(seed).normal(size=start.size) * (start != 0)
        direction = gradient / norm if seed == 0 else direction / np.linalg.norm(direction)
        ends = []
        for sign in (1, -1):
            net.arena[...] = (start + sign * step * direction).astype(np.float32)
            ends.append(loss_of(net, X[order], y[order]))
        assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(gradient @ direction, rel=0.01, abs=0.01 * norm), seed


@every_layer
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape[0] > 1], ids=str)
def test_gradients(name: str, shape: tuple[int, int]) -> None:
    """Against the float64 twin, or where there is none for a layer, against the loss itself."""
    X, y = numbers(shape)
    try:
        check_gradients(around(name, nn.Dense(3)), X, y, rtol=1e-3, atol=1e-5)
    except TypeError:  # no twin
        check_directions(around(name, nn.Dense(3)), X, y)


@every_layer
def test_first_of_a_network(name: str) -> None:
    """Nobody asks for the gradient of the inputs there; those of the parameters are the same as if somebody did."""
    X, y = numbers((33, 17))
    if is_scaler(TABLE[name]()):
        pytest.skip("scalers stand first anyway")
    states = []
    for first in ([], [OwnReLU()]):  # it always computes a gradient, and a layer in front of it is what asks
        net = nn.Sequential(*first, nn.Sequential(TABLE[name](), nn.Dense(3)))
        trained(net, np.abs(X), y, {"loss": "mse", "optimizer": optim.SGD(0.01)}, batch_size=10)
        states.append(list(net.state_dict().values()))
    assert_same_bits(states[0], states[1])


@every_layer
def test_a_step_and_a_call_see_the_same(name: str) -> None:
    """Bits of a training program's forward pass, and of the eager call."""
    X, y = blobs(33, features=17)
    net = around(name, tap := Tap(), nn.Dense(3))
    net.build(17, seed=3)
    for _, layer in net.walk():
        layer.adapt(X, None)
    before = copy.deepcopy(net)
    trained(net, X, y, {"seed": 4}, epochs=1, batch_size=33)
    order = kernels.permutation(33, 4, 0, SHUFFLE_STREAM)
    before(X[order], training=True, seed=4, step=0)
    (eager,) = next(layer for layer in before.layers if isinstance(layer, Tap)).seen
    assert_same_bits(tap.seen[0], eager)


@every_layer
def test_bits_anywhere(name: str) -> None:
    """The same on any number of threads and any instruction set with FMA."""
    X, y = numbers((33, 17))

    def call() -> Any:
        net = around(name, nn.Dense(3))
        trained(net, X, y, {"loss": "mse", "optimizer": optim.Adam(0.01)}, batch_size=10)
        return (net.predict(X), net(X, training=True, seed=1), *net.state_dict().values())

    for _, result in support.everywhere(call):
        assert all(np.isfinite(array).all() for array in result)


@every_layer
def test_merging_ops_and_sharing_memory_change_no_bit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = numbers((33, 17))

    def call() -> Any:
        net = around(name, nn.Dense(3))
        trained(net, X, y, {"loss": "mse", "optimizer": optim.Adam(0.01)}, batch_size=10)
        return (net.predict(X), *net.state_dict().values())

    fused = call()
    place = fastdl.program.place
    monkeypatch.setattr(fastdl.program, "fuse", lambda ops: ops)
    assert_same_bits(call(), fused, "not merged")
    monkeypatch.setattr(fastdl.program, "place", lambda ops, share: place(ops, False))
    assert_same_bits(call(), fused, "with memory of its own for every buffer")


CUSTOM = {"Own": Own, "OwnReLU": OwnReLU}


@every_layer
@pytest.mark.parametrize("how", ["file", "deepcopy", "pickle"])
def test_copies(name: str, how: str, tmp_path: Path) -> None:
    """A copy has the same bits, trains on like the original, and shares nothing with it."""
    X, y = blobs(40)
    net = around(name, nn.Dense(3))
    trained(net, X, y)
    if how == "file":
        net.save(tmp_path / "m")
        twin = nn.load(tmp_path / "m", custom=CUSTOM)
        assert repr(twin) == repr(net) and twin.summary() == net.summary()
    else:
        twin = copy.deepcopy(net) if how == "deepcopy" else pickle.loads(pickle.dumps(net))
    before = net.state_dict()
    assert_same_state(twin.state_dict(), before)
    assert_same_bits(twin.predict(X), net.predict(X))
    trained(twin, X, y)
    assert_same_state(net.state_dict(), before, "the original changed")
    trained(net, X, y)
    assert_same_state(twin.state_dict(), net.state_dict())


@every_layer
def test_unbuilt_copies_begin_alike(name: str) -> None:
    nets = [around(name), around(name)]
    nets.append(copy.deepcopy(nets[0]))
    nets.append(pickle.loads(pickle.dumps(nets[0])))
    for net in nets:
        net.build(9, seed=6)
        assert_same_state(net.state_dict(), nets[0].state_dict())
    nets[0].forget()
    nets[0].build(9, seed=6)
    assert_same_state(nets[0].state_dict(), nets[1].state_dict())


@every_layer
def test_summary_and_repr(name: str) -> None:
    net = around(name)
    assert "not built" in net.summary() and type(TABLE[name]()).__name__ in repr(net)
    net.build(9)
    text = net.summary()
    for prefix, layer in list(net.walk())[1:]:
        line = next(line for line in text.splitlines() if line.split()[0] == prefix.rstrip("."))
        count = sum(p.size for _, inside in layer.walk() for p in inside.parameters_.values())
        assert layer.title() in line and line.endswith(f" {count:,}")


@every_layer
def test_nan_is_not_hidden(name: str) -> None:
    """A NaN in a parameter before the layer reaches the loss, and the first layer that has it is named."""
    X, y = numbers((33, 17))
    net = around(name, nn.Dense(3))
    net.build(17)
    net.parameters()[next(iter(net.parameters()))][0] = np.nan
    with pytest.raises(fdl.NonFiniteError, match=r"layer \d"):
        trained(net, X, y, {"loss": "mse"})
