"""Time limits of models on tables, by a clock that moves when an epoch ends."""

import time
from typing import Any

import numpy as np
import pytest

from fastdl import callbacks
from fastdl.tables import Model, Settings, members
from fastdl.tables.timing import Plan
from fastdl.trainer import Trainer

X = np.random.default_rng(0).normal(size=(60, 3))
LONG = 10_000


class Hand(callbacks.Callback):
    """Moves the clock at the end of an epoch."""

    now = 0.0
    costs: Any = staticmethod(lambda epoch: 1.0)
    epochs = 0

    def on_epoch_end(self, trainer: Any, epoch: int, logs: dict[str, float]) -> None:
        Hand.now += Hand.costs(Hand.epochs)
        Hand.epochs += 1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> type[Hand]:
    """Epochs take a second each, unless `costs` says otherwise of the n-th."""

    class Slow(Trainer):
        def fit(self, *args: Any, **options: Any) -> Any:
            options["callbacks"] = [Hand(), *options["callbacks"]]
            return super().fit(*args, **options)

    Hand.now, Hand.epochs, Hand.costs = 0.0, 0, staticmethod(lambda epoch: 1.0)
    monkeypatch.setattr(time, "monotonic", lambda: Hand.now)
    monkeypatch.setattr(members, "Trainer", Slow)
    return Hand


def fit(limit: float, **changes: Any) -> Model:
    settings = Settings.preset("simple", "regression").replace(hidden=(4,), **{"epochs": LONG, **changes})
    return Model(settings, threads=1).fit(X, X[:, 0], progress=False, time_limit=limit)


@pytest.mark.parametrize("changes", [{}, {"validation_fraction": 0.0}, {"n_ens": 5}, {"n_cv": 3, "n_ens": 2}], ids=str)
def test_members_have_equal_shares_of_the_time(clock: type[Hand], changes: dict[str, Any]) -> None:
    model = fit(1000.0, **changes)
    epochs = [history.epochs for history in model.histories]
    assert len(set(epochs)) == 1 and 850 < sum(epochs) <= clock.now <= 1000
    rates = [history["lr"][-1] / max(history["lr"]) for history in model.histories]
    assert max(rates) < 0.01  # all fell to their end


def test_who_begins_later_has_fewer_epochs_if_they_take_longer_than_planned(clock: type[Hand]) -> None:
    clock.costs = staticmethod(lambda epoch: 1.0 if epoch < 150 else 3.0)
    model = fit(1000.0, n_ens=4)
    epochs = [history.epochs for history in model.histories]
    assert clock.now <= 1000 and epochs[1] < epochs[0] and min(epochs) > 50
    for history in model.histories[2:]:
        assert history["lr"][-1] / max(history["lr"]) < 0.01


def test_who_is_too_slow_is_cut_off_at_the_end_of_its_share(clock: type[Hand]) -> None:
    clock.costs = staticmethod(lambda epoch: 5.0 if 9 <= epoch < 59 else 1.0)
    model = fit(1000.0, n_ens=4)
    epochs = [history.epochs for history in model.histories]
    assert clock.now <= 1000 and epochs[0] in (49, 50) and min(epochs[1:]) > 40
    assert [member.late for member in model.members] == [True, False, False, False]


@pytest.mark.parametrize("changes", [{"n_ens": 3}, {"n_ens": 3, "validation_fraction": 0.0}], ids=str)
def test_each_makes_an_epoch_at_least(clock: type[Hand], changes: dict[str, Any]) -> None:
    with pytest.warns(UserWarning, match="time_limit"):
        model = fit(0.5, **changes)
    assert [history.epochs for history in model.histories] == [1, 1, 1]
    assert clock.epochs == 4  # and the probe made one only


def test_a_limit_that_is_no_limit_changes_nothing(clock: type[Hand]) -> None:
    one, two = fit(1e9, epochs=5, n_ens=2), fit(1e6, epochs=5, n_ens=2)
    assert [history.epochs for history in one.histories] == [5, 5]
    np.testing.assert_array_equal(one.predict(X), two.predict(X))
    three = Model(one.settings, threads=1).fit(X, X[:, 0], progress=False)
    np.testing.assert_array_equal(one.predict(X), three.predict(X))


def test_a_plan_for_several_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    plan = Plan(LONG, 5, 2, 90.0, 1.0)
    assert plan.begin() == plan.begin() == (27, 29.0)
    now = 27.0
    plan.took(27, 27.0)
    assert plan.begin() == (27, 30.5)
    plan.took(27, 54.0)
    assert plan.begin() == (14, 29.5)
    now = 100.0
    assert plan.begin() == (1, 1e-9)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_probe_is_what_comes(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many at a time, with as many threads, on as many folds."""
    seen: list[tuple[int | None, int]] = []
    fit = Trainer.fit

    def look(self: Trainer, x: Any, *args: Any, **options: Any) -> Any:
        seen.append((self.threads, len(x)))
        return fit(self, x, *args, **options)

    monkeypatch.setattr(Trainer, "fit", look)
    settings = Settings.preset("simple", "regression").replace(hidden=(4,), epochs=2, n_ens=2)
    model = Model(settings, threads=threads).fit(X, X[:, 0], progress=False, time_limit=1000.0)
    assert [history.epochs for history in model.histories] == [2, 2]
    assert seen == [(1, 48)] * (2 + threads)
