"""Packed files, arrays and Parquet files that are broken or hold something else."""

import gzip
import os
from pathlib import Path

import commands
import numpy as np
import pytest
from commands import QUICK, answer, refusal, write

TABLE = "a,b,y\n" + "".join(f"{i % 7},{i % 5},{i % 2}\n" for i in range(60))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands.alone(tmp_path, monkeypatch)


PACKED = gzip.compress(TABLE.encode(), mtime=0)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (PACKED[:60], "not a whole .gz file"),
        (PACKED[:-4], "not a whole .gz file"),
        (PACKED[:40] + b"\xff\xff" + PACKED[42:], "not a whole .gz file"),
        (b"", "the file is empty"),
        (bytes(range(256)) * 9, "binary data"),
    ],
)
def test_packed_files(content: bytes, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert words in refusal(capsys, "train", write("t.csv.gz", content))
    err = answer(capsys, "train", write("plain.csv.gz", TABLE), "--out", "model", *QUICK)[1]
    assert "plain.csv.gz is called .gz, but it is not packed by gzip" in err


X, Y = np.arange(180.0).reshape(60, 3) % 7, np.arange(60) % 2


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"a": X, "y": Y}, "there is no array 'X'; the file has 'a', 'y'"),
        ({"X": X}, "there is no array 'y' for the target; the file has 'X'"),
        ({"X": X[:, 0], "y": Y}, "shape (60,); for a single column: X.reshape(-1, 1)"),
        ({"X": X[:0], "y": Y[:0]}, "X has no rows"),
        ({"X": X, "y": Y[:9]}, "one value for each of the 60 rows of X, got shape (9,)"),
        ({"X": X, "y": X}, "got shape (60, 3)"),
        ({"X": np.array([[{}]] * 60), "y": Y}, "the array 'X' holds Python objects"),
        ({"X": X, "y": np.array(["a", None] * 30)}, "the array 'y' holds Python objects"),
        ({"X": X + 1j, "y": Y}, "X must hold numbers"),
        ({"X": np.where(X > 5, np.inf, X), "y": Y}, "row 2: column 'x0' holds an infinite number"),
        ({"X": X, "y": np.where(Y > 0, np.nan, 1.0)}, "row 1: the target 'y' is missing (and in 29 more rows)"),
    ],
)
def test_arrays(arrays: dict[str, np.ndarray], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez("t.npz", **arrays)  # type: ignore[arg-type]
    assert words in refusal(capsys, "train", "t.npz")


def test_an_npz_file_that_is_damaged(capsys: pytest.CaptureFixture[str]) -> None:
    np.savez("good.npz", X=X, y=Y)
    content = Path("good.npz").read_bytes()
    directory = content.index(b"PK\x01\x02")
    for place, byte in {
        200: 77,
        directory + 6: 215,
        directory + 10: 99,
        directory + 8: 1,
    }.items():  # data, version, ...
        write("t.npz", content[:place] + bytes([byte]) + content[place + 1 :])
        assert "t.npz: not a whole .npz file" in refusal(capsys, "train", "t.npz")


def test_files_that_are_no_npz_or_parquet(capsys: pytest.CaptureFixture[str]) -> None:
    assert "not a .npz file" in refusal(capsys, "train", write("t.npz", "hello"))
    assert "the file is empty" in refusal(capsys, "train", write("t.npz", ""))
    np.save("array.npy", X)
    Path("array.npy").rename("array.npz")
    assert "a single array" in refusal(capsys, "train", "array.npz")
    pytest.importorskip("pyarrow")
    for content in ("", "hello", b"PAR1xxxxPAR1"):
        message = refusal(capsys, "train", write("t.parquet", content))
        assert ("not a whole .parquet file" if content else "the file is empty") in message


def test_places_that_are_no_files(capsys: pytest.CaptureFixture[str]) -> None:
    Path("folder.csv").mkdir()
    Path("gone.csv").symlink_to("nowhere.csv")
    os.mkfifo("pipe.csv")
    for data, words in {"folder.csv": "is a folder", "gone.csv": "there is no file", "pipe.csv": "is a pipe"}.items():
        assert words in refusal(capsys, "train", data)


@pytest.mark.skipif("os.geteuid() == 0", reason="root may read all")
def test_a_file_that_may_not_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    Path(write("t.csv", TABLE)).chmod(0)
    assert refusal(capsys, "train", "t.csv") == "t.csv: Permission denied"
