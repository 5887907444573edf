"""What is in a table that the command line reads."""

import gzip
import re
import warnings
from pathlib import Path
from typing import Any

import commands
import numpy as np
import pytest
from commands import flowers, refusal, write

from fastdl.cli.tables import read_table
from fastdl.cli.task import describe_task


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands.alone(tmp_path, monkeypatch)


def matrix(table: Any, positions: Any) -> np.ndarray:
    """The numbers of some columns."""
    return np.column_stack([column.values for column in table.frame(list(positions)).columns])


@pytest.mark.parametrize(
    ("text", "names", "values"),
    [
        ("a,b\n1,2\n3,4\n", ["a", "b"], [[1, 2], [3, 4]]),
        ("1,2\n3,4\n", ["x0", "x1"], [[1, 2], [3, 4]]),
        ("a;b\r\n1;2\r\n\r\n3;4\r\n", ["a", "b"], [[1, 2], [3, 4]]),
        ("a\tb\n1\t2\n3\t4", ["a", "b"], [[1, 2], [3, 4]]),
        ("  1.5e-2   2\n  -3 4 \n", ["x0", "x1"], [[0.015, 2], [-3, 4]]),
        ("1, 2\n3, 4\n", ["x0", "x1"], [[1, 2], [3, 4]]),
        ("\ufeffa,b\n1,2\n", ["a", "b"], [[1, 2]]),
        ('"a,1","b ""q"""\n1,2\n', ["a,1", 'b "q"'], [[1, 2]]),
        ("# a,b\n1,2\n", ["a", "b"], [[1, 2]]),
        ("# a b\n1 2\n", ["a", "b"], [[1, 2]]),
        ("0,1,2,3\n.5,.6,.7,.8\n", ["0", "1", "2", "3"], [[0.5, 0.6, 0.7, 0.8]]),
        ("0,1\n2,3\n", ["x0", "x1"], [[0, 1], [2, 3]]),
        (",a\n0,5\n1,6\n", ["x0", "a"], [[0, 5], [1, 6]]),
        ("a\n1\n2\n", ["a"], [[1], [2]]),
    ],
)
def test_what_a_text_file_holds(text: str, names: list[str], values: list[list[float]]) -> None:
    for path in (write("t.csv", text), "packed.csv.gz"):
        if path.endswith(".gz"):
            Path(path).write_bytes(gzip.compress(text.encode()))
        table = read_table(path, with_target=False)
        assert (table.names, table.rows) == (names, len(values))
        np.testing.assert_array_equal(matrix(table, range(len(names))), values)


@pytest.mark.parametrize(
    ("first", "named"), [("width,height,kind", True), ("", False), ("width,height,", True), ("0,1,kind", True)]
)
def test_header_above_a_text_target(first: str, named: bool) -> None:
    table = read_table(flowers(header=first))
    assert table.named is named and table.rows == 60
    assert table.columns[2].text is not None and table.columns[2].text[2] == "lily, white"


def test_blank_lines_at_the_end_are_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = read_table(write("t.csv", "a,b\n1,2\n" + "\n" * 9000))
    assert table.rows == 1


def test_quoted_text_after_a_blank_and_over_two_lines() -> None:
    path = write("t.csv", 'a, kind\n1, "red, light"\n2, "dark\nblue"\n3, green\n')
    table = read_table(path)
    assert table.columns[1].text == ["red, light", "dark\nblue", "green"] and table.rows == 3
    assert matrix(table, [0]).tolist() == [[1], [2], [3]]


def test_a_header_is_found_where_every_column_is_text_but_the_words_are_new() -> None:
    assert read_table(write("t.csv", "colour,kind\nred,a\nblue,b\nred,a\n")).named
    assert not read_table(write("t.csv", "red,a\nblue,b\nred,a\n")).named


def test_blocks_of_a_large_file_are_joined() -> None:
    n = 9000
    path = write("t.csv", "a,b\n" + "".join(f"{i},{'x' if i == n - 1 else i}\n" for i in range(n)))
    table = read_table(path)
    np.testing.assert_array_equal(matrix(table, [0])[:, 0], np.arange(n))
    # Text in the last block makes a column of text of the whole, without losing how the first ones were written.
    assert table.columns[1].typed is None and table.columns[1].text == [*map(str, range(n - 1)), "x"]


@pytest.mark.parametrize(("key", "place"), [("b", 1), ("0", 0), ("-1", 2), ("2", 2)])
def test_target_by_name_or_number(key: str, place: int) -> None:
    assert read_table(write("t.csv", "a,b,2\n1,2,3\n"), target=key).target == place


def test_npz() -> None:
    x, y = np.arange(24, dtype=np.int16).reshape(4, 2, 3), np.array(["u", "v", "u", "v"])
    np.savez("t.npz", X=x, y=y, other=np.arange(4.0))
    table = read_table("t.npz")
    np.testing.assert_array_equal(matrix(table, range(6)), x.reshape(4, 6))
    task, labels = describe_task(table, [], None)
    assert labels.tolist() == ["u", "v", "u", "v"] and len(task.features) == 6 and task.place == 6
    assert describe_task(read_table("t.npz", target="other"), [], "regression")[1].tolist() == [0, 1, 2, 3]
    assert len(read_table("t.npz", with_target=False).columns) == 6


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b,y\n1,2,0.5\n3,4,\n5,6,?\n", ["line 3: the target 'y' is missing (and in 1 more row)"]),
        ("a,b,y\n1,2,0.5\n\n\n3,4,nan\n", ["line 5: the target 'y' is missing"]),
        ("a,b,y\n1,2,0.5\n3,inf,1.5\n", ["line 3: column 'b' holds an infinite number"]),
        ("a,b,y\n1,2,0.5\n3,4,\n", ["line 3: the target 'y' is missing:"]),
        ("a,b,y\n1,2,u\n3,4,\n5,6,v\n", ["line 3: the target 'y' is missing:"]),
        ("a,b,y\n1,2,0.5\n3,4\n", ["line 3 has 2 values, expected 3"]),
        ('a;y\n"1,5";2\n"2,5";3\n', ["line 2", "'a' holds '1,5'", "a point, not a comma"]),
        ('a,y\n7,1\n"1,234,567",2\n', ["line 3", "'a' holds '1,234,567'", "thousands separators"]),
        ("a;y\n7;1\n1'234;2\n", ["line 3", "'a' holds \"1'234\"", "thousands separators"]),
        ("a,a,y\n1,2,0.5\n", ["line 1: columns 1 and 2 are all called 'a'"]),
        ("a,b,y\n1,2,0.5\n3,4,0.5\n", ["target 'y' is 0.5 in every row"]),
        ("a,b,y\n1,2,1e200\n3,4,5e200\n5,6,2e200\n", ["line 3: the target 'y' is 5e+200, which is too large"]),
        ("a,b,y\n1,2,u\n3,4,u\n", ["target 'y' is 'u' in every row"]),
        ("y\n0.5\n1.5\n", ["no columns besides the target 'y'"]),
        ("a,b,y\n", ["a header but no rows"]),
        ("", ["the file is empty"]),
        ("\n \n", ["the file is empty"]),
    ],
)  # fmt: skip
def test_tables_that_are_refused(text: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    message = refusal(capsys, "train", write("t.csv", text))
    assert message.startswith("t.csv: ")
    for word in words:
        assert word in message


def test_files_that_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    Path("latin.csv").write_bytes("a,größe\n1,2\n".encode("latin-1"))
    Path("cut.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 999)[:40])
    np.savez("noy.npz", X=np.ones((3, 2)))
    np.savez("short.npz", X=np.ones((3, 2)), y=np.ones(2))
    np.savez("objects.npz", X=np.array([[{}]]), y=np.ones(1))
    Path("cut.npz").write_bytes(Path("noy.npz").read_bytes()[:50])
    write("t.xlsx", "")
    for data, words in {
        "latin.csv": "line 1, column 2 is not UTF-8 text .byte 0xf6.*größe.*iconv",
        "cut.csv.gz": "not a whole .gz file",
        "noy.npz": "no array 'y' for the target; the file has 'X'",
        "short.npz": r"y must have one value for each of the 3 rows of X, got shape \(2,\)",
        "objects.npz": "array 'X' holds Python objects",
        "cut.npz": "npz",
        "t.xlsx": "unknown kind of file",
        "nowhere.csv": "there is no file nowhere.csv",
        "digit": "did you mean digits",
        ".": "is a folder",
    }.items():
        assert re.search(words, refusal(capsys, "train", data)), data
