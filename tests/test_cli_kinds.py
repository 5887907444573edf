"""Which kind of column, target and first row the command line takes for which."""

from pathlib import Path

import commands
import pytest
from commands import QUICK, ROWS, answer, column, table, write


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands.alone(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("words", "detail"),
    [
        (["2024-01-11", "2024/1/12", "13.01.2024", "2024-01-14T10:00:00Z"], "date"),
        (["true", "FALSE"], "boolean"),
        (["yes", "no"], "no or yes"),
        (["Y", "N"], "N or Y"),
        (["t", "f"], "f or t"),
        (["0123", "0345", "1234"], "one-hot of 3 categories"),
        (["192.168.100.200", "192.168.100.201", "10.10.100.1"], "one-hot of 3 categories"),
        (["1", "", "NA", "#N/A", "3"], "number, and whether it is missing"),
        (['"1"', '"2.5"'], "number"),
        (["", "NA"], "left out: no value is there"),
        (["7"], "left out: always 7"),
    ],
)
def test_kinds_of_columns(words: list[str], detail: str, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = answer(capsys, "train", write("t.csv", table(column(0, words))), "--out", "model", *QUICK)
    assert err == "" and next(line for line in out if line.startswith("size")).split(maxsplit=1)[1] == detail


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["1.0", "2.0"], "2 classes"), (["01", "02"], "2 classes"), (["True", "False"], "2 classes"),
        (["none", "mild"], "2 classes"), (["1", "2", "a"], "3 classes"), ([f"{i}.5" for i in range(30)], "mean 15"),
    ],
)  # fmt: skip
def test_kinds_of_targets(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = answer(capsys, "train", write("t.csv", table(column(3, words))), "--out", "model", *QUICK)
    assert f"y ({told}" in out[0]


@pytest.mark.parametrize(
    ("first", "named"),
    [
        ("a,n,B,2024-01-11", True),
        ("0.844,unknown,B,2024-01-11", False), ("a,5,B,2024-01-11", False), ("x,b,c,y", True),
        ("1,b,c,2024", True), ("5,6,B,2024-01-11", False),
    ],
)  # fmt: skip
def test_what_is_a_header(first: str, named: bool, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        ["a" if i % 9 == 8 else "0.5", str(i * 7 % 10), "AB"[i * 3 % 7 % 2], f"2024-01-{11 + i % 2}"] for i in range(60)
    ]
    content = first + "\n" + table(rows, None)
    err = answer(capsys, "train", write("t.csv", content), "--target", "2", "--out", "model", *QUICK)[1]
    assert ("line 1 is taken for a row, not for a header" in err) is not named


def test_wavelengths_as_names(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [["5", "7", str(i % 9), row[3]] for i, row in enumerate(ROWS)]
    out, _ = answer(
        capsys, "train", write("t.csv", table(rows, ["400.5", "401.0", "401.5", "y"])), "--out", "m", *QUICK
    )
    assert "y (2 classes) by 3 columns" in out[0]


def test_many_columns_and_classes(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [[*(str((i * j) % 7) for j in range(300)), f"k{i % 100}"] for i in range(400)]
    head = [*(f"c{j}" for j in range(300)), "y"]
    out, _ = answer(capsys, "train", write("t.csv", table(rows, head)), "--out", "model", *QUICK)
    assert "y (100 classes) by 300 columns" in out[0]


def test_columns_without_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [["late" if i == 118 and n == 0 else cell for n, cell in enumerate(row)] for i, row in enumerate(ROWS * 2)]
    path = write("t.csv", table(rows, ["size", "", "", "y"]))  # which is read twice, for a word far below
    out, err = answer(capsys, "train", path, "--out", "model", *QUICK)
    assert (
        err.splitlines()[0]
        == "fastdl: t.csv: line 1: a column without a name is called by its place, from 0: 'x1', 'x2'"
    )
    assert (
        err.count("without a name") == 1
        and len(answer(capsys, "predict", "model", path)[0]) == 121
        and "by 3 columns" in out[0]
    )
