"""lr_find: the range test against its float64 twin, what it suggests, and that the trainer doesn't feel it."""

import copy
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import assert_same_state, blobs, mlp, trained, twin_training, unchanged
from support import assert_same_bits, check_refuses, team

import fastdl as fdl
from fastdl import callbacks, datasets, kernels, nn, optim, schedule
from fastdl.fitting import SHUFFLE_STREAM
from fastdl.range_test import RangeTest

X, Y = blobs(103)


def geometric(low: float, high: float, steps: int) -> np.ndarray:
    return np.array([low * (high / low) ** (i / (steps - 1)) for i in range(steps)])


def batches(epochs: int, batch: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    orders = [kernels.permutation(len(X), seed, epoch, SHUFFLE_STREAM) for epoch in range(epochs)]
    return [(X[rows], Y[rows]) for order in orders for rows in np.split(order, range(batch, len(X), batch))]


def test_losses_are_those_of_the_float64_twin() -> None:
    """SGD over 30 steps, whose rates grow from 0.001 to 1."""
    net = nn.Sequential(nn.Dense(8), nn.Tanh(), nn.Dense(3))
    net.build(6, seed=4)
    rates = geometric(1e-3, 1.0, 30)
    found = fdl.lr_find(fdl.Trainer(net, optimizer=optim.SGD(), seed=4), X, Y, 1e-3, 1.0, 30, batch_size=20)
    np.testing.assert_allclose(found.rates, rates, rtol=1e-13)
    step = lambda name, w, g, slots, t: w - rates[t - 1] * g  # noqa: E731
    _, losses = twin_training(net, net.state_dict(), batches(5, 20, 4)[:30], step)
    np.testing.assert_allclose(found.losses, losses, rtol=1e-5)
    smoothed = [np.average(losses[: i + 1], weights=0.9 ** np.arange(i, -1.0, -1.0)) for i in range(30)]
    np.testing.assert_allclose(found.smoothed, smoothed, rtol=1e-5)
    assert found.losses.dtype == found.rates.dtype == found.smoothed.dtype == np.float64
    assert found.losses[-1] < 0.9 * found.losses[0]


class Losses(callbacks.Callback):
    def __init__(self) -> None:
        self.seen: list[float] = []

    def on_batch_end(self, trainer: fdl.Trainer, step: int, logs: dict[str, float]) -> None:
        self.seen.append(logs["loss"])


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": optim.SGD(0.3 * schedule.Exponential(0.5), momentum=0.9)},
        {"optimizer": optim.AdamW(weight_decay=0.5), "schedule": "cosine"},
        {"clip": optim.ClipNorm(0.1), "penalty": fdl.L2(0.01)},
        {"mixup": 0.4, "averaging": optim.EMA(0.9)},
        {"schedule": schedule.ReduceOnPlateau()},
    ],
)
def test_it_trains_as_the_trainer_would_at_these_rates(options: dict[str, Any]) -> None:
    weights = np.linspace(0.0, 2.0, len(X))
    found = fdl.lr_find(fdl.Trainer(mlp(), seed=2, **options), X, Y, 1e-4, 0.1, 28, 16, weights, {1: 3.0})
    assert len(found.rates) == 28
    optimizer = copy.copy(options.get("optimizer", optim.Adam()))
    optimizer.lr = 1.0
    rates, losses = geometric(1e-4, 0.1, 28), Losses()
    plain = {**options, "optimizer": optimizer, "schedule": lambda steps, *_: rates[steps]}
    trained(
        mlp(), X, Y, {"seed": 2, **plain}, epochs=4, sample_weight=weights, class_weight={1: 3.0}, callbacks=losses
    )  # fmt: skip
    np.testing.assert_allclose(found.losses, losses.seen, rtol=1e-6)  # the rates may differ in their last bit


@pytest.mark.parametrize("epochs", [0, 2])
@pytest.mark.parametrize("built", [False, True])
def test_the_trainer_does_not_feel_it(epochs: int, built: bool) -> None:
    ways = []
    for finds in (False, True):
        net = mlp()
        if built:
            net.build(6, seed=9)
        trainer = fdl.Trainer(net, optimizer=optim.Adam(0.01), averaging=optim.EMA(0.9), seed=1)
        if epochs:
            trainer.fit(X, Y, epochs, progress=False)
        if finds:
            before = (trainer.step, trainer.epoch, trainer.history.epochs, trainer.optimizer.lr)
            with unchanged(net):
                fdl.lr_find(trainer, X, Y, steps=20)
            assert (trainer.step, trainer.epoch, trainer.history.epochs, trainer.optimizer.lr) == before
        trainer.fit(X, Y, 2, progress=False)
        ways.append(trainer)
    assert_same_state(ways[1].net.state_dict(), ways[0].net.state_dict())
    assert ways[1].history == ways[0].history


def test_it_begins_with_the_weights_that_are_there() -> None:
    trainer = trained(mlp(rate=0.0), X, Y, {"optimizer": optim.Adam(0.03)}, epochs=30)
    assert fdl.lr_find(trainer, X, Y, steps=10).losses[0] < 0.7 * fdl.lr_find(fdl.Trainer(mlp()), X, Y).losses[0]


def test_a_callback_may_ask() -> None:
    class Ask(callbacks.Callback):
        def on_epoch_end(self, trainer: fdl.Trainer, epoch: int, logs: dict[str, float]) -> None:
            assert len(fdl.lr_find(trainer, X, Y, 1e-5, 1e-3, steps=12).rates) == 12

    asked = trained(mlp(), X, Y, callbacks=Ask())
    assert_same_state(asked.net.state_dict(), trained(mlp(), X, Y).net.state_dict())


def test_threads_make_no_difference() -> None:
    results = []
    for threads in (1, 2, 3, 7):
        with team(threads=threads):
            found = fdl.lr_find(fdl.Trainer(mlp()), X, Y, steps=30)
            results.append((found.rates, found.losses, found.smoothed))
    for result in results[1:]:
        assert_same_bits(result, results[0])


@pytest.mark.parametrize(("rows", "batch", "steps"), [(1, 1, 2), (2, 5, 3), (103, 32, 4), (103, 103, 5), (7, 3, 11)])
def test_steps_are_counted_through_epochs(rows: int, batch: int, steps: int) -> None:
    net = nn.Sequential(nn.Dense(3))
    found = fdl.lr_find(fdl.Trainer(net), X[:rows], Y[:rows] * 0 + 2, 1e-6, 1e-5, steps, batch)
    assert len(found.rates) == len(found.losses) == len(found.smoothed) == steps
    assert not net.built


# ------------------------------------------------------------------------------------------------ explosions


def test_it_ends_when_the_loss_explodes() -> None:
    found = fdl.lr_find(fdl.Trainer(mlp(scaler=False), "mse", optim.SGD()), X, X[:, :3], 1e-4, 1e4, steps=200)
    assert 20 < len(found.rates) < 200
    rise = found.smoothed - np.minimum.accumulate(found.smoothed)
    assert rise[-1] > 3.0 * found.losses[0] >= rise[:-1].max()
    assert found.suggestion == found.rates[found.smoothed.argmin()] / 10


def test_it_ends_three_times_the_first_loss_above_the_least() -> None:
    def rising(y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        calls.append(1)
        return np.full(len(p), 2.0 + 0.25 * len(calls)), np.zeros_like(p)

    calls: list[int] = []
    found = fdl.lr_find(fdl.Trainer(nn.Sequential(nn.Dense(1)), rising), X, np.zeros(len(X)))
    assert found.losses[:2].tolist() == [2.25, 2.5]
    rise = found.smoothed - found.smoothed[0]
    assert rise[-1] > 3.0 * 2.25 >= rise[-2]


def test_it_ends_before_a_step_that_is_not_finite() -> None:
    def once(y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        calls.append(1)
        return np.full(len(p), np.nan if len(calls) == 14 else 1.0), np.zeros_like(p)

    calls: list[int] = []
    found = fdl.lr_find(fdl.Trainer(nn.Sequential(nn.Dense(1)), once), X, np.zeros(len(X)))
    assert len(found.rates) == len(found.losses) == 13


def test_a_loss_that_begins_non_finite_is_an_error() -> None:
    bad = lambda y, p: (np.full(len(p), np.nan), np.zeros_like(p))  # noqa: E731
    with pytest.raises(fdl.NonFiniteError):
        fdl.lr_find(fdl.Trainer(nn.Sequential(nn.Dense(1)), bad), X, np.zeros(len(X)))


def test_negative_losses_are_no_explosion() -> None:
    low = lambda y, p: (np.full(len(p), -5.0), np.zeros_like(p))  # noqa: E731
    assert len(fdl.lr_find(fdl.Trainer(nn.Sequential(nn.Dense(1)), low), X, np.zeros(len(X)), steps=9).rates) == 9


# ------------------------------------------------------------------------------------------------ what it says


def of(smoothed: Sequence[float]) -> RangeTest:
    return RangeTest(geometric(1e-3, 1.0, len(smoothed)), np.array(smoothed) + 0.1, np.array(smoothed))


def test_the_suggestion_is_a_tenth_of_the_best_rate() -> None:
    assert of([2.0, 1.5, 0.5, 4.0]).suggestion == pytest.approx(1e-2)
    assert "0.01" in repr(of([2.0, 1.5, 0.5, 4.0]))


def test_without_a_fall_there_is_no_suggestion() -> None:
    check_refuses(lambda: of([1.0, 2.0, 3.0]).suggestion, "suggestion", "0.001", "low=")
    assert "no suggestion" in repr(of([1.0, 1.0]))


@pytest.mark.parametrize("optimizer", [optim.SGD, optim.Adam, optim.RMSprop, optim.Adagrad])
def test_a_network_learns_at_the_suggested_rate(optimizer: Any) -> None:
    digits, labels = datasets.load_digits()
    net = nn.Sequential(nn.MinMaxScale(), nn.Dense(32), nn.ReLU(), nn.Dense(10))
    rate = fdl.lr_find(fdl.Trainer(net, optimizer=optimizer()), digits, labels).suggestion
    history = trained(net, digits, labels, {"optimizer": optimizer(rate), "metrics": ["accuracy"]}, epochs=6).history
    assert history["accuracy"][-1] > 0.95, rate


def test_plot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    found = of([2.0, 1.5, 0.5, 4.0])
    axes = found.plot(tmp_path / "rates.png").axes[0]
    assert (tmp_path / "rates.png").read_bytes().startswith(b"\x89PNG")
    assert axes.get_xscale() == "log"
    assert [line.get_ydata()[0] for line in axes.lines[:2]] == [2.1, 2.0]
    assert axes.lines[2].get_xdata()[0] == found.suggestion
    assert len(of([1.0, 2.0]).plot().axes[0].lines) == 2, "no suggestion, no line"
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"RangeTest.plot needs.*fastdl-nn\[plot\]"):
        found.plot()


def test_pickling() -> None:
    found = of([2.0, 1.0])
    same = pickle.loads(pickle.dumps(found))
    assert_same_bits([same.rates, same.losses, same.smoothed], [found.rates, found.losses, found.smoothed])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"trainer": mlp()}, ["trainer", "Sequential"]),
        ({"low": 0.0}, ["low", "0"]),
        ({"low": "1"}, ["low", "str"]),
        ({"high": 1e-7}, ["high", "1e-07"]),
        ({"high": float("inf")}, ["high", "inf"]),
        ({"steps": 1}, ["steps", "1"]),
        ({"steps": 5.0}, ["steps", "float"]),
        ({"batch_size": 0}, ["batch_size", "0"]),
        ({"X": X[:5]}, ["y", "5", "103"]),
    ],
)
def test_what_is_refused(options: dict[str, Any], words: Sequence[str]) -> None:
    call = {"trainer": fdl.Trainer(mlp()), "X": X, "y": Y, **options}
    check_refuses(lambda: fdl.lr_find(**call), *words)


def test_numbers_that_follow_a_plateau_stay_at_their_bases() -> None:
    """There is no validation data in a range test; the result is that of the plain numbers."""
    X, y = blobs(60)

    def found(rate: Any, decay: Any) -> RangeTest:
        net = nn.Sequential(nn.Dense(8), nn.ReLU(), nn.Dropout(rate), nn.Dense(3))
        return fdl.lr_find(fdl.Trainer(net, optimizer=optim.AdamW(weight_decay=decay)), X, y, steps=20)

    falling = schedule.ReduceOnPlateau()
    one, two = found(0.2 * falling, 0.1 * falling), found(0.2, 0.1)
    np.testing.assert_array_equal(one.losses, two.losses)
