"""Ensembles and snapshots: members that are what they would be alone, and the mean of what they say."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import assert_same_state, blobs, mlp, trained
from support import normal

import fastdl as fdl
from fastdl import callbacks, nn, optim, schedule
from fastdl.committee import Committee

X, Y = blobs(103)
FIT: dict[str, Any] = {"epochs": 3, "batch_size": 16, "progress": False}


@pytest.mark.parametrize("threads", [1, 2, 5, None])
def test_members_are_what_they_would_be_alone(threads: int | None) -> None:
    ensemble = fdl.Ensemble(mlp(), 3, seed=4, threads=threads, optimizer=optim.Adam(0.01)).fit(X, Y, **FIT)
    assert len({trainer.seed for trainer in ensemble.trainers}) == 3
    assert ensemble.trainers[0].seed == 4
    for trainer in ensemble.trainers:
        alone = trained(mlp(), X, Y, {"seed": trainer.seed, "optimizer": optim.Adam(0.01)}, epochs=3)
        assert_same_state(trainer.net.state_dict(), alone.net.state_dict())
        assert trainer.history == alone.history
    first, second, _ = (member.state_dict()["1.weight"] for member in ensemble.members)
    assert not np.array_equal(first, second)


@pytest.mark.parametrize(
    ("loss", "y", "outputs"),
    [
        ("cross_entropy", np.array(["red", "green", "blue"])[Y], 3),
        ("binary_cross_entropy", Y > 1, 1),
        ("binary_cross_entropy", (normal((103, 4)) > 0).astype(np.float64), 4),
        ("mse", normal((103, 2)), 2),
    ],
)
def test_the_mean(loss: str, y: np.ndarray, outputs: int) -> None:
    ensemble = fdl.Ensemble(mlp(outputs=outputs), 3, loss).fit(X, y, **FIT)
    if loss == "mse":
        want = np.mean([member.predict(X) for member in ensemble.members], axis=0, dtype=np.float64)
        np.testing.assert_allclose(ensemble.predict(X), want, rtol=1e-6)
        with pytest.raises(ValueError, match="predict_proba"):
            ensemble.predict_proba(X)
        assert ensemble.evaluate(X, y)["loss"] == pytest.approx(((want - y) ** 2).mean(), rel=1e-5)
        return
    p = np.mean([member.predict_proba(X) for member in ensemble.members], axis=0, dtype=np.float64)
    np.testing.assert_allclose(ensemble.predict_proba(X), p, rtol=1e-6)
    raw = ensemble.predict(X).astype(np.float64)
    if loss == "cross_entropy":
        np.testing.assert_allclose(np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True), p, rtol=1e-5)
        np.testing.assert_array_equal(ensemble.predict_classes(X), np.array(["blue", "green", "red"])[p.argmax(axis=1)])
        rows = np.searchsorted(["blue", "green", "red"], y)
        assert ensemble.evaluate(X, y)["loss"] == pytest.approx(-np.log(p[np.arange(103), rows]).mean(), rel=1e-5)
    else:
        np.testing.assert_allclose(1 / (1 + np.exp(-raw)), p, rtol=1e-5, atol=1e-7)
        np.testing.assert_array_equal(ensemble.predict_classes(X), p > 0.5 if outputs > 1 else (p > 0.5)[:, 0])


def test_one_validation_set_for_all_and_callbacks_of_ones_own() -> None:
    stopping = callbacks.EarlyStopping(patience=1)
    ensemble = fdl.Ensemble(mlp(), 3, metrics=["accuracy"], optimizer=optim.Adam(0.3)).fit(
        X, Y, epochs=30, validation_split=0.3, callbacks=stopping, progress=False, sample_weight=np.ones(103)
    )
    assert stopping.best_epoch == -1
    assert all("val_accuracy" in history for history in ensemble.histories)
    assert {trainer.net.training_rows for trainer in ensemble.trainers} == {72}
    with pytest.raises(ValueError, match="validation_data"):
        ensemble.fit(X, Y, validation_split=0.3, validation_data=(X, Y))


def test_a_second_fit_goes_on() -> None:
    whole = fdl.Ensemble(mlp(), 2).fit(X, Y, **FIT)
    parts = fdl.Ensemble(mlp(), 2).fit(X, Y, **FIT | {"epochs": 1}).fit(X, Y, **FIT | {"epochs": 2})
    for one, other in zip(whole.members, parts.members, strict=True):
        assert_same_state(one.state_dict(), other.state_dict())


def test_an_error_in_one_member_ends_all_and_reaches_the_caller() -> None:
    class Fails(callbacks.Callback):
        def on_epoch_end(self, trainer: fdl.Trainer, epoch: int, logs: dict[str, float]) -> None:
            if epoch == 1:
                raise ZeroDivisionError("a callback's")

    ensemble = fdl.Ensemble(mlp(), 6, threads=2)
    with pytest.raises(ZeroDivisionError, match="a callback's"):
        ensemble.fit(X, Y, epochs=500, callbacks=Fails(), progress=False)
    assert max(trainer.epoch for trainer in ensemble.trainers) <= 3
    for y in (Y[:50], Y + 7):
        with pytest.raises(ValueError, match="y: expected"):
            fdl.Ensemble(mlp(), 2).fit(X, y, **FIT)


def test_evaluation_warns_of_no_inputs() -> None:
    """Raw outputs may be as large as they like."""
    ensemble = fdl.Ensemble(mlp(outputs=1), 2, "mse", optimizer=optim.SGD(0.01)).fit(
        X, 1000.0 * X[:, :1], **FIT | {"epochs": 30}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ensemble.evaluate(X, 1000.0 * X[:, :1])["loss"] > 0
    assert np.abs(ensemble.predict(X)).max() > 100


def test_save_and_load(tmp_path: Path) -> None:
    ensemble = fdl.Ensemble(mlp(), 3).fit(X, Y, **FIT)
    fdl.Ensemble(mlp(), 5).fit(X, Y, **FIT).save(tmp_path / "e")
    ensemble.save(tmp_path / "e")
    loaded = fdl.Ensemble.load(tmp_path / "e")
    assert len(loaded.members) == 3
    np.testing.assert_array_equal(loaded.predict_proba(X), ensemble.predict_proba(X))
    np.testing.assert_array_equal(loaded.predict_classes(X), ensemble.predict_classes(X))
    with pytest.raises(FileNotFoundError, match="member-0"):
        fdl.Ensemble.load(tmp_path)


def test_callbacks_of_members_write_to_places_of_their_own(tmp_path: Path) -> None:
    watchers = [callbacks.CSVLogger(tmp_path / "log.csv"), callbacks.TensorBoard(tmp_path / "board")]
    fdl.Ensemble(mlp(), 2).fit(X, Y, **FIT | {"callbacks": watchers})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["board", "log-0.csv", "log-1.csv"]
    assert sorted(path.name for path in (tmp_path / "board").iterdir()) == ["member-0", "member-1"]
    assert len((tmp_path / "log-1.csv").read_text().splitlines()) == 1 + FIT["epochs"]


def test_the_progress_bar_counts_all_epochs(capsys: pytest.CaptureFixture[str]) -> None:
    fdl.Ensemble(mlp(), 3, threads=1).fit(X, Y, **FIT | {"progress": True})
    assert "epoch 9/9" in capsys.readouterr().err


def test_bad_options() -> None:
    for make, words in (
        (lambda: fdl.Ensemble(nn.Dense(3)), "net"),
        (lambda: fdl.Ensemble(mlp(), 0), "n"),
        (lambda: fdl.Ensemble(mlp(), 2, seed=-1), "seed"),
        (lambda: fdl.Ensemble(mlp(), 2, averaging=3), "averaging"),
        (lambda: fdl.Ensemble(mlp(), 2).predict(X), "not built"),
        (lambda: Committee().predict(X), "members"),
    ):
        with pytest.raises((ValueError, TypeError), match=words):
            make()


class Rates(callbacks.Callback):
    def __init__(self) -> None:
        self.states: list[dict[str, np.ndarray]] = []

    def on_epoch_end(self, trainer: fdl.Trainer, epoch: int, logs: dict[str, float]) -> None:
        self.states.append(trainer.net.state_dict())


def test_snapshot_cycles_the_rate_and_keeps_the_ends_of_cycles() -> None:
    snapshot, watch = callbacks.Snapshot(3), Rates()
    trainer = trained(mlp(), X, Y, {"optimizer": optim.Adam(0.02)}, epochs=6, callbacks=[snapshot, watch])
    plain = trained(mlp(), X, Y, {"optimizer": optim.Adam(0.02), "schedule": schedule.CosineRestarts(2)}, epochs=6)
    assert_same_state(trainer.net.state_dict(), plain.net.state_dict())
    assert len(snapshot.members) == 3
    for member, epoch in zip(snapshot.members, (1, 3, 5), strict=True):
        assert_same_state(member.state_dict(), watch.states[epoch])
    p = np.mean([member.predict_proba(X) for member in snapshot.members], axis=0)
    np.testing.assert_allclose(snapshot.predict_proba(X), p, rtol=1e-6)
    trainer.fit(X, Y, epochs=3, batch_size=16, callbacks=[snapshot], progress=False)
    assert len(snapshot.members) == 3
    assert isinstance(trainer.schedule, schedule.Constant)


def test_snapshot_begins_a_cycle_where_the_fit_begins() -> None:
    first, snapshot = trained(mlp(), X, Y, epochs=1), callbacks.Snapshot(2)
    first.fit(X, Y, epochs=4, batch_size=16, callbacks=snapshot, progress=False)
    falls = np.array(first.history["lr"][1:]) / 1e-3
    np.testing.assert_allclose(falls, [*falls[:2], *falls[:2]])
    assert falls[0] > 0.5 > 0.1 > falls[1]


def test_snapshot_keeps_a_schedule_and_refuses_odd_cycles() -> None:
    snapshot = callbacks.Snapshot(2)
    trainer = trained(mlp(), X, Y, {"schedule": "exponential"}, epochs=4, callbacks=snapshot)
    assert_same_state(
        trainer.net.state_dict(), trained(mlp(), X, Y, {"schedule": "exponential"}, epochs=4).net.state_dict()
    )
    assert len(snapshot.members) == 2
    with pytest.raises(ValueError, match="3 cycles"):
        trained(mlp(), X, Y, epochs=4, callbacks=callbacks.Snapshot(3))
