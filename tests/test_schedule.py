"""Schedules: factors as functions of the step, and what the trainer makes of them."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from networks import assert_same_state, blobs, mlp
from support import check_refuses

import fastdl as fdl
from fastdl import nn, optim, schedule


def test_constant() -> None:
    assert schedule.Constant().values(np.arange(7), 3, 2).tolist() == [1.0] * 7


def test_exponential_changes_at_epoch_ends_only() -> None:
    values = schedule.Exponential(0.9).values(np.arange(9), 3, 3)
    assert values.dtype == np.float64
    np.testing.assert_allclose(values, [1, 1, 1, 0.9, 0.9, 0.9, 0.81, 0.81, 0.81], rtol=1e-15)


@pytest.mark.parametrize("one", [schedule.Constant(), schedule.Exponential(0.5)])
def test_value_is_an_element_of_values(one: schedule.Schedule) -> None:
    for step in range(12):
        assert one.value(step, 4, 3) == one.values(np.arange(12), 4, 3)[step]
        assert type(one.value(step, 4, 3)) is float


def test_exponential_without_argument_is_the_pages() -> None:
    assert schedule.Exponential().value(10, 10) == 0.98


@pytest.mark.parametrize("gamma", [0.0, -1.0, float("nan"), float("inf")])
def test_exponential_refuses_values(gamma: float) -> None:
    check_refuses(lambda: schedule.Exponential(gamma), "gamma", gamma)


def test_exponential_refuses_kinds() -> None:
    check_refuses(lambda: schedule.Exponential("0.9"), "gamma", "str")


def test_number_times_schedule_multiplies_the_trainers_own() -> None:
    X, y = blobs(40)
    half = schedule.Exponential(0.5)
    for rate in (0.1 * half, half * 0.1):
        trainer = fdl.Trainer(mlp(), optimizer=optim.SGD(rate), schedule=schedule.Exponential(0.1))
        history = trainer.fit(X, y, epochs=3, batch_size=20, progress=False)
        np.testing.assert_allclose(history["lr"], [0.1, 0.005, 0.00025], rtol=1e-14)


def test_a_second_fit_goes_on_in_the_schedule() -> None:
    X, y = blobs(40)
    trainer = fdl.Trainer(mlp(), optimizer=optim.SGD(1.0), schedule=schedule.Exponential(0.5))
    for _ in range(2):
        trainer.fit(X, y, epochs=2, batch_size=20, progress=False)
    np.testing.assert_allclose(trainer.history["lr"], [1, 0.5, 0.25, 0.125], rtol=1e-14)


def test_the_trainer_evaluates_every_step_of_the_whole_training() -> None:
    seen = []

    class Spy(schedule.Schedule):
        def values(self, steps: np.ndarray, steps_per_epoch: int, epochs: int) -> np.ndarray:
            seen.append((np.array(steps).tolist(), steps_per_epoch, epochs))
            return np.ones(len(steps))

    X, y = blobs(50)
    trainer = fdl.Trainer(mlp(), schedule=Spy())
    trainer.fit(X, y, epochs=2, batch_size=20, progress=False)
    assert seen == [([0, 1, 2], 3, 2), ([3, 4, 5], 3, 2)]


def test_the_rate_is_that_of_each_step() -> None:
    class Only(schedule.Schedule):  # the rate is 0 but in step 2
        def values(self, steps: np.ndarray, steps_per_epoch: int, epochs: int) -> np.ndarray:
            return (np.asarray(steps) == 2).astype(float)

    X, y = blobs(50)
    moved = []

    class Watch(fdl.callbacks.Callback):
        def on_batch_end(self, trainer: fdl.Trainer, step: int, logs: dict[str, float]) -> None:
            moved.append(trainer.net.parameters()["1.weight"].copy())

    trainer = fdl.Trainer(mlp(), optimizer=optim.SGD(0.1), schedule=Only())
    trainer.fit(X, y, batch_size=10, callbacks=Watch(), progress=False)
    changed = [bool((a != b).any()) for a, b in itertools.pairwise(moved)]
    assert changed == [False, True, False, False]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_factor_that_is_not_finite_is_refused_before_the_weights_are_lost(bad: float) -> None:
    class Bad(schedule.Schedule):
        def values(self, steps: np.ndarray, steps_per_epoch: int, epochs: int) -> np.ndarray:
            return np.full(len(steps), bad)

    X, y = blobs()
    net = mlp()
    net.build(6)
    with pytest.raises(ValueError, match="schedule"):
        fdl.Trainer(net, schedule=Bad()).fit(X, y, progress=False)
    assert all(np.isfinite(array).all() for array in net.state_dict().values())


@pytest.mark.parametrize("bad", [lambda n: 1.0, lambda n: np.ones(n + 1), lambda n: "x"])
def test_values_of_the_wrong_shape_are_refused_by_name(bad: object) -> None:
    class Bad(schedule.Schedule):
        def values(self, steps: np.ndarray, steps_per_epoch: int, epochs: int) -> np.ndarray:
            return bad(len(steps))  # type: ignore[operator]

    X, y = blobs()
    check_refuses(lambda: fdl.Trainer(mlp(), schedule=Bad()).fit(X, y, progress=False), "Bad")


# --------------------------------------------------------------------------------------------- each by its formula

PER_EPOCH, EPOCHS = 5, 8
TOTAL = PER_EPOCH * EPOCHS


def hills(step: int) -> float:
    return 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * step / TOTAL)))


def cosine(p: float) -> float:
    return (1 + math.cos(math.pi * p)) / 2


def one_cycle(step: int) -> float:
    p, low, end = step / TOTAL, 1 / 25, 1 / 25e4
    return low + (1 - low) * (1 - cosine(p / 0.3)) if p < 0.3 else end + (1 - end) * cosine((p - 0.3) / 0.7)


def restarts(step: int) -> float:
    """Cycles of 1, 2 and 4 epochs, and the begin of one of 8."""
    start, length = next((s, n) for s, n in ((0, 5), (5, 10), (15, 20), (35, 40)) if step < s + n)
    return 0.1 + 0.9 * cosine((step - start) / length)


def triangle(step: int) -> float:
    cycle, within = divmod(step, 6)
    return 0.2 + 0.8 * (1 - abs(within / 3 - 1)) / 2**cycle


FORMULAS: dict[str, tuple[schedule.Schedule, Callable[[int], float]]] = {
    "step": (schedule.Step(3, 0.5), lambda s: 0.5 ** (s // PER_EPOCH // 3)),
    "multi-step": (schedule.MultiStep([2, 3, 7], 0.1), lambda s: 0.1 ** sum(s // PER_EPOCH >= m for m in (2, 3, 7))),
    "multi-step without any": (schedule.MultiStep([]), lambda s: 1.0),
    "linear": (schedule.Linear(0.2), lambda s: 1 - 0.8 * s / TOTAL),
    "polynomial": (schedule.Polynomial(3.0, 0.1), lambda s: 0.1 + 0.9 * (1 - s / TOTAL) ** 3),
    "cosine": (schedule.Cosine(), lambda s: cosine(s / TOTAL)),
    "cosine to an end": (schedule.Cosine(0.25), lambda s: 0.25 + 0.75 * cosine(s / TOTAL)),
    "flat, then cosine": (schedule.FlatCos(), lambda s: 1.0 if s <= TOTAL / 2 else cosine(2 * s / TOTAL - 1)),
    "coslog": (schedule.Coslog(), hills),
    "inverse root": (schedule.InverseSqrt(7), lambda s: math.sqrt(7 / max(s + 1, 7))),
    "restarts": (schedule.CosineRestarts(1, 2, 0.1), restarts),
    "one cycle": (schedule.OneCycle(), one_cycle),
    "triangles": (schedule.Cyclic(3, 0.2), lambda s: 0.2 + 0.8 * (1 - abs(s % 6 / 3 - 1))),
    "falling triangles": (schedule.Cyclic(3, 0.2, "triangular2"), triangle),
    "warm-up": (schedule.Warmup(6), lambda s: min(1.0, (s + 1) / 6)),
    "warm-up, then cosine": (
        schedule.Warmup(6, "cosine", 0.5), lambda s: (0.5 + 0.5 * min(1.0, (s + 1) / 6)) * cosine(s / TOTAL),
    ),
    "of a function": (schedule.schedule_of(lambda steps, per_epoch, epochs: 1 / (1 + steps)), lambda s: 1 / (1 + s)),
    "of a number's function": (schedule.schedule_of(lambda *_: 0.5), lambda s: 0.5),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMULAS)
def test_formula(name: str) -> None:
    one, formula = FORMULAS[name]
    values = one.values(np.arange(TOTAL), PER_EPOCH, EPOCHS)
    assert values.dtype == np.float64
    np.testing.assert_allclose(values, [formula(step) for step in range(TOTAL)], rtol=1e-12, atol=1e-15)
    pieces = [
        one.values(np.arange(start, start + PER_EPOCH), PER_EPOCH, EPOCHS) for start in range(0, TOTAL, PER_EPOCH)
    ]
    assert np.concatenate(pieces).tolist() == values.tolist()
    assert [one.value(step, PER_EPOCH, EPOCHS) for step in range(TOTAL)] == values.tolist()
    assert one.values(np.arange(0), PER_EPOCH, EPOCHS).shape == (0,)
    beyond = one.values(np.arange(TOTAL, 3 * TOTAL), PER_EPOCH, EPOCHS)
    assert np.isfinite(beyond).all() and (beyond >= 0.0).all()


@pytest.mark.parametrize("name", sorted(schedule.KINDS))
def test_every_name_trains(name: str) -> None:
    X, y = blobs(40)
    trainer = fdl.Trainer(mlp(), optimizer=optim.SGD(0.1), schedule=name)
    history = trainer.fit(X, y, epochs=3, batch_size=20, validation_split=0.1, progress=False)
    factors = schedule.KINDS[name]().values(np.arange(6), 2, 3)
    np.testing.assert_allclose(history["lr"], 0.1 * factors[1::2], rtol=1e-14)
    assert type(fdl.Trainer(mlp(), schedule=schedule.KINDS[name]()).schedule) is schedule.KINDS[name]


def test_every_schedule_has_a_formula() -> None:
    tried = {type(one).__name__ for one, _ in FORMULAS.values()} | {"Constant", "Exponential", "ReduceOnPlateau"}
    assert set(schedule.__all__) - {"Schedule", "Scheduled"} == tried - {"Given"}


def test_learning_rates_reach_the_weights() -> None:
    """Plain SGD on a gradient that stays: each step moves as far as the schedule says."""
    X, moves, before = np.ones((12, 1), np.float32), [], [0.0]

    class Look(fdl.callbacks.Callback):
        def on_batch_end(self, trainer: fdl.Trainer, step: int, logs: dict[str, float]) -> None:
            bias = float(trainer.net.parameters()["0.bias"][0])
            moves.append(bias - before[0])
            before[0] = bias

    net = nn.Sequential(nn.Dense(1, init="zeros"))
    pull = lambda y, p: (-p[:, 0], np.full_like(p, -1.0))  # noqa: E731
    trainer = fdl.Trainer(net, pull, optim.SGD(0.5), schedule=schedule.OneCycle())
    trainer.fit(X, np.zeros((12, 1)), epochs=3, batch_size=3, callbacks=Look(), progress=False)
    np.testing.assert_allclose(moves, 0.5 * schedule.OneCycle().values(np.arange(12), 4, 3), rtol=1e-4)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: schedule.Step(0), ["every", "0"]),
        (lambda: schedule.Step(2, -1.0), ["gamma", "-1"]),
        (lambda: schedule.MultiStep([3, 2]), ["milestones", "3, 2"]),
        (lambda: schedule.MultiStep(3), ["milestones", "int"]),
        (lambda: schedule.MultiStep([0.5]), ["milestones"]),
        (lambda: schedule.Polynomial(0.0), ["power", "0"]),
        (lambda: schedule.Linear(-0.1), ["end", "-0.1"]),
        (lambda: schedule.FlatCos(1.0), ["flat", "1"]),
        (lambda: schedule.Coslog(31), ["cycles", "31"]),
        (lambda: schedule.InverseSqrt(0), ["warmup", "0"]),
        (lambda: schedule.CosineRestarts(0), ["first", "0"]),
        (lambda: schedule.CosineRestarts(1, 0), ["factor", "0"]),
        (lambda: schedule.OneCycle(1.0), ["rise", "1"]),
        (lambda: schedule.OneCycle(start=0.5), ["start", "0.5"]),
        (lambda: schedule.Cyclic(shape="round"), ["shape", "round"]),
        (lambda: schedule.Warmup(0), ["steps", "0"]),
        (lambda: schedule.Warmup(3, then=0.5), ["schedule", "float"]),
        (lambda: schedule.schedule_of("cosin"), ["schedule", "cosin", "cosine"]),
        (lambda: schedule.Cosine().plot(0), ["steps_per_epoch", "0"]),
    ],
)
def test_what_is_refused(make: Callable[[], object], words: list[str]) -> None:
    check_refuses(make, *words)


def test_a_function_that_gives_too_few_factors_moves_no_weight() -> None:
    X, y = blobs(40)
    net = mlp(scaler=False)
    net.build(X.shape[1], seed=0)
    before = net.state_dict()
    trainer = fdl.Trainer(net, schedule=lambda steps, per_epoch, epochs: steps[:1])
    check_refuses(lambda: trainer.fit(X, y, batch_size=20, progress=False), "schedule", "2")
    assert_same_state(net.state_dict(), before)


def test_plot(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    one = schedule.Warmup(6, "cosine")
    ax = one.plot(PER_EPOCH, EPOCHS)
    (line,) = ax.get_lines()
    assert line.get_ydata().tolist() == one.values(np.arange(TOTAL), PER_EPOCH, EPOCHS).tolist()
    assert line.get_xdata()[-1] == EPOCHS - 1 / PER_EPOCH and "Warmup" in ax.get_title()
    assert schedule.Linear().plot(ax=ax) is ax and len(ax.get_lines()) == 2
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"fastdl-nn\[plot\]"):
        one.plot()
