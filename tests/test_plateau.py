"""ReduceOnPlateau: Keras's rule, what the trainer makes of it, and that it is a function of the history alone."""

import copy
import itertools
import math
import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import assert_same_state, blobs, mlp, unchanged
from support import check_refuses, property_test, team

import fastdl as fdl
from fastdl import nn, optim
from fastdl.schedule import Exponential, ReduceOnPlateau, Schedule, Warmup, schedule_of

X, Y = blobs(60)


class Keras:
    """Keras's rule, as the states of its callback: a rate that falls at epoch ends."""

    def __init__(self, factor: float, patience: int, min_delta: float, sign: int, cooldown: int, low: float) -> None:
        self.factor, self.patience, self.min_delta, self.sign = factor, patience, min_delta, sign
        self.cooldown, self.low = cooldown, low
        self.rate, self.best, self.wait, self.resting = 1.0, sign * math.inf, 0, 0

    def epoch_end(self, value: float) -> None:
        if self.resting > 0:
            self.resting, self.wait = self.resting - 1, 0
        if self.sign * value < self.sign * self.best - self.min_delta:
            self.best, self.wait = value, 0
        elif self.resting == 0:
            self.wait += 1
            if self.wait >= self.patience and self.rate > self.low:
                self.rate, self.resting, self.wait = max(self.rate * self.factor, self.low), self.cooldown, 0


@pytest.mark.parametrize("patience", [0, 1, 2, 3])
@pytest.mark.parametrize("min_delta", [0.0, 1.0])
@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("cooldown", [0, 1, 2, 3])
def test_it_falls_when_kerass_does(patience: int, min_delta: float, mode: str, cooldown: int) -> None:
    one = ReduceOnPlateau("val_loss", 0.5, patience, min_delta, mode, cooldown, low=0.2)
    for values in itertools.product([1.0, 2.0, 3.0, math.nan], repeat=5):
        keras = Keras(0.5, patience, min_delta, 1 if mode == "min" else -1, cooldown, 0.2)
        for epoch, value in enumerate(values):
            assert one.reached(values[:epoch]) == keras.rate, values[:epoch]
            keras.epoch_end(value)
        assert one.reached(values) == keras.rate, values


@property_test
@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=60),
    st.floats(0.01, 0.99),
    st.integers(0, 5),
    st.integers(0, 4),
    st.floats(0.0, 1.0),
)
def test_it_never_rises_and_never_falls_below_the_low(
    values: list[float], factor: float, patience: int, cooldown: int, low: float
) -> None:
    one = ReduceOnPlateau("loss", factor, patience, 0.0, "min", cooldown, low)
    reached = [one.reached(values[:n]) for n in range(len(values) + 1)]
    assert reached[0] == 1.0
    assert all(low <= later <= earlier for earlier, later in itertools.pairwise(reached))
    drops = [n for n, (earlier, later) in enumerate(itertools.pairwise(reached)) if later < earlier]
    assert all(later - earlier >= max(patience, 1) for earlier, later in itertools.pairwise(drops))


@pytest.mark.parametrize(
    ("values", "factors"),
    [
        ([5, 4, 4, 4, 4, 4, 1], [1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01]),  # two epochs without improvement, then again two
        ([5, 6, 4, 6, 3, 6], [1, 1, 1, 1, 1, 1, 1]),  # an improvement gives back all the patience
        ([5, 4.95, 4.9], [1, 1, 1, 0.1]),  # not by more than min_delta
    ],
)
def test_by_hand(values: list[float], factors: list[float]) -> None:
    one = ReduceOnPlateau("loss", patience=2, min_delta=0.1)
    np.testing.assert_allclose([one.reached(values[:n]) for n in range(len(values) + 1)], factors, rtol=1e-15)


@pytest.mark.parametrize(("monitor", "falls"), [("loss", False), ("val_accuracy", True), ("r2", True), ("mse", False)])
def test_the_side_that_is_better_is_known_by_name(monitor: str, falls: bool) -> None:
    assert (ReduceOnPlateau(monitor, patience=1).reached([3.0, 2.0, 1.0]) < 1.0) == falls


# ------------------------------------------------------------------------------------------------ in a training


def fit(one: Any, epochs: int = 12, *, seed: int = 0, lr: Any = 0.5, **options: Any) -> fdl.Trainer:
    trainer = fdl.Trainer(mlp(), optimizer=optim.SGD(lr), schedule=one, metrics=["accuracy"], seed=seed)
    trainer.fit(X, Y, epochs, batch_size=15, **{"progress": False, "validation_split": 0.25, **options})
    return trainer


@pytest.mark.parametrize("monitor", ["loss", "val_loss", "accuracy", "val_accuracy"])
def test_the_rate_of_every_epoch_is_that_of_the_rule(monitor: str) -> None:
    history = fit(ReduceOnPlateau(monitor, 0.5, patience=2), 30).history
    keras = Keras(0.5, 2, 1e-4, -1 if "accuracy" in monitor else 1, 0, 0.0)
    rates = []
    for value in history[monitor]:
        rates.append(0.5 * keras.rate)
        keras.epoch_end(value)
    assert history["lr"] == rates
    assert rates[-1] < 0.5 or monitor == "loss"


def test_the_reduced_rate_reaches_the_weights() -> None:
    """Plain SGD on a gradient of 1: each epoch's steps move as far as the rule says. The loss stands still."""
    moves, before = [], [0.0]

    class Look(fdl.callbacks.Callback):
        def on_batch_end(self, trainer: fdl.Trainer, step: int, logs: dict[str, float]) -> None:
            bias = float(trainer.net.parameters()["0.bias"][0])
            moves.append(bias - before[0])
            before[0] = bias

    net = nn.Sequential(nn.Dense(1, init="zeros"))
    pull = lambda y, p: (np.ones(len(p)), np.full_like(p, -1.0))  # noqa: E731
    trainer = fdl.Trainer(net, pull, optim.SGD(0.5), schedule=ReduceOnPlateau("loss", 0.5, patience=3))
    trainer.fit(np.ones((12, 1)), np.zeros((12, 1)), 10, batch_size=4, callbacks=Look(), progress=False)
    # The first epoch improves on nothing, the three behind it do not.
    expected = np.repeat([0.5] * 4 + [0.25] * 3 + [0.125] * 3, 3)
    np.testing.assert_allclose(moves, expected, rtol=1e-5)


def test_without_a_plateau_the_bits_are_those_of_no_schedule() -> None:
    assert_same_state(fit(ReduceOnPlateau(patience=50)).net.state_dict(), fit(None).net.state_dict())


def test_threads_make_no_difference() -> None:
    states = []
    for threads in (1, 2, 3, 7):
        with team(threads=threads):
            states.append(fit(ReduceOnPlateau(patience=1, factor=0.5)).net.state_dict())
    for state in states[1:]:
        assert_same_state(state, states[0])


def test_a_second_fit_goes_on_and_a_reset_starts_over() -> None:
    one = ReduceOnPlateau("loss", 0.5, patience=2, min_delta=1.0)
    trainer = fdl.Trainer(mlp(), optimizer=optim.SGD(0.5), schedule=one)
    for _ in range(3):
        trainer.fit(X, Y, 2, batch_size=15, progress=False)
    assert trainer.history["lr"] == fit(one, 6, validation_split=0.0).history["lr"] == [0.5] * 3 + [0.25] * 2 + [0.125]
    trainer.reset()
    trainer.fit(X, Y, 2, batch_size=15, progress=False)
    assert trainer.history["lr"] == [0.5, 0.5]


def test_trainers_may_share_one() -> None:
    one = ReduceOnPlateau(patience=1, factor=0.5)
    shared = [fit(one, seed=seed) for seed in (1, 2)]
    for seed, trainer in zip((1, 2), shared, strict=True):
        alone = fit(ReduceOnPlateau(patience=1, factor=0.5), seed=seed)
        assert trainer.history == alone.history
        assert_same_state(trainer.net.state_dict(), alone.net.state_dict())


def test_it_multiplies_with_others() -> None:
    plateau = ReduceOnPlateau("loss", 0.5, patience=1, min_delta=9.0)
    expected = 0.4 * 0.9 ** np.arange(4) * [1, 1, 0.5, 0.25]
    both = fit(Exponential(0.9), 4, lr=0.4 * plateau)
    np.testing.assert_allclose(both.history["lr"], expected, rtol=1e-14)
    assert both.history == fit(plateau, 4, lr=0.4 * Exponential(0.9)).history


def test_it_can_be_warmed_up_for() -> None:
    plateau = ReduceOnPlateau("loss", 0.5, patience=1, min_delta=9.0)
    history = fit(Warmup(6, then=plateau), 4).history  # 3 steps an epoch: half way up at the end of the first
    np.testing.assert_allclose(history["lr"], [0.25, 0.5, 0.25, 0.125], rtol=1e-14)
    check_refuses(lambda: fit(Warmup(6, then="reduce_on_plateau"), validation_split=0.0), "ReduceOnPlateau", "val_loss")


def test_of_itself_it_is_one() -> None:
    one = schedule_of("reduce_on_plateau")
    assert one.values(np.arange(5), 2, 3).tolist() == [1.0] * 5
    assert one.value(10**6, 2, 3) == one.after({}).value(7) == one.after({"val_loss": []}).value(7) == 1.0


def test_pure_schedules_hold_after_any_history() -> None:
    one = Exponential(0.5)
    assert one.after({"loss": [1.0]}) is one
    assert one.check([]) is None


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_copies_are_alike(duplicate: Any) -> None:
    one = ReduceOnPlateau("val_accuracy", 0.3, 4, 0.01, "max", 2, 0.1)
    assert vars(duplicate(one)) == vars(one)
    assert repr(duplicate(one)) == repr(one)
    assert repr(one).startswith("ReduceOnPlateau(monitor='val_accuracy', min_delta=0.01, ")


# ------------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("one", "fitted", "words"),
    [
        (ReduceOnPlateau(), {}, ["ReduceOnPlateau", "'val_loss'", "loss, accuracy", "validation_split="]),
        (ReduceOnPlateau("val_mse"), {"validation_split": 0.2}, ["'val_mse'", "val_loss, val_accuracy"]),
        (ReduceOnPlateau("lr"), {}, ["'lr'", "loss, accuracy"]),
    ],
)
@pytest.mark.parametrize("built", [False, True])
@pytest.mark.parametrize("of_rate", [False, True])
def test_a_quantity_that_is_not_there_is_refused_before_anything_changes(
    one: Schedule, fitted: dict[str, Any], words: Sequence[str], built: bool, of_rate: bool
) -> None:
    net = mlp()
    if built:
        net.build(6)
    where = {"optimizer": optim.SGD(0.1 * one)} if of_rate else {"schedule": one}
    trainer = fdl.Trainer(net, metrics=["accuracy"], **where)
    with unchanged(net):
        check_refuses(lambda: trainer.fit(X, Y, progress=False, **fitted), *words)
    assert trainer.step == trainer.history.epochs == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"monitor": 3}, ["monitor", "3"]),
        ({"factor": 1.0}, ["factor", "1"]),
        ({"factor": 0.0}, ["factor", "0"]),
        ({"factor": math.nan}, ["factor", "nan"]),
        ({"patience": -1}, ["patience", "-1"]),
        ({"patience": 1.5}, ["patience", "float"]),
        ({"min_delta": -0.1}, ["min_delta", "-0.1"]),
        ({"mode": "most"}, ["mode", "most"]),
        ({"cooldown": -1}, ["cooldown", "-1"]),
        ({"low": 1.5}, ["low", "1.5"]),
    ],
)
def test_what_is_refused(options: dict[str, Any], words: Sequence[str]) -> None:
    check_refuses(lambda: ReduceOnPlateau(**options), *words)
