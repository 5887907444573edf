"""Schedules: factors as functions of the step, and what the trainer makes of them."""

import itertools

import numpy as np
import pytest
from networks import blobs, mlp
from support import check_refuses

import fastdl as fdl
from fastdl import optim, schedule


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


def test_scheduled_numbers_are_refused_where_nothing_would_follow_the_schedule() -> None:
    for make in (
        lambda: optim.AdamW(weight_decay=0.02 * schedule.Exponential(0.5)),
        lambda: fdl.nn.Dropout(0.2 * schedule.Exponential(0.5)),
        lambda: optim.SGD(momentum=0.9 * schedule.Exponential(0.5)),
    ):
        with pytest.raises(TypeError, match="schedule|Schedule"):
            make()
