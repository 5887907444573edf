"""Callbacks: Keras's rule of early stopping, the best weights, the log file."""

import csv
import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastdl
from fastdl import datasets, nn, optim, tables
from fastdl.callbacks import Callback, CSVLogger, EarlyStopping, TensorBoard
from fastdl.history import History


class Net:
    """A network whose only weight is the number of the epoch that made it."""

    def __init__(self) -> None:
        self.weight = -1

    def snapshot(self) -> Any:
        return {"weight": self.weight}

    def restore(self, snapshot: Any) -> None:
        self.weight = snapshot["weight"]


class FakeTrainer:
    """Goes through the epochs of a script of logs, with the hooks in the trainer's order."""

    def __init__(self) -> None:
        self.net, self.history, self.optimizer = Net(), History(), None
        self.stopped = False

    def stop(self) -> None:
        self.stopped = True

    def fit(self, logs: list[dict[str, float]], *callbacks: Callback) -> int:
        """Return how many epochs were run."""
        self.stopped = False
        for callback in callbacks:
            callback.on_train_begin(self)
        done = 0
        for epoch, values in enumerate(logs):
            for callback in callbacks:
                callback.on_epoch_begin(self, epoch)
            self.net.weight = epoch
            self.history.append(values)
            for callback in callbacks:
                callback.on_epoch_end(self, epoch, dict(values))
            done += 1
            if self.stopped:
                break
        for callback in callbacks:
            callback.on_train_end(self)
        return done


def losses(*values: float, name: str = "val_loss") -> list[dict[str, float]]:
    return [{"loss": 0.0, name: value} for value in values]


def keras_epochs(values: list[float], patience: int, min_delta: float, sign: int) -> tuple[int, int]:
    """How many epochs Keras runs and which it finds best: its rule, spelt out for one list of values."""
    best, best_epoch, wait = math.inf * sign, -1, 0
    for epoch, value in enumerate(values):
        wait += 1
        if sign * value + min_delta < sign * best:
            best, best_epoch, wait = value, epoch, 0
        elif wait >= patience and epoch > 0:
            return epoch + 1, best_epoch
    return len(values), best_epoch


def test_hooks_of_the_base_class_do_nothing() -> None:
    assert FakeTrainer().fit(losses(1, 2, 3), Callback()) == 3


@pytest.mark.filterwarnings("ignore:EarlyStopping")  # that nothing but NaN was seen before it stopped
@pytest.mark.parametrize("patience", [0, 1, 2, 3])
@pytest.mark.parametrize("min_delta", [0, 1])
@pytest.mark.parametrize("mode", ["min", "max"])
def test_stops_when_keras_does(patience: int, min_delta: float, mode: str) -> None:
    for values in itertools.product([1.0, 2.0, 3.0, math.nan], repeat=5):
        trainer, stopping = FakeTrainer(), EarlyStopping("val_loss", patience, min_delta, mode)
        ran = trainer.fit(losses(*values), stopping)
        expected, best_epoch = keras_epochs(list(values), patience, min_delta, 1 if mode == "min" else -1)
        assert (ran, stopping.best_epoch) == (expected, best_epoch), values


@pytest.mark.parametrize(
    ("patience", "values", "ran", "best_epoch", "stopped_epoch"),
    [
        (2, [5, 4, 4, 4, 1], 4, 1, 3),  # two epochs without improvement, then it ends; the 1 is never seen
        (2, [5, 4, 6, 3, 6, 6], 6, 3, 5),  # an improvement gives back all the patience
        (0, [5, 6, 1], 2, 0, 1),
        (1, [5, 6, 1], 2, 0, 1),
        (3, [5, 4, 3, 2], 4, 3, 0),  # never stopped
    ],
)
def test_patience(patience: int, values: list[float], ran: int, best_epoch: int, stopped_epoch: int) -> None:
    trainer, stopping = FakeTrainer(), EarlyStopping(patience=patience)
    assert trainer.fit(losses(*values), stopping) == ran
    assert (stopping.best_epoch, stopping.stopped_epoch) == (best_epoch, stopped_epoch)
    assert stopping.best == values[best_epoch]
    assert trainer.net.weight == best_epoch


def test_ends_with_the_best_weights_also_when_never_stopped() -> None:
    trainer, stopping = FakeTrainer(), EarlyStopping(patience=10)
    assert trainer.fit(losses(3, 1, 2), stopping) == 3
    assert trainer.net.weight == 1 and stopping.best == 1 and stopping.stopped_epoch == 0


def test_min_delta_must_be_exceeded() -> None:
    stopping = EarlyStopping(patience=10, min_delta=0.5)
    FakeTrainer().fit(losses(2.0, 1.5, 1.75, 1.25), stopping)
    assert (stopping.best, stopping.best_epoch) == (1.25, 3)


def test_nan_is_never_an_improvement() -> None:
    trainer, stopping = FakeTrainer(), EarlyStopping(patience=3)
    assert trainer.fit(losses(math.nan, 2.0, math.nan, math.nan, math.nan, 0.0), stopping) == 5
    assert stopping.best == 2.0 and trainer.net.weight == 1


def test_all_nan_keeps_the_last_weights_and_says_so() -> None:
    trainer, stopping = FakeTrainer(), EarlyStopping(patience=5)
    with pytest.warns(UserWarning, match="'val_loss' was never a finite number"):
        assert trainer.fit(losses(*[math.nan] * 3), stopping) == 3
    assert trainer.net.weight == 2 and stopping.best_epoch == -1 and stopping.best == math.inf


@pytest.mark.parametrize(
    ("monitor", "more"),
    [
        ("val_loss", False), ("loss", False), ("val_mse", False), ("val_mae", False), ("penalty", False),
        ("val_accuracy", True), ("accuracy", True), ("acc", True), ("val_top_k_accuracy", True), ("val_r2", True),
        ("val_auc", True), ("balanced_accuracy", True), ("val_f1_score", True), ("accelerator_ms", False),
    ],
)  # fmt: skip
def test_auto_mode_knows_what_is_better(monitor: str, more: bool) -> None:
    trainer, stopping = FakeTrainer(), EarlyStopping(monitor, patience=10)
    trainer.fit(losses(1, 2, 3, name=monitor), stopping)
    assert stopping.best_epoch == (2 if more else 0)
    assert EarlyStopping(monitor, mode="max").best == -math.inf
    assert EarlyStopping(monitor, mode="min").best == math.inf


def test_missing_quantity_names_what_is_there() -> None:
    with pytest.raises(ValueError, match=r"monitor='val_loss' is not there, this training has loss, accuracy") as error:
        FakeTrainer().fit([{"loss": 1.0, "accuracy": 0.5}], EarlyStopping())
    assert "validation_split" in str(error.value)
    with pytest.raises(ValueError, match="monitor='val_acuracy' is not there") as error:
        FakeTrainer().fit([{"loss": 1.0, "val_loss": 0.5}], EarlyStopping("val_acuracy"))
    assert "validation_split" not in str(error.value), "there is validation data, only not that name"


def test_a_second_fit_starts_with_no_best() -> None:
    trainer, stopping = FakeTrainer(), EarlyStopping(patience=2)
    trainer.fit(losses(1, 2, 3), stopping)
    assert stopping.stopped_epoch == 2
    assert trainer.fit(losses(9, 8, 7, 8), stopping) == 4
    assert (stopping.best, stopping.best_epoch, stopping.stopped_epoch) == (7, 2, 0)
    assert trainer.net.weight == 2


def test_weights_are_not_kept_after_training() -> None:
    trainer, stopping = FakeTrainer(), EarlyStopping()
    trainer.fit(losses(1, 2), stopping)
    trainer.net.weight = 99
    stopping.on_train_end(trainer)
    assert trainer.net.weight == 99, "restoring happens once"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"patience": -1}, ValueError), ({"patience": 1.5}, TypeError), ({"patience": True}, TypeError),
        ({"min_delta": -1}, ValueError), ({"min_delta": math.nan}, ValueError), ({"mode": "maximum"}, ValueError),
        ({"monitor": None}, TypeError),
    ],
)  # fmt: skip
def test_bad_arguments(arguments: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=f"EarlyStopping: {next(iter(arguments))}: expected"):
        EarlyStopping(**arguments)


def read(path: Path) -> list[list[str]]:
    with open(path, newline="") as file:
        return list(csv.reader(file))


def test_csv_logger_writes_each_epoch_at_once(tmp_path: Path) -> None:
    path, seen = tmp_path / "log.csv", []

    class Spy(Callback):
        def on_epoch_end(self, trainer: Any, epoch: int, logs: dict[str, float]) -> None:
            seen.append(read(path))

    FakeTrainer().fit(
        [{"loss": 0.1 + 0.2, "val_loss": np.float64(0.1)}, {"loss": 1e-9, "val_loss": 2}], CSVLogger(path), Spy()
    )
    assert seen[0] == [["epoch", "loss", "val_loss"], ["0", "0.30000000000000004", "0.1"]]
    assert seen[1] == [*seen[0], ["1", "1e-09", "2.0"]] == read(path)


def test_csv_logger_replaces_what_an_earlier_training_left(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    for count in (3, 2):
        FakeTrainer().fit(losses(*range(count)), CSVLogger(path))
    assert len(read(path)) == 1 + 2


def test_csv_logger_goes_on_when_training_goes_on(tmp_path: Path) -> None:
    path, trainer = tmp_path / "log.csv", FakeTrainer()
    logger = CSVLogger(path)
    trainer.fit([{"loss": 3.0}, {"loss": 2.0}], logger)
    trainer.fit([{"loss": 1.0, "val_loss": 5.0}, {"loss": 0.5, "val_loss": 4.0}], logger)
    expected = [
        ["epoch", "loss", "val_loss"],
        ["0", "3.0", "nan"],
        ["1", "2.0", "nan"],
        ["2", "1.0", "5.0"],
        ["3", "0.5", "4.0"],
    ]
    assert read(path) == expected
    trainer.fit([{"loss": 0.25}], CSVLogger(tmp_path / "other.csv"))
    assert read(tmp_path / "other.csv") == [*expected, ["4", "0.25", "nan"]], "as after a resumed checkpoint"
    assert not path.read_bytes().count(b"\r")


def test_csv_logger_fails_before_the_training(tmp_path: Path) -> None:
    trainer = FakeTrainer()
    with pytest.raises(OSError):
        trainer.fit(losses(1), CSVLogger(tmp_path / "nowhere" / "log.csv"))
    assert trainer.history.epochs == 0


# ------------------------------------------------------------------------------------------- with the real trainer


class Recorder(Callback):
    """Keeps the weights of every epoch, and the calls of the hooks."""

    def __init__(self) -> None:
        self.weights: list[dict[str, np.ndarray]] = []
        self.calls: list[str] = []

    def on_train_begin(self, trainer: Any) -> None:
        self.calls.append("train_begin")

    def on_epoch_begin(self, trainer: Any, epoch: int) -> None:
        self.calls.append(f"epoch_begin {epoch}")

    def on_epoch_end(self, trainer: Any, epoch: int, logs: dict[str, float]) -> None:
        self.weights.append(trainer.net.state_dict())
        self.calls.append(f"epoch_end {epoch}")

    def on_train_end(self, trainer: Any) -> None:
        self.calls.append("train_end")


def small_trainer() -> Any:
    layers = [nn.Standardize(), nn.Dense(16), nn.BatchNorm(), nn.ReLU(), nn.Dense(10)]
    # Such a rate that the validation loss goes up and down.
    return fastdl.Trainer(nn.Sequential(*layers), optimizer=optim.Adam(0.03), metrics=["accuracy"], seed=1)


def fit(trainer: Any, callbacks: list[Callback], epochs: int = 12) -> History:
    x, y = datasets.load_digits()
    fitted: History = trainer.fit(
        x[:400], y[:400], epochs=epochs, batch_size=32, validation_split=0.25, callbacks=callbacks, progress=False
    )
    return fitted


@pytest.mark.parametrize(("monitor", "pick"), [("val_loss", np.argmin), ("val_accuracy", np.argmax)])
@pytest.mark.parametrize("patience", [2, 100])
def test_the_network_ends_with_the_weights_of_its_best_epoch(monitor: str, pick: Any, patience: int) -> None:
    trainer, recorder, stopping = small_trainer(), Recorder(), EarlyStopping(monitor, patience=patience)
    history = fit(trainer, [recorder, stopping])
    best = int(pick(history[monitor]))
    assert stopping.best_epoch == best < history.epochs - 1, "else the test shows nothing"
    assert stopping.best == history[monitor][best]
    assert history.epochs == (best + 1 + patience if patience == 2 else 12)
    for name, array in trainer.net.state_dict().items():
        np.testing.assert_array_equal(array, recorder.weights[best][name], err_msg=name)
    last = recorder.weights[-1]
    assert any(not np.array_equal(array, last[name]) for name, array in trainer.net.state_dict().items())


def test_watching_changes_no_bit_of_the_training() -> None:
    plain, watched = small_trainer(), small_trainer()
    recorder = Recorder()
    assert fit(plain, []) == fit(watched, [EarlyStopping(patience=100), recorder])
    for name, array in plain.net.state_dict().items():
        np.testing.assert_array_equal(array, recorder.weights[-1][name])


def test_a_second_fit_with_the_same_callbacks(tmp_path: Path) -> None:
    trainer, recorder, stopping = small_trainer(), Recorder(), EarlyStopping(patience=3)
    logger = CSVLogger(tmp_path / "log.csv")
    first = fit(trainer, [recorder, stopping, logger]).epochs
    history = fit(trainer, [recorder, stopping, logger])
    assert history.epochs > first and stopping.best_epoch >= first
    assert stopping.best == min(history["val_loss"][first:])
    best = recorder.weights[stopping.best_epoch]
    for name, array in trainer.net.state_dict().items():
        np.testing.assert_array_equal(array, best[name])
    history.to_csv(tmp_path / "history.csv")
    assert read(tmp_path / "log.csv") == read(tmp_path / "history.csv")


def test_hooks_come_in_order() -> None:
    recorder = Recorder()
    fit(small_trainer(), [recorder], epochs=2)
    assert recorder.calls == [
        "train_begin",
        "epoch_begin 0",
        "epoch_end 0",
        "epoch_begin 1",
        "epoch_end 1",
        "train_end",
    ]


def test_an_interrupted_training_ends_with_its_best_weights() -> None:
    class Interrupt(Callback):
        def on_epoch_begin(self, trainer: Any, epoch: int) -> None:
            if epoch == 6:
                trainer.net.load_state_dict({name: array * 0 for name, array in trainer.net.state_dict().items()})
                raise KeyboardInterrupt

    trainer, recorder, stopping = small_trainer(), Recorder(), EarlyStopping(patience=100)
    with pytest.raises(KeyboardInterrupt):
        fit(trainer, [recorder, stopping, Interrupt()])
    assert trainer.history.epochs == 6 and recorder.calls[-1] == "train_end"
    for name, array in trainer.net.state_dict().items():
        np.testing.assert_array_equal(array, recorder.weights[stopping.best_epoch][name])


def test_without_validation_data_early_stopping_says_what_to_do() -> None:
    x, y = datasets.load_digits()
    with pytest.raises(ValueError, match=r"val_loss.*is not there, this training has loss, accuracy.*validation_split"):
        small_trainer().fit(x[:64], y[:64], epochs=2, callbacks=[EarlyStopping()], progress=False)


@pytest.mark.parametrize("several", [1, 3])
def test_members_write_to_places_of_their_own(several: int, tmp_path: Path) -> None:
    watchers = [CSVLogger(tmp_path / "log.csv"), TensorBoard(tmp_path / "runs")]
    X, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 3
    ensemble = fastdl.Ensemble(nn.Sequential(nn.Dense(4), nn.Dense(3)), several)
    settings = tables.Settings.preset("simple").replace(hidden=(4,), epochs=2, n_ens=several)
    model = tables.Model(settings)
    for fit, trained in ((ensemble.fit, ensemble), (model.fit, model)):
        options: Any = {"epochs": 2} if trained is ensemble else {}
        fit(X, y, callbacks=watchers, progress=False, **options)
        for number, history in enumerate(trained.histories):
            with open(tmp_path / ("log.csv" if several == 1 else f"log-{number}.csv"), encoding="utf-8") as file:
                lines = list(csv.DictReader(file))
            assert [float(line["loss"]) for line in lines] == list(history["loss"])
    folders = [tmp_path / "runs"] if several == 1 else sorted((tmp_path / "runs").iterdir())
    assert len(folders) == several and all(len(list(folder.glob("events*"))) == 2 for folder in folders)
