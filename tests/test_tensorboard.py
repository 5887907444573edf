"""Event files: their bytes, what TensorBoard reads, and the clock and the table beside them."""

import copy
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from networks import blobs

import fastdl as fdl
from fastdl import callbacks, nn
from fastdl.callbacks.tensorboard import masked_crc, record, varint


def test_checksum_of_the_standard() -> None:
    """CRC-32C of "123456789" is e3069283, of 32 zeros 8a9136aa (RFC 3720, B.4)."""
    for data, crc in ((b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA)):
        masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
        assert masked_crc(data) == masked
    assert varint(300) == b"\xac\x02" and varint(0) == b"\0"
    assert record(b"ab")[:8] == struct.pack("<Q", 2) and len(record(b"ab")) == 18


def trained(folder: Path, fits: int = 1) -> fdl.Trainer:
    X, y = blobs(60)
    trainer = fdl.Trainer(nn.Sequential(nn.Dense(4), nn.ReLU(), nn.Dense(3)), metrics=["accuracy"])
    for _ in range(fits):
        trainer.fit(X, y, epochs=3, validation_split=0.2, callbacks=callbacks.TensorBoard(folder), progress=False)
    return trainer


def test_tensorboard_reads_every_column(tmp_path: Path) -> None:
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    trainer = trained(tmp_path / "runs", fits=2)
    assert len(list((tmp_path / "runs").iterdir())) == 2
    events = reader.EventAccumulator(str(tmp_path / "runs"))
    events.Reload()
    assert set(events.Tags()["scalars"]) == set(trainer.history)
    for name in trainer.history:
        found = events.Scalars(name)
        assert [entry.step for entry in found] == list(range(6))
        np.testing.assert_array_equal([entry.value for entry in found], np.float32(trainer.history[name]))


def test_a_folder_that_cannot_be_made_fails_before_the_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    X, y = blobs(20)
    trainer = fdl.Trainer(nn.Sequential(nn.Dense(3)))
    with pytest.raises(OSError):
        trainer.fit(X, y, callbacks=callbacks.TensorBoard(tmp_path / "file" / "runs"), progress=False)
    assert trainer.step == 0


def test_a_training_that_fails_leaves_a_whole_file_and_nothing_open(tmp_path: Path) -> None:
    class Fails(callbacks.Callback):
        def on_epoch_end(self, trainer: fdl.Trainer, epoch: int, logs: dict[str, float]) -> None:
            raise RuntimeError("on purpose")

    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    X, y = blobs(20)
    board = callbacks.TensorBoard(tmp_path)
    with pytest.raises(RuntimeError, match="on purpose"):
        fdl.Trainer(nn.Sequential(nn.Dense(3))).fit(X, y, callbacks=[board, Fails()], progress=False)
    events = reader.EventAccumulator(str(tmp_path))
    events.Reload()
    assert [entry.step for entry in events.Scalars("loss")] == [0]
    assert pickle.loads(pickle.dumps(board)).folder == copy.deepcopy(board).folder == str(tmp_path)


def test_numbers_that_float32_does_not_hold(tmp_path: Path) -> None:
    class Odd(callbacks.Callback):
        def on_epoch_end(self, trainer: fdl.Trainer, epoch: int, logs: dict[str, float]) -> None:
            logs.update({"nan": float("nan"), "large": 1e300, "low": -1e39, "größe/x": 3.0})

    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    X, y = blobs(20)
    watchers = [Odd(), callbacks.TensorBoard(tmp_path)]
    fdl.Trainer(nn.Sequential(nn.Dense(3))).fit(X, y, callbacks=watchers, progress=False)
    events = reader.EventAccumulator(str(tmp_path))
    events.Reload()
    found = {name: events.Scalars(name)[0].value for name in ("nan", "large", "low", "größe/x")}
    np.testing.assert_equal(found, {"nan": np.nan, "large": np.inf, "low": -np.inf, "größe/x": 3.0})


def test_time_ends_a_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(100))
    monkeypatch.setattr("fastdl.callbacks.terminate_on_time.time.monotonic", lambda: float(next(now)))
    X, y = blobs(20)
    trainer = fdl.Trainer(nn.Sequential(nn.Dense(3)))
    limit = callbacks.TerminateOnTime(4.0)
    assert trainer.fit(X, y, epochs=50, callbacks=limit, progress=False).epochs == 4 and limit.late
    assert trainer.fit(X, y, epochs=4, callbacks=limit, progress=False).epochs == 8 and not limit.late
    for bad in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="seconds"):
            callbacks.TerminateOnTime(bad)


def test_history_as_a_data_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = trained(tmp_path).history
    pytest.importorskip("pandas")
    frame = history.to_pandas()
    assert frame.index.name == "epoch" and list(frame.columns) == list(history)
    assert frame["val_loss"].tolist() == history["val_loss"]
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(ImportError, match="tabular"):
        history.to_pandas()
