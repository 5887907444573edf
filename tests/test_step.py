"""The training step of whole networks against the float64 reference: gradients, optimizers, clipping, statistics."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import reference
import reference_optimizer
from networks import (
    State,
    assert_same_state,
    blobs,
    mlp,
    trained,
    twin_gradients,
    twin_training,
)  # fmt: skip

import fastdl as fdl
from fastdl import kernels, nn, optim, schedule
from fastdl.fitting import SHUFFLE_STREAM


def simple(outputs: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Dense(9), nn.Tanh(), nn.Dense(outputs))


def batches_of(
    X: np.ndarray, y: np.ndarray, batch: int, epochs: int, seed: int = 0
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The batches of a training, in order."""
    orders = [kernels.permutation(len(X), seed, epoch, SHUFFLE_STREAM) for epoch in range(epochs)]
    return [(X[o[i : i + batch]], y[o[i : i + batch]]) for o in orders for i in range(0, len(X), batch)]


NETS: dict[str, Callable[[], nn.Sequential]] = {
    "linear": lambda: nn.Sequential(nn.Dense(3)),
    "tanh": simple,
    "everything": lambda: mlp(rate=0.3, scaler=False),
    "norm first": lambda: nn.Sequential(nn.BatchNorm(), nn.Dense(7), nn.ReLU(), nn.Dense(3)),
    "row norms": lambda: nn.Sequential(nn.RMSNorm(), nn.Dense(7), nn.LayerNorm(1e-2), nn.ReLU(), nn.Dense(3)),
    "weight norm": lambda: nn.Sequential(
        nn.Dense(7, weight_norm=True), nn.Tanh(), nn.Dense(3, bias=False, weight_norm=True)
    ),
    "nested": lambda: nn.Sequential(
        nn.Dense(5), nn.BatchNorm(), nn.Tanh(), nn.Dropout(0.2), nn.Dropout(0.1), nn.Dense(3)
    ),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
@pytest.mark.parametrize("name", NETS)
def test_gradient_of_a_whole_network(name: str, loss: str, weighted: bool) -> None:
    """One step of SGD at rate 1 moves the weights by the gradient."""
    X, y = blobs(40)
    y = y if loss == "cross_entropy" else np.stack([X[:, 0], X[:, 1] * X[:, 2], np.ones(40)], axis=1).astype(np.float32)
    s = np.random.default_rng(2).uniform(0.1, 3, 40).astype(np.float32) if weighted else None
    net = NETS[name]()
    net.build(6, seed=2)
    state = net.state_dict()
    trainer = trained(
        net, X, y, {"loss": loss, "optimizer": optim.SGD(1.0), "seed": 8}, epochs=1, batch_size=40, sample_weight=s
    )
    order = kernels.permutation(40, 8, 0, SHUFFLE_STREAM)
    value, gradients = twin_gradients(net, state, X[order], y[order], None if s is None else s[order], seed=8)
    assert trainer.history["loss"] == [pytest.approx(value, rel=1e-5)]
    assert trainer.history["grad_norm"] == [pytest.approx(reference.global_norm(list(gradients.values())), rel=1e-5)]
    assert set(gradients) == set(net.parameters())
    for key, g in gradients.items():
        moved = state[key].astype(np.float64) - net.state_dict()[key]
        np.testing.assert_allclose(moved, g, rtol=1e-4, atol=2e-6, err_msg=key)


def sgd(lr: Any, momentum: float = 0.0, nesterov: bool = False, decay: float = 0.0, form: str = "keras") -> Any:
    def update(name: str, w: np.ndarray, g: np.ndarray, slots: State, step: int) -> np.ndarray:
        rate, v = lr(step - 1) if callable(lr) else lr, slots.get("v", np.zeros_like(w))
        g = g + (decay * w if name.endswith("weight") else 0.0)
        if form == "torch":
            slots["v"] = v = momentum * v + g
            return w - rate * (g + momentum * v if nesterov else v)
        w, slots["v"] = reference_optimizer.momentum_update(w, g, v, rate, momentum, nesterov)
        return w

    return update


def adam(lr: float, betas: tuple[float, float] = (0.9, 0.999), decay: float = 0.0, decoupled: bool = False) -> Any:
    def update(name: str, w: np.ndarray, g: np.ndarray, slots: State, step: int) -> np.ndarray:
        m, v = slots.get("m", np.zeros_like(w)), slots.get("v", np.zeros_like(w))
        mine = decay if name.endswith("weight") else 0.0
        hyper = (lr, *betas, 1e-8, step, mine, decoupled)
        w, slots["m"], slots["v"] = reference_optimizer.adam_update(w, g, m, v, *hyper)
        return w

    return update


def falling(step: int) -> float:
    return 0.1 * 0.5 ** (step // 5)


TRACES: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "sgd": (optim.SGD(0.1), sgd(0.1), {}),
    "sgd with decay": (optim.SGD(0.1, weight_decay=0.3), sgd(0.1, decay=0.3), {}),
    "momentum": (optim.SGD(0.05, 0.9), sgd(0.05, 0.9), {}),
    "nesterov": (optim.SGD(0.05, 0.9, True), sgd(0.05, 0.9, True), {}),
    "torch": (optim.SGD(0.05, 0.9, form="torch"), sgd(0.05, 0.9, form="torch"), {}),
    "torch nesterov": (optim.SGD(0.05, 0.9, True, 0.1, "torch"), sgd(0.05, 0.9, True, 0.1, "torch"), {}),
    "keras, falling rate": (optim.SGD(0.1, 0.9), sgd(falling, 0.9), {"schedule": schedule.Exponential(0.5)}),
    "torch, falling rate": (
        optim.SGD(0.1, 0.9, form="torch"), sgd(falling, 0.9, form="torch"), {"schedule": schedule.Exponential(0.5)},
    ),
    "adam": (optim.Adam(0.01), adam(0.01), {}),
    "adam, other betas": (optim.Adam(0.01, betas=(0.5, 0.9)), adam(0.01, (0.5, 0.9)), {}),
    "adam, coupled decay": (optim.Adam(0.01, weight_decay=0.3), adam(0.01, decay=0.3), {}),
    "adamw": (optim.AdamW(0.01, weight_decay=0.5), adam(0.01, decay=0.5, decoupled=True), {}),
    "adamw by name": ("adamw", adam(1e-3, decay=0.01, decoupled=True), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", TRACES)
def test_25_steps_of_an_optimizer(name: str) -> None:
    optimizer, update, more = TRACES[name]
    X, y = blobs(80)
    net = nn.Sequential(nn.Dense(7), nn.BatchNorm(), nn.Tanh(), nn.Dense(3))
    net.build(6)
    net.parameters()["0.bias"][...] = 0.5  # so that a decay of biases would show
    want, losses = twin_training(net, net.state_dict(), batches_of(X, y, 16, 5), update)
    trainer = trained(net, X, y, {"optimizer": optimizer, **more}, epochs=5)
    for key in net.parameters():
        # Rounding in float32 moves a bias before batch norm at random: its gradient is zero but for that.
        if key != "0.bias":
            np.testing.assert_allclose(net.state_dict()[key], want[key], rtol=5e-4, atol=2e-5, err_msg=key)
    np.testing.assert_allclose(trainer.history["loss"], np.reshape(losses, (5, 5)).mean(axis=1), rtol=1e-5)


@pytest.mark.parametrize("to", ["threshold", "unit"])
@pytest.mark.parametrize("theta", [0.05, 0.4, 2.0, 1e6])
def test_25_clipped_steps(theta: float, to: str) -> None:
    X, y = blobs(80)
    net = simple()
    net.build(6)
    norms: list[float] = []

    def factor(norm: float) -> float:
        norms.append(norm)
        return (theta if to == "threshold" else 1.0) / norm if norm > theta else 1.0

    want, _ = twin_training(net, net.state_dict(), batches_of(X, y, 16, 5), sgd(0.2, 0.5), factor)
    trainer = trained(net, X, y, {"optimizer": optim.SGD(0.2, 0.5), "clip": optim.ClipNorm(theta, to=to)}, epochs=5)
    for key, array in net.state_dict().items():
        np.testing.assert_allclose(array, want[key], rtol=5e-4, atol=2e-5, err_msg=key)
    by_epoch = np.reshape(norms, (5, 5))
    np.testing.assert_allclose(trainer.history["grad_norm"], by_epoch.mean(axis=1), rtol=1e-4)
    np.testing.assert_allclose(trainer.history["clipped"], (by_epoch > theta).mean(axis=1))


def test_clipping_changes_the_step() -> None:
    X, y = blobs(80)
    nets = [simple() for _ in range(3)]
    for net, clip in zip(nets, (None, optim.ClipNorm(0.01), optim.ClipNorm(1e6)), strict=True):
        trained(net, X, y, {"optimizer": optim.SGD(0.1), "clip": clip})
    assert_same_state(nets[2].state_dict(), nets[0].state_dict())
    assert (nets[1].state_dict()["0.weight"] != nets[0].state_dict()["0.weight"]).all()


def test_running_statistics() -> None:
    X, y = blobs(50)
    net = nn.Sequential(nn.BatchNorm(momentum=0.8), nn.Dense(3))
    trained(net, X, y, epochs=1, batch_size=20)
    mean, var = np.zeros(6), np.ones(6)
    for x, _ in batches_of(X.astype(np.float64), y, 20, 1):
        mean, var = 0.8 * mean + 0.2 * x.mean(axis=0), 0.8 * var + 0.2 * x.var(axis=0, ddof=1)
    np.testing.assert_allclose(net.state_dict()["0.running_mean"], mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(net.state_dict()["0.running_var"], var, rtol=1e-5)


def test_changing_the_batch_size_keeps_the_slots() -> None:
    X, y = blobs(64)
    net = simple()
    net.build(6)
    trainer = fdl.Trainer(net, optimizer=optim.Adam(0.01))
    trainer.fit(X, y, batch_size=32, progress=False)
    trainer.fit(X, y, batch_size=16, progress=False)
    fresh = simple()
    fresh.build(6)
    orders = [kernels.permutation(64, 0, epoch, SHUFFLE_STREAM) for epoch in range(2)]
    batches = [
        (X[o[i : i + b]], y[o[i : i + b]]) for o, b in zip(orders, (32, 16), strict=True) for i in range(0, 64, b)
    ]
    want, _ = twin_training(fresh, fresh.state_dict(), batches, adam(0.01))
    for key, array in net.state_dict().items():
        np.testing.assert_allclose(array, want[key], rtol=1e-4, atol=1e-5)
