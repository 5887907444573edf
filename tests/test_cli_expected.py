"""`predict`, `evaluate` and `--valid` read a file by what the model learned, whatever else is in the file."""

from collections.abc import Sequence
from pathlib import Path

import commands
import numpy as np
import pytest
from commands import QUICK, answer, refusal, write

from fastdl.cli import main

HEAD = ["num", "gap", "zip", "code", "word", "day", "flag", "y"]
ROWS = [
    [
        f"{i * 37 % 60 / 7:.3f}", "" if i % 9 == 0 else str(i % 5), f"0{i % 4}1", str(i % 3 + 1) if i % 4 else "a",
        ("red", "blue")[i * 3 % 7 % 2], f"2024-0{i % 8 + 1}-11", ("true", "false")[i % 2],
        ("no", "yes", "maybe")[i * 7 % 11 % 3],
    ]
    for i in range(60)
]  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model of words, numbers, dates and codes."""
    place = tmp_path_factory.mktemp("model")
    with pytest.MonkeyPatch.context() as patch:
        commands.alone(place, patch)
        assert main(["train", table("t.csv"), "--out", "model", "--epochs", "5", "--hidden", "8", "--no-progress"]) == 0
    return str(place / "model")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands.alone(tmp_path, monkeypatch)


def table(path: str, rows: Sequence[Sequence[str]] = ROWS, head: Sequence[str] | None = HEAD, cut: str = ",") -> str:
    return write(path, "".join(cut.join(row) + "\n" for row in ([head] if head else []) + list(rows)))


def changed(name: str, word: str, row: int = 1, rows: int = 3) -> list[list[str]]:
    """The first rows with another word in one cell."""
    place = HEAD.index(name)
    return [[word if (i, n) == (row, place) else c for n, c in enumerate(cells)] for i, cells in enumerate(ROWS[:rows])]


def test_a_row_is_predicted_alike_alone_and_among_others(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    header, *lines = answer(capsys, "predict", model, table("t.csv"), "--proba")[0]
    assert header == "prediction,p_maybe,p_no,p_yes" and len(set(lines)) > 20
    for row, line in zip(ROWS, lines, strict=True):  # "1" alone is a number, "031" too, and "" says nothing
        assert answer(capsys, "predict", model, table("one.csv", [row]), "--proba") == ([header, line], "")


def test_columns_in_another_order_and_without_the_target(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    expected = answer(capsys, "predict", model, table("t.csv"), "--proba")
    order = [3, 1, 7, 0, 2, 6, 5, 4]
    rows, head = [[row[k] for k in order] for row in ROWS], [HEAD[k] for k in order]
    assert answer(capsys, "predict", model, table("o.csv", rows, head), "--proba") == expected
    assert answer(capsys, "predict", model, table("s.csv", cut=";"), "--proba") == expected
    without = [row[:-1] for row in ROWS]
    assert answer(capsys, "predict", model, table("w.csv", without, HEAD[:-1]), "--proba") == expected
    more = [[*row, "hello", "1"] for row in ROWS]
    out, err = answer(capsys, "predict", model, table("m.csv", more, [*HEAD, "note", "rank"]), "--proba")
    assert out == expected[0] and err == "fastdl: m.csv: columns 'note', 'rank' are not used by the model\n"


@pytest.mark.parametrize(
    ("name", "word", "same"),
    [
        ("flag", "TRUE", "true"), ("flag", "1", "true"), ("flag", "0.0", "false"), ("code", "1.0", "1"),
        ("code", "2.00", "2"), ("day", "11.03.2024", "2024-03-11"), ("day", "2024/3/11", "2024-03-11"),
        ("num", "1e0", "1"), ("gap", "NA", ""),
    ],
)  # fmt: skip
def test_spellings_of_one_value(
    model: str, name: str, word: str, same: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = [answer(capsys, "predict", model, table("t.csv", changed(name, w)), "--proba") for w in (word, same)]
    assert answers[0] == answers[1] and answers[0][1] == ""


@pytest.mark.parametrize(
    ("name", "word", "words"),
    [
        ("num", "abc", "holds 'abc', where a number is expected; it counts as missing"),
        ("day", "soon", "holds 'soon', where a date like 2024-01-31 is expected"),
        ("day", "5", "holds '5', where a date"),
        ("flag", "yes", "holds 'yes', where true or false is expected"),
        ("zip", "1", "holds '1', which the model has not learned; it counts as missing"),
        ("word", "green", "holds 'green', which the model has not learned"),
    ],
)
def test_a_strange_cell_counts_as_missing(
    model: str, name: str, word: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = answer(capsys, "predict", model, table("t.csv", changed(name, word)), "--proba")
    assert err.startswith(f"fastdl: warning: t.csv: line 3: column {name!r} {words}") and len(err.splitlines()) == 1
    assert out == answer(capsys, "predict", model, table("t.csv", changed(name, "")), "--proba")[0]


def test_a_column_that_the_model_leaves_out_may_be_missing(capsys: pytest.CaptureFixture[str]) -> None:
    names, rows = ["constant", "id", *HEAD], [["5", f"row {i}", *row] for i, row in enumerate(ROWS)]
    answer(capsys, "train", table("t.csv", rows, names), "--out", "m", *QUICK)
    expected = answer(capsys, "predict", "m", "t.csv")
    assert answer(capsys, "predict", "m", table("o.csv")) == expected
    assert answer(capsys, "predict", "m", table("o.csv", [row[:-1] for row in ROWS], HEAD[:-1])) == expected


def test_nothing_but_gaps(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [answer(capsys, "predict", model, table("t.csv", [[""] * 8] * n), "--proba")[0] for n in (1, 3)]
    assert lines[1] == [*lines[0], lines[0][1], lines[0][1]]


@pytest.mark.parametrize(
    ("rows", "head", "words"),
    [
        ([row[2:] for row in ROWS], HEAD[2:], "t.csv lacks columns 'num', 'gap', which the model needs"),
        (ROWS, ["Num", *HEAD[1:]], "lacks column 'num', which the model needs; is 'Num' meant to be 'num'?"),
        (ROWS, None, "t.csv has no header, but the model finds its columns by name: 'num', 'gap'"),
        ([], HEAD, "there is a header but no rows below it"),
        ([[*row, "1"] for row in ROWS], [*HEAD, "num"], "line 1: columns 1 and 9 are all called 'num'"),
        ([*ROWS[:3], ["1"]], HEAD, "line 5 has 1 value, expected 8"),
        (changed("num", '"1,5"'), HEAD, "line 3: column 'num' holds '1,5': write numbers like 1234.5"),
        (changed("num", "inf"), HEAD, "line 3: column 'num' holds an infinite number"),
        (changed("day", "2024-02-30"), HEAD, "line 3: column 'day' holds '2024-02-30', but there is no such day"),
        ([["abc", *row[1:]] for row in ROWS], HEAD, "line 2: column 'num' holds 'abc', where a number is expected"),
    ],
)
def test_predict_and_valid_refuse_alike(
    model: str, rows: list[list[str]], head: list[str] | None, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    table("train.csv")
    table("t.csv", rows, head)
    assert words in refusal(capsys, "predict", model, "t.csv", "-o", "out.csv")
    if head is not None and "y" in head:
        assert words in refusal(capsys, "train", "train.csv", "--valid", "t.csv", *QUICK)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["zz", "yes"], "line 2: the target 'y' is 'zz', which is no class of the training (as 29 more are not): "),
        (["no", ""], "line 3: the target 'y' is missing (and in 29 more rows)"),
        (None, "there is no column 'y', the target of the model; did you mean 'Y'?"),
    ],
)
def test_labels_are_those_of_the_training(
    model: str, words: list[str] | None, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    table("train.csv")
    rows = [[*row[:-1], words[i % 2] if words else row[-1]] for i, row in enumerate(ROWS)]
    table("t.csv", rows, HEAD if words else [*HEAD[:-1], "Y"])
    assert message in refusal(capsys, "evaluate", model, "t.csv")
    assert message in refusal(capsys, "train", "train.csv", "--valid", "t.csv", *QUICK)


def test_one_class_of_the_training_can_be_scored(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = answer(capsys, "evaluate", model, table("t.csv", [[*row[:-1], "no"] for row in ROWS[:1]]))
    assert err == "" and "1 rows" in out[0]


@pytest.mark.parametrize(
    ("trained", "told", "other"), [(["1.0", "2.0"], ["1", "2"], ["1", "2"]), (["01", "02"], ["01", "02"], ["01", "02"])]
)
def test_labels_that_look_like_numbers(
    trained: list[str], told: list[str], other: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [[row[0], trained[i % 2]] for i, row in enumerate(ROWS)]
    answer(capsys, "train", table("t.csv", rows, ["a", "y"]), "--out", "model", *QUICK)
    out, _ = answer(capsys, "predict", "model", "t.csv", "--proba")
    assert out[0] == f"prediction,p_{told[0]},p_{told[1]}" and {line.partition(",")[0] for line in out[1:]} <= {*told}
    rows = [[row[0], other[i % 2]] for i, row in enumerate(ROWS[:1])]
    answer(capsys, "evaluate", "model", table("t.csv", rows, ["a", "y"]))
    message = refusal(capsys, "evaluate", "model", table("t.csv", [["1", other[0]], ["2", "1.5"]], ["a", "y"]))
    assert "line 3: the target 'y' is '1.5', which is no class of the training" in message


def test_numbers_to_score(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [[row[0], f"{i * 31 % 60 / 9:.3f}"] for i, row in enumerate(ROWS)]
    answer(capsys, "train", table("t.csv", rows, ["a", "y"]), "--out", "model", *QUICK)
    for word, words in {"x": "is 'x', which is no number", "": "is missing:", "5 €": "write numbers like"}.items():
        message = refusal(capsys, "evaluate", "model", table("e.csv", [["1", "2"], ["2", word]], ["a", "y"]))
        assert f"line 3: the target 'y' {words}" in message or (words in message and "line 3" in message)
    assert "has no probabilities" in refusal(capsys, "predict", "model", "t.csv", "--proba")


def test_without_a_header_columns_are_found_by_place(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [[*row[1:], row[0]] for row in ROWS]  # the last column is a number, which may be missing
    answer(capsys, "train", table("t.csv", rows, None), "--target", "6", "--out", "model", *QUICK)
    out, _ = answer(capsys, "predict", "model", "t.csv")
    assert len(out) == 61
    without = [[*row[:6], row[7]] for row in rows]
    assert answer(capsys, "predict", "model", table("a.csv", without, None)) == (out, "")
    ending = [[*row, ""] for row in rows]
    assert answer(capsys, "predict", "model", table("a.csv", ending, None)) == (out, "")
    gaps = [[*row[:7], ""] for row in rows]
    of_gaps, _ = answer(capsys, "predict", "model", table("a.csv", gaps, None))
    assert answer(capsys, "predict", "model", table("a.csv", gaps[:1], None)) == (of_gaps[:2], "")
    assert answer(capsys, "predict", "model", table("a.csv", rows[:1], None)) == (out[:2], "")
    assert answer(capsys, "predict", "model", table("a.csv", rows, [*"abcdefgh"]))[0] == out
    assert answer(capsys, "evaluate", "model", "t.csv")[0]
    assert "with the target in place 6" in refusal(capsys, "evaluate", "model", table("a.csv", without, None))


def test_arrays_are_scored_and_predicted(capsys: pytest.CaptureFixture[str]) -> None:
    x = np.arange(240.0).reshape(60, 4) * 37 % 61
    y = (x[:, 0] > 30).astype(int)
    np.savez("t.npz", X=x, y=y)
    np.savez("x.npz", X=x)
    np.savez("label.npz", X=x, label=y)
    np.savez("strange.npz", X=x, y=y + 5)
    answer(capsys, "train", "t.npz", "--valid", "t.npz", "--out", "model", *QUICK)
    out, _ = answer(capsys, "predict", "model", "t.npz", "--proba")
    assert out[0] == "prediction,p_0,p_1" and answer(capsys, "predict", "model", "x.npz", "--proba")[0] == out
    assert "60 rows" in answer(capsys, "evaluate", "model", "t.npz")[0][0]
    assert "there is no array 'y' for the target; the file has 'X'" in refusal(capsys, "evaluate", "model", "x.npz")
    message = refusal(capsys, "evaluate", "model", "strange.npz")
    assert "row 0: the target 'y' is '5', which is no class" in message or "row 0: the target 'y' is '6'" in message
    answer(capsys, "train", "label.npz", "--target", "label", "--out", "other", *QUICK)
    assert "60 rows" in answer(capsys, "evaluate", "other", "label.npz")[0][0]
    np.savetxt("t.csv", np.c_[x, y], delimiter=",")
    assert answer(capsys, "predict", "model", "t.csv", "--proba")[0] == out


def test_parquet_in_and_out(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    text = {name: [row[place] for row in ROWS] for place, name in enumerate(HEAD)}
    parquet.write_table(arrow.table(text), "t.parquet")
    expected = answer(capsys, "predict", model, table("t.csv"), "--proba")[0]
    assert answer(capsys, "predict", model, "t.parquet", "--proba") == (expected, ""), "numbers stored as text"
    assert answer(capsys, "evaluate", model, "t.parquet") == answer(capsys, "evaluate", model, "t.csv")
    answer(capsys, "predict", model, "t.csv", "--proba", "-o", "out.parquet")
    out = parquet.read_table("out.parquet")
    assert out.column_names == expected[0].split(",") and [str(kind) for kind in out.schema.types[1:]] == ["float"] * 3
    assert out["prediction"].to_pylist() == [line.partition(",")[0] for line in expected[1:]]


def test_one_column_with_gaps(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [[row[0], "uv"[i % 2]] for i, row in enumerate(ROWS)]
    answer(capsys, "train", table("t.csv", rows, ["a", "y"]), "--out", "model", *QUICK)
    out, err = answer(capsys, "predict", "model", write("a.csv", "a\n1\n\n3\n\n"))
    assert len(out) == 4 and err == "", "a blank line between others is a missing value"
