"""Optimizers in training: their kernels' bits, near float64, continued, scaled and frozen by parameter."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import reference_optimizer
from networks import State, assert_same_state, blobs, trained, twin_training
from support import assert_same_bits, check_refuses

import fastdl as fdl
from fastdl import kernels, nn, optim, schedule
from fastdl.fitting import SHUFFLE_STREAM
from fastdl.part import Form

BETAS = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
SHORT = {"beta1": 0.5, "beta2": 0.9, "eps": 1e-4}
DECAY = 0.3


@dataclass
class Case:
    """An optimizer, and the update of `kernels` that it stands for; decays: by DECAY, coupled or not."""

    optimizer: optim.Optimizer
    update: str
    slots: tuple[str, ...]
    hyper: dict[str, Any]
    decays: bool = False

    def arguments(self, step: int, decay: bool) -> dict[str, Any]:
        """Keyword arguments of the update, at a step from 1."""
        counted = {"step": step} if "beta1" in self.hyper and self.update != "lion_update" else {}
        return {**self.hyper, **counted, "weight_decay": DECAY if self.decays and decay else 0.0}


MOMENTS = ("m", "v")
DECOUPLED = {"decoupled": True}
CASES: dict[str, Case] = {
    "sgd": Case(optim.SGD(0.05, weight_decay=DECAY), "sgd_update", (), {"lr": 0.05}, True),
    "momentum": Case(optim.SGD(0.05, 0.9), "momentum_update", ("v",), {"lr": 0.05, "momentum": 0.9}),
    "torch's nesterov": Case(
        optim.SGD(0.05, 0.9, True, DECAY, "torch"), "momentum_update", ("v",),
        {"lr": 0.05, "momentum": 0.9, "nesterov": True, "rate_outside": True}, True,
    ),
    "normalized_sgd": Case(optim.NormalizedSGD(0.05, DECAY), "normalized_sgd_update", (), {"lr": 0.05}, True),
    "lion": Case(optim.Lion(), "lion_update", ("m",), {"lr": 1e-4, "beta1": 0.9, "beta2": 0.99}),
    "lion, decay": Case(
        optim.Lion(0.01, (0.5, 0.9), DECAY), "lion_update", ("m",), {"lr": 0.01, "beta1": 0.5, "beta2": 0.9}, True
    ),
    "adagrad": Case(optim.Adagrad(), "adagrad_update", ("s",), {"lr": 0.01, "eps": 1e-10}),
    "adagrad, decay": Case(
        optim.Adagrad(0.1, 1e-3, DECAY), "adagrad_update", ("s",), {"lr": 0.1, "eps": 1e-3}, True
    ),
    "adadelta": Case(optim.Adadelta(), "adadelta_update", ("s", "d"), {"lr": 1.0, "rho": 0.9, "eps": 1e-6}),
    "adadelta, decay": Case(
        optim.Adadelta(2.0, 0.7, 1e-3, DECAY), "adadelta_update", ("s", "d"), {"lr": 2.0, "rho": 0.7, "eps": 1e-3}, True
    ),
    "rmsprop": Case(optim.RMSprop(), "rmsprop_update", ("s",), {"lr": 1e-3, "rho": 0.9, "eps": 1e-8}),
    "rmsprop, centered": Case(
        optim.RMSprop(0.01, 0.7, 1e-2, True, weight_decay=DECAY), "rmsprop_update", ("s", "mean"),
        {"lr": 0.01, "rho": 0.7, "eps": 1e-2}, True,
    ),
    "rmsprop, momentum": Case(
        optim.RMSprop(momentum=0.5), "rmsprop_update", ("s", "velocity"),
        {"lr": 1e-3, "rho": 0.9, "eps": 1e-8, "momentum": 0.5},
    ),
    "rmsprop, both": Case(
        optim.RMSprop(0.01, 0.7, 1e-2, True, 0.5), "rmsprop_update", ("s", "mean", "velocity"),
        {"lr": 0.01, "rho": 0.7, "eps": 1e-2, "momentum": 0.5},
    ),
    "adam": Case(optim.Adam(), "adam_update", MOMENTS, {"lr": 1e-3, **BETAS}),
    "amsgrad": Case(
        optim.Adam(0.01, (0.5, 0.9), 1e-4, DECAY, True), "adam_update", (*MOMENTS, "vmax"), {"lr": 0.01, **SHORT}, True
    ),
    "adamw": Case(
        optim.AdamW(weight_decay=DECAY), "adam_update", MOMENTS, {"lr": 1e-3, **BETAS, **DECOUPLED}, True
    ),
    "adamw, amsgrad": Case(
        optim.AdamW(weight_decay=DECAY, amsgrad=True), "adam_update", (*MOMENTS, "vmax"),
        {"lr": 1e-3, **BETAS, **DECOUPLED}, True,
    ),
    "adamax": Case(optim.Adamax(), "adamax_update", ("m", "u"), {"lr": 2e-3, **BETAS}),
    "adamax, decay": Case(
        optim.Adamax(0.01, (0.5, 0.9), 1e-4, DECAY), "adamax_update", ("m", "u"), {"lr": 0.01, **SHORT}, True
    ),
    "nadam": Case(optim.NAdam(), "nadam_update", MOMENTS, {"lr": 2e-3, **BETAS}),
    "nadam, decay": Case(
        optim.NAdam(0.01, (0.5, 0.9), 1e-4, DECAY, 0.1), "nadam_update", MOMENTS,
        {"lr": 0.01, **SHORT, "momentum_decay": 0.1}, True,
    ),
    "nadam, decoupled": Case(
        optim.NAdam(weight_decay=DECAY, decoupled_weight_decay=True), "nadam_update", MOMENTS,
        {"lr": 2e-3, **BETAS, **DECOUPLED}, True,
    ),
    "radam": Case(optim.RAdam(), "radam_update", MOMENTS, {"lr": 1e-3, **BETAS}),
    "radam, decay": Case(
        optim.RAdam(0.01, (0.5, 0.9), 1e-4, DECAY), "radam_update", MOMENTS, {"lr": 0.01, **SHORT}, True
    ),
    "radam, decoupled": Case(
        optim.RAdam(weight_decay=DECAY, decoupled_weight_decay=True), "radam_update", MOMENTS,
        {"lr": 1e-3, **BETAS, **DECOUPLED}, True,
    ),
}  # fmt: skip
every_optimizer = pytest.mark.parametrize("name", CASES)
NAMES = {
    "sgd": optim.SGD, "normalized_sgd": optim.NormalizedSGD, "adagrad": optim.Adagrad, "adadelta": optim.Adadelta,
    "rmsprop": optim.RMSprop, "adam": optim.Adam, "adamw": optim.AdamW, "adamax": optim.Adamax, "nadam": optim.NAdam,
    "radam": optim.RAdam, "lion": optim.Lion,
}  # fmt: skip


def data(rows: int = 60) -> tuple[np.ndarray, np.ndarray]:
    X, _ = blobs(rows, 5)
    return X, np.stack([X[:, 0] * X[:, 1], X[:, 2]], axis=1)


def built(*options: Mapping[str, Any]) -> nn.Sequential:
    """Dense-Tanh-Dense of 5 inputs, with biases at 0.5 so that a decay of biases would show."""
    first, second = options or ({}, {})
    net = nn.Sequential(nn.Dense(19, **first), nn.Tanh(), nn.Dense(2, **second))
    net.build(5)
    for layer in (0, 2):
        net.parameters()[f"{layer}.bias"][...] = 0.5
    return net


def arena_norm(g: Mapping[str, np.ndarray]) -> float:
    """Of the gradients as they lie in their arena: each begins at a multiple of 16 elements, zeros between."""
    parts = [np.concatenate([x.ravel(), np.zeros(-x.size % 16, np.float32)]) for x in g.values()]
    return kernels.global_norm([np.concatenate(parts)])


def eager(
    case: Case,
    net: nn.Sequential,
    epochs: int = 2,
    factors: Mapping[str, float] | None = None,
    gamma: float = 1.0,
    theta: float = np.inf,
) -> State:
    """What a training of `built()` comes to, spelt out with the public kernels."""
    X, y = data()
    state, factors = net.state_dict(), factors or {}
    slots = {name: {slot: np.zeros_like(w) for slot in case.slots} for name, w in state.items()}
    step = 0
    for epoch in range(epochs):
        order = kernels.permutation(60, 0, epoch, SHUFFLE_STREAM)
        for start in range(0, 60, 16):
            x, t = X[order[start : start + 16]], y[order[start : start + 16]]
            one = kernels.dense_forward(x, state["0.weight"], state["0.bias"], activation="tanh")
            _, dy = kernels.mse(kernels.dense_forward(one, state["2.weight"], state["2.bias"]), t)
            g = dict.fromkeys(state, np.zeros(0, np.float32))
            dy, g["2.weight"], g["2.bias"] = kernels.dense_backward(dy, one, state["2.weight"])
            dy = kernels.activation_backward(dy, one, "tanh")
            _, g["0.weight"], g["0.bias"] = kernels.dense_backward(dy, x, state["0.weight"])
            for name in state:
                if factors.get(name) == 0.0:  # frozen
                    g[name][...] = 0.0
            norm = arena_norm(g)
            more = {"norm": norm} if case.update == "normalized_sgd_update" else {}
            step += 1
            for name, w in state.items():
                if factors.get(name) == 0.0:
                    continue
                hyper = case.arguments(step, name.endswith("weight"))
                hyper["lr"] *= gamma**epoch * factors.get(name, 1.0)
                hyper["grad_scale"] = theta / norm if norm > theta else 1.0
                getattr(kernels, case.update)(w, g[name], **slots[name], **hyper, **more)
    return state


def fitted(case: Case, net: nn.Sequential, epochs: int = 2, **more: Any) -> fdl.Trainer:
    return trained(net, *data(), {"loss": "mse", "optimizer": case.optimizer, **more}, epochs=epochs)


@every_optimizer
def test_a_training_is_its_kernels_bit_for_bit(name: str) -> None:
    """With a rate that falls and gradients that are clipped."""
    case, net = CASES[name], built()
    want = eager(case, net, 3, gamma=0.5, theta=0.5)
    trainer = fitted(case, net, 3, schedule=schedule.Exponential(0.5), clip=optim.ClipNorm(0.5))
    assert_same_state(net.state_dict(), want)
    assert np.mean(trainer.history["clipped"]) > 0.0


@every_optimizer
def test_near_float64(name: str) -> None:
    case, (X, y) = CASES[name], data(80)
    net = built()

    def update(key: str, w: np.ndarray, g: np.ndarray, slots: State, step: int) -> np.ndarray:
        for slot in case.slots:
            slots.setdefault(slot, np.zeros_like(w))
        norm = {"norm": norms[step - 1]} if case.update == "normalized_sgd_update" else {}
        hyper = case.arguments(step, key.endswith("weight"))
        w, *new = getattr(reference_optimizer, case.update)(w, g, **slots, **hyper, **norm)
        slots.update(zip(case.slots, new, strict=True))
        return w

    norms: list[float] = []

    def factor(norm: float) -> float:
        norms.append(norm)
        return 1.0

    orders = [kernels.permutation(80, 0, epoch, SHUFFLE_STREAM) for epoch in range(3)]
    batches = [(X[o[i : i + 16]], y[o[i : i + 16]]) for o in orders for i in range(0, 80, 16)]
    want, losses = twin_training(net, net.state_dict(), batches, update, factor)
    trainer = trained(net, X, y, {"loss": "mse", "optimizer": case.optimizer}, epochs=3)
    for key, array in net.state_dict().items():
        np.testing.assert_allclose(array, want[key], rtol=1e-4, atol=1e-5, err_msg=key)
    np.testing.assert_allclose(trainer.history["loss"], np.reshape(losses, (3, 5)).mean(axis=1), rtol=1e-5)


@every_optimizer
def test_a_second_fit_goes_on(name: str) -> None:
    """Slots and the number of the step are kept; NAdam's product of rates depends on that number alone."""
    case, whole, halves = CASES[name], built(), built()
    fitted(case, whole, 4)
    trainer = fitted(case, halves, 1)
    trainer.fit(*data(), epochs=3, batch_size=16, progress=False)
    assert_same_state(halves.state_dict(), whole.state_dict())


@every_optimizer
def test_back_to_a_snapshot(name: str) -> None:
    case, net = CASES[name], built()
    trainer = fitted(case, net, 2)
    snapshot, epoch = trainer.snapshot(), trainer.epoch
    ends = []
    for _ in range(2):
        trainer.restore(snapshot)
        trainer.epoch = epoch
        trainer.fit(*data(), epochs=2, batch_size=16, progress=False)
        ends.append(net.state_dict())
    assert_same_state(ends[1], ends[0])


# ------------------------------------------------------------------------------------- factors and frozen parameters


@every_optimizer
def test_a_factor_of_the_rate(name: str) -> None:
    """Also of decoupled decay, which is a multiple of the rate."""
    case, net = CASES[name], built({"lr_factor": 0.25}, {"lr_factor": 3})
    want = eager(case, net, factors={"0.weight": 0.25, "0.bias": 0.25, "2.weight": 3.0, "2.bias": 3.0})
    fitted(case, net)
    assert_same_state(net.state_dict(), want)


@every_optimizer
@pytest.mark.parametrize("frozen", [0, 2])
def test_what_is_not_trainable_keeps_its_values(name: str, frozen: int) -> None:
    """Under decay, too; and it is not in the norm."""
    case, options = CASES[name], [{"trainable": frozen != layer} for layer in (0, 2)]
    net = built(*options)
    before = net.state_dict()
    want = eager(case, net, factors={f"{frozen}.weight": 0.0, f"{frozen}.bias": 0.0}, theta=0.3)
    fitted(case, net, clip=optim.ClipNorm(0.3))
    assert_same_state(net.state_dict(), want)
    for key in ("weight", "bias"):
        assert_same_bits(net.state_dict()[f"{frozen}.{key}"], before[f"{frozen}.{key}"])


def test_gradients_that_nobody_wants_are_not_computed() -> None:
    X, y = data()
    lengths = []
    for options in (({}, {}), ({}, {"trainable": False}), ({"trainable": False}, {})):
        net = built(*options)
        trainer = trained(net, X, y, {"loss": "mse"}, epochs=1)
        lengths.append(len(trainer.training_step(16, Form(False, False, y.shape[1] if y.ndim > 1 else 1)).program))
    # A Dense has two ops for its gradients; of the frozen first one, nobody wants those behind it.
    assert lengths[1] == lengths[0] - 2
    assert lengths[2] == lengths[0] - 4


def test_a_trainer_wants_something_to_train() -> None:
    net = built({"trainable": False}, {"trainable": False})
    assert net.count_parameters() == 0
    check_refuses(lambda: fdl.Trainer(net, "mse").fit(*data(), progress=False), "trainable")


def test_layers_can_be_frozen_when_they_are_built() -> None:
    """As for a network that was loaded."""
    net, other = built(), built({"trainable": False, "lr_factor": 2.0}, {"lr_factor": 0.5})
    net.layers[0].trainable = False
    net.layers[0].lr_factor = 2.0
    net.layers[2].lr_factor = 0.5
    assert net.segments() == other.segments()
    fitted(CASES["adam"], net)
    fitted(CASES["adam"], other)
    assert_same_state(net.state_dict(), other.state_dict())
    for key, bad in (
        ("trainable", 1),
        ("trainable", None),
        ("lr_factor", -1.0),
        ("lr_factor", np.inf),
        ("lr_factor", "1"),
    ):
        check_refuses(lambda k=key, b=bad: setattr(net.layers[0], k, b), key)
        check_refuses(lambda k=key, b=bad: nn.Dense(3, **{k: b}), key)


def test_layers_can_be_frozen_between_fits() -> None:
    X, y = data()
    net = built()
    trainer = trained(net, X, y, {"loss": "mse"}, epochs=1)
    net.layers[0].trainable = False
    before = net.state_dict()
    trainer.fit(X, y, epochs=1, batch_size=16, progress=False)
    assert_same_bits(net.state_dict()["0.weight"], before["0.weight"])
    assert not np.array_equal(net.state_dict()["2.weight"], before["2.weight"])


def test_saved_and_counted(tmp_path: Any) -> None:
    net = built({"trainable": False}, {"lr_factor": 0.5})
    net.save(tmp_path / "m.safetensors")
    again = nn.load(tmp_path / "m.safetensors")
    assert again.segments() == net.segments() == [(128, 48, True, 0.5), (176, 16, False, 0.5)]
    assert net.count_parameters() == 40
    assert "40 parameters that are trained, 114 that are not" in net.summary()
    assert "that are" not in built().summary()


class Scale(nn.Layer):
    """y = x a b with a scalar each, of which only b may be trained."""

    def __init__(self, trainable: bool = True) -> None:
        super().__init__()
        self.option = trainable

    def build(self, in_shape: tuple[int, ...]) -> None:
        self.add_parameter("a", 1, "ones", trainable=self.option)
        self.add_parameter("b", 1, "ones", lr_factor=4.0)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.x = x
        return x * self.params["a"] * self.params["b"]

    def backward(self, dy: np.ndarray) -> np.ndarray:
        slope = (dy * self.x).sum()
        self.grads["a"][...] = slope * self.params["b"]
        self.grads["b"] = slope * self.params["a"]
        return dy * self.params["a"] * self.params["b"]


def test_layers_of_users() -> None:
    X, y = data()
    free, fixed = (nn.Sequential(Scale(trainable), nn.Dense(2)) for trainable in (True, False))
    norms = []
    for net in (free, fixed):
        net.build(5)
        trainer = trained(net, X, y, {"loss": "mse", "optimizer": optim.SGD(0.01)}, epochs=1, batch_size=60)
        norms.append(trainer.history["grad_norm"][0])
    a, b = (free.state_dict()[f"0.{name}"].item() - 1.0 for name in "ab")
    assert b == pytest.approx(4.0 * a, rel=1e-5) and a
    assert fixed.state_dict()["0.a"].item() == 1.0
    assert fixed.state_dict()["0.b"].item() - 1.0 == pytest.approx(b, rel=1e-5)
    assert norms[0] ** 2 - norms[1] ** 2 == pytest.approx((a / 0.01) ** 2, rel=1e-3)


# ----------------------------------------------------------------------------------------------------------- the edge


def test_names_and_defaults() -> None:
    assert {name: type(fdl.Trainer(nn.Sequential(nn.Dense(1)), "mse", name).optimizer) for name in NAMES} == NAMES
    lrs = {name: kind().lr for name, kind in NAMES.items()}
    assert lrs == {
        "sgd": 0.01, "normalized_sgd": 0.01, "adagrad": 0.01, "adadelta": 1.0, "rmsprop": 1e-3, "adam": 1e-3,
        "adamw": 1e-3, "adamax": 2e-3, "nadam": 2e-3, "radam": 1e-3, "lion": 1e-4,
    }  # fmt: skip
    assert optim.AdamW().weight_decay == 0.01 and optim.Lion().weight_decay == 0.0
    assert optim.RMSprop().slots == ("s",) and optim.RMSprop(momentum=0.5).slots == ("s", "velocity")
    assert "momentum_decay=0.004" in repr(optim.NAdam())


@pytest.mark.parametrize("name", NAMES)
def test_hyper_parameters_outside_their_domain(name: str) -> None:
    kind = NAMES[name]
    bad: dict[str, tuple[Any, ...]] = {
        "lr": (-1.0, np.nan, np.inf, "1"), "weight_decay": (-1.0, np.nan, "1"), "eps": (-1e-8, np.nan, None),
        "betas": ((0.9,), (0.9, 1.0), (-0.1, 0.9), 0.9, "ab"), "rho": (1.0, -0.1, None), "momentum": (1.1, -0.1, "1"),
        "centered": (1, "yes"), "amsgrad": (1, None), "decoupled_weight_decay": (0,), "momentum_decay": (-1.0, "1"),
    }  # fmt: skip
    takes = kind.__init__.__code__.co_varnames[1 : kind.__init__.__code__.co_argcount]
    assert "lr" in takes and "weight_decay" in takes
    for key in takes:
        for value in bad.get(key, ()):
            check_refuses(lambda k=key, v=value: kind(**{k: v}), key)
