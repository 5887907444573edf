"""Hyper-parameters that follow a schedule: each step is the one that a trainer with that step's numbers would make."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import assert_same_state, blobs, mlp, trained
from support import team

import fastdl as fdl
from fastdl import nn, optim, schedule
from fastdl.schedule import Schedule, Scheduled

X, Y = blobs(64)
FALLS = schedule.Exponential(0.9)  # by epoch; an epoch of these tests is a step
STEPS = 25


def by_hand(net: nn.Sequential, optimizer: optim.Optimizer, change: Callable[[fdl.Trainer, float], None]) -> Any:
    """A training whose numbers are set before each step."""
    trainer = fdl.Trainer(net, optimizer=optimizer)
    for step in range(STEPS):
        change(trainer, 0.9**step)
        trainer._programs.clear()  # which hold the old numbers
        trainer.fit(X, Y, batch_size=64, progress=False)
    return trainer.net.state_dict()


OPTIMIZERS: dict[str, tuple[Callable[[Any], optim.Optimizer], Any, str]] = {
    "coupled decay": (lambda x: optim.Adam(0.01, weight_decay=x), 0.5, "weight_decay"),
    "decoupled decay": (lambda x: optim.AdamW(0.01, weight_decay=x), 0.5, "weight_decay"),
    "decay of Lion": (lambda x: optim.Lion(0.01, weight_decay=x), 0.5, "weight_decay"),
    "rate": (lambda x: optim.SGD(x, momentum=0.9), 0.1, "lr"),
    "momentum": (lambda x: optim.SGD(0.1, momentum=x), 0.9, "momentum"),
    "Nesterov": (lambda x: optim.SGD(0.1, momentum=x, nesterov=True, form="torch"), 0.9, "momentum"),
    "momentum of RMSprop": (lambda x: optim.RMSprop(0.01, momentum=x), 0.9, "momentum"),
    "rho": (lambda x: optim.RMSprop(0.01, rho=x), 0.9, "rho"),
    "eps": (lambda x: optim.Adagrad(0.01, eps=x), 0.1, "eps"),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_scheduled_number_of_an_optimizer(name: str) -> None:
    make, base, attribute = OPTIMIZERS[name]
    got = trained(mlp(), X, Y, {"optimizer": make(base * FALLS)}, epochs=STEPS, batch_size=64).net.state_dict()

    def change(trainer: fdl.Trainer, factor: float) -> None:
        setattr(trainer.optimizer, attribute, base * factor)

    assert_same_state(got, by_hand(mlp(), make(base), change))
    with pytest.raises(AssertionError):
        assert_same_state(
            got, trained(mlp(), X, Y, {"optimizer": make(base)}, epochs=STEPS, batch_size=64).net.state_dict()
        )


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("make", [optim.Adam, optim.RAdam, optim.Adamax, optim.Lion])
def test_scheduled_betas(make: Any, place: int) -> None:
    betas: list[Any] = [0.9, 0.99]
    betas[place] *= FALLS
    got = trained(mlp(), X, Y, {"optimizer": make(0.01, betas=tuple(betas))}, epochs=STEPS, batch_size=64)

    def change(trainer: fdl.Trainer, factor: float) -> None:
        now = [0.9, 0.99]
        now[place] *= factor
        trainer.optimizer.betas = tuple(now)

    assert_same_state(got.net.state_dict(), by_hand(mlp(), make(0.01, betas=(0.9, 0.99)), change))


def noisy(kind: str, x: Any) -> nn.Sequential:
    """A network in which something random happens in two places; the first follows x."""
    layers = {
        "fused dropout": (nn.BatchNorm(), nn.ReLU(), nn.Dropout(x)),
        "dropout": (nn.Tanh(), nn.Dropout(x)),
        "alpha dropout": (nn.SELU(), nn.AlphaDropout(x)),
        "noise": (nn.GaussianNoise(x), nn.ReLU()),
    }[kind]
    return nn.Sequential(nn.Dense(24), *layers, nn.Dense(24), nn.ReLU(), nn.Dropout(0.25), nn.Dense(3))


@pytest.mark.parametrize("kind", ["fused dropout", "dropout", "alpha dropout", "noise"])
def test_a_scheduled_number_of_a_layer(kind: str) -> None:
    got = trained(noisy(kind, 0.5 * FALLS), X, Y, epochs=STEPS, batch_size=64).net.state_dict()

    def change(trainer: fdl.Trainer, factor: float) -> None:
        layer = next(
            layer for layer in trainer.net.layers if isinstance(layer, nn.Dropout | nn.AlphaDropout | nn.GaussianNoise)
        )
        setattr(layer, "std" if kind == "noise" else "rate", 0.5 * factor)

    assert_same_state(got, by_hand(noisy(kind, 0.5), optim.Adam(), change))


@pytest.mark.parametrize("kind", ["fused dropout", "dropout", "alpha dropout", "noise"])
def test_a_constant_schedule_changes_no_bit_and_threads_neither(kind: str) -> None:
    plain = trained(noisy(kind, 0.5), X, Y, {"optimizer": optim.AdamW()})
    for threads in (1, 2, 3, 7):
        with team(threads=threads):
            net = noisy(kind, 0.5 * schedule.Constant())
            decay = 0.01 * schedule.Constant()
            assert_same_state(
                trained(net, X, Y, {"optimizer": optim.AdamW(weight_decay=decay)}).net.state_dict(),
                plain.net.state_dict(),
            )


def test_changes_within_an_epoch_and_a_schedule_that_ends_at_zero() -> None:
    """Linear from 1 to 0: by the last step nothing is dropped any more."""
    net = nn.Sequential(nn.Dropout(0.5 * schedule.Linear()), nn.Dense(3))
    trained(net, X, Y, epochs=3, batch_size=7)
    rates = 0.5 * schedule.Linear().values(np.arange(30), 10, 3)
    assert rates[0] == 0.5
    assert rates[-1] < 0.05


def test_outside_of_a_training_the_base_holds() -> None:
    scheduled, plain = noisy("fused dropout", 0.5 * FALLS), noisy("fused dropout", 0.5)
    for net in (scheduled, plain):
        net.build(6)
    np.testing.assert_array_equal(scheduled(X, training=True, seed=3), plain(X, training=True, seed=3))
    np.testing.assert_array_equal(scheduled.predict(X), plain.predict(X))


ALL: list[Schedule] = [
    schedule.FlatCos(), schedule.Exponential(0.9), schedule.Warmup(3, schedule.Cosine(), 0.1), schedule.Coslog(2),
    schedule.MultiStep([2, 3]), schedule.OneCycle(), schedule.Cyclic(), schedule.CosineRestarts(3),
    schedule.InverseSqrt(), schedule.Polynomial(), schedule.Step(2), schedule.Linear(), schedule.Constant(),
]  # fmt: skip


@pytest.mark.parametrize("given", ALL, ids=lambda s: type(s).__name__)
def test_saved_loaded_and_copied(given: Schedule, tmp_path: Path) -> None:
    net = noisy("fused dropout", 0.5 * given)
    trained(net, X, Y)
    net.save(tmp_path / "m.safetensors")
    steps = np.arange(20)
    for other in (nn.load(tmp_path / "m.safetensors"), copy.deepcopy(net)):
        rate = other.layers[3].rate
        assert isinstance(rate, Scheduled)
        assert (rate.base, repr(rate)) == (0.5, repr(net.layers[3].rate))
        np.testing.assert_array_equal(rate.schedule.values(steps, 5, 4), given.values(steps, 5, 4))


def test_what_cannot_be_saved_says_so(tmp_path: Path) -> None:
    net = noisy("dropout", 0.5 * schedule.schedule_of(lambda steps, per_epoch, epochs: 1.0 + 0 * steps))
    trained(net, X, Y)
    with pytest.raises(ValueError, match="can't be saved"):
        net.save(tmp_path / "m.safetensors")
    assert not list(tmp_path.iterdir())


class Wild(Schedule):
    def values(self, steps: np.ndarray, steps_per_epoch: int, epochs: int) -> np.ndarray:
        return 1.0 + steps / 8.0


def test_a_schedule_that_leaves_the_bounds_is_refused_by_name() -> None:
    for net, options, words in (
        (noisy("dropout", 0.5 * Wild()), {}, "rate"),
        (noisy("noise", 0.5 * Wild()), {"optimizer": optim.SGD(momentum=0.9 * Wild())}, "momentum"),
        (noisy("dropout", 0.1), {"optimizer": optim.Adam(betas=(0.9, 0.9 * Wild()))}, "betas"),
    ):
        with pytest.raises(ValueError, match=rf"{words}: expected numbers in \[0, 1"):
            trained(net, X, Y, options, epochs=9)


def test_a_plateau_that_nothing_records_is_refused() -> None:
    """And one that is recorded lowers the number."""
    falls = schedule.ReduceOnPlateau(factor=0.5, patience=1, min_delta=1e9)
    with pytest.raises(ValueError, match="val_loss"):
        trained(noisy("dropout", 0.5 * falls), X, Y)
    followed = trained(noisy("dropout", 0.5 * falls), X, Y, epochs=4, validation_data=(X, Y))
    constant = trained(noisy("dropout", 0.5), X, Y, epochs=4, validation_data=(X, Y))
    assert followed.history["loss"][:2] == constant.history["loss"][:2]
    assert followed.history["loss"][3] != constant.history["loss"][3]


def test_bad_values() -> None:
    for make, words in (
        (lambda: nn.Dropout(1.0 * FALLS), "rate"),
        (lambda: nn.Dropout(-0.1 * FALLS), "rate"),
        (lambda: nn.Dropout(FALLS), "rate"),
        (lambda: nn.Dropout({"base": 0.1}), "scheduled"),
        (lambda: nn.GaussianNoise(-1 * FALLS), "std"),
        (lambda: optim.AdamW(weight_decay=-1 * FALLS), "weight_decay"),
        (lambda: optim.Adam(betas=(0.9, 1.0 * FALLS)), "betas"),
        (lambda: optim.NAdam(betas=(0.9 * FALLS, 0.99)), "betas"),
    ):
        with pytest.raises((ValueError, TypeError), match=words):
            make()
