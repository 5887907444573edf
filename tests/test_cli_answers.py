"""Where predictions go, and how they are written."""

import csv
import gzip
from pathlib import Path

import commands
import pytest
from commands import QUICK, ROWS, answer, refusal, table, write


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands.alone(tmp_path, monkeypatch)


def test_where_predictions_go(capsys: pytest.CaptureFixture[str]) -> None:
    answer(capsys, "train", write("t.csv", table()), "--out", "model", *QUICK)
    out, _ = answer(capsys, "predict", "model", "t.csv", "--proba")
    for name in ("o.csv", "o.csv.gz", "o.tsv"):
        assert answer(capsys, "predict", "model", "t.csv", "--proba", "-o", name) == ([], "")
    assert Path("o.csv").read_text().splitlines() == out
    assert gzip.decompress(Path("o.csv.gz").read_bytes()) == Path("o.csv").read_bytes()
    assert Path("o.tsv").read_text().replace("\t", ",") == Path("o.csv").read_text()
    Path("folder").mkdir()
    for name, words in {
        "o.csv": "is there already", "folder": "is a folder", "no/o.csv": "there is no folder", "o.xlsx": ".parquet",
    }.items():  # fmt: skip
        assert words in refusal(capsys, "predict", "model", "t.csv", "-o", name)
    answer(capsys, "predict", "model", "t.csv", "-o", "o.csv", "--force")
    assert Path("o.csv").read_text().startswith("prediction\n")


def test_names_of_classes_are_quoted(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [[row[0], ('"a,b"', '"say ""no"""')[i % 2]] for i, row in enumerate(ROWS)]
    answer(capsys, "train", write("t.csv", table(rows, ["a", "y"])), "--out", "model", *QUICK)
    out, _ = answer(capsys, "predict", "model", "t.csv", "--proba")
    header, *lines = csv.reader(out)
    assert header == ["prediction", "p_a,b", 'p_say "no"'] and {line[0] for line in lines} <= {"a,b", 'say "no"'}


def test_a_failure_leaves_no_file(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    answer(capsys, "train", write("t.csv", table()), "--out", "model", *QUICK)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device", "out.csv")

    monkeypatch.setattr("fastdl.cli.answers.write_text", fail)
    assert refusal(capsys, "predict", "model", "t.csv", "-o", "out.csv") == "out.csv: No space left on device"
