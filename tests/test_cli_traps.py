"""Files that no model can be trained on, and files that only look so: what the message says."""

from pathlib import Path

import commands
import numpy as np
import pytest
from commands import HEAD, QUICK, ROWS, answer, cell, column, refusal, table, write


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands.alone(tmp_path, monkeypatch)


REFUSED: dict[str, tuple[str | bytes, list[str]]] = {
    "empty": ("", ["t.csv: the file is empty"]),
    "only a mark": (b"\xef\xbb\xbf", ["the file is empty"]),
    "header only": ("a,b,y\n", ["a header but no rows"]),
    "one row": ("a,b,y\n1,2,x\n", ["line 2: the target 'y' is in the only row"]),
    "short row": (table([*ROWS[:5], ["1", "A"], *ROWS[5:]]), ["line 7 has 2 values, expected 4"]),
    "long row": (table([*ROWS[:5], [*ROWS[0], "1"], *ROWS[5:]]), ["line 7 has 5 values, expected 4"]),
    "long row far below": (table([*ROWS * 2, [*ROWS[0], "1"]]), ["line 122 has 5 values", "quotes around the value"]),
    "comment within": (table(ROWS[:9]) + "# so far\n" + table(ROWS, None), ["line 11", "begins with #"]),
    "title": ("My table\n\n" + table(), ["line 1 has 1 value, but all lines below have 4", "title", "'My table'"]),
    "raw decimal commas": (table([[*row[:3], "0", "5"] for row in ROWS]), ["line 1 has 4 values", "like 1234.5"]),
    "joined files": (table() * 2, ["line 62 has the names of the columns once more"]),
    "joined short files": (table(ROWS[:9]) + table(), ["line 11 has the names of the columns once more"]),
    "same names": (table(head=["a", "b", "a", "a"]), ["line 1: columns 1, 3 and 4 are all called 'a'"]),
    "open quote": (table(cell(1, '"A')), ["line 9, column 2: a quote opens a cell and is never closed"]),
    "text behind a quote": (table(cell(1, '"A" b')), ["line 9, column 2: a quote opens", "in line 9", "written twice"]),
    "quote in the header": ('"' + table(), ["line 1, column 1: a quote opens a cell and is never closed"]),
    "NUL": (table(cell(1, "A\0")), ["line 9, column 2 holds a NUL byte"]),
    "UTF-16 without mark": (table().encode("utf-16-le"), ["UTF-16 text without its mark", "UTF-8"]),
    "half UTF-16": (table().encode("utf-16")[:-1], ["broken UTF-16 text"]),
    "latin-1": (table(cell(1, "Köln")).encode("latin-1"), ["line 9, column 2", "not UTF-8", "0xf6", "'Köln'"]),
    "cp1252": (table(cell(1, "5 €")).encode("cp1252"), ["line 9, column 2", "0x80", "'5 €'", "iconv -f cp1252"]),
    "binary": (bytes(range(256)) * 9, ["no text file, but binary"]),
    "spreadsheet": (b"PK\x03\x04" + bytes(99), [".xlsx; export the table as CSV"]),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(99), ["a picture"]),
    "web page": ("<!DOCTYPE html><html></html>", ["a web page"]),
    "JSON": ('[{"a": 1}]', ["JSON"]),
    "no target cell": (table(cell(3, "", (7, 9))), ["line 9: the target 'y' is missing (and in 1 more row)"]),
    "NA in the target": (table(cell(3, "NA")), ["line 9: the target 'y' is missing:"]),
    "no target at all": (table(column(3, [""])), ["the target 'y' has no value in any row"]),
    "one class": (table(column(3, ["yes"])), ["the target 'y' is 'yes' in every row"]),
    "one number": (table(column(3, ["1.5"])), ["the target 'y' is 1.5 in every row"]),
    "words among target numbers": (
        table([[*row[:3], "unknown" if i in (7, 8) else f"{i / 7:.3f}"] for i, row in enumerate(ROWS)]),
        ["line 9: the target 'y' is 'unknown' among numbers", "--task classification"],
    ),
    "endless target": (
        table([[*row[:3], "inf" if i == 7 else f"{i / 7:.3f}"] for i, row in enumerate(ROWS)]),
        ["line 9: the target 'y' is infinite"],
    ),
    "decimal commas in the target": (
        table([[*row[:3], f"{i},5"] for i, row in enumerate(ROWS)], cut=";"),
        ["line 2: the target 'y' is '0,5': write numbers like 1234.5"],
    ),
    "units in the target": (
        table([[*row[:3], f"{i} kg"] for i, row in enumerate(ROWS)]),
        ["line 2: the target 'y' is '0 kg'", "without a unit"],
    ),
    "dates as target": (table(column(3, ["2024-01-11", "2024-01-12"])), ["the target 'y' holds dates"]),
    "names as target": (
        table([[*row[:3], f"w{i}"] for i, row in enumerate(ROWS)]),
        ["60 different values in 60 rows", "no classification"],
    ),
    "no such day": (table(column(0, ["2024-02-29", "2024-02-30"])), ["line 3: column 'size'", "no such day"]),
    "only a target": ("y\nyes\nno\nyes\n", ["no columns besides the target 'y'"]),
}


@pytest.mark.parametrize("trap", REFUSED)
def test_a_broken_file_is_refused_in_one_line(trap: str, capsys: pytest.CaptureFixture[str]) -> None:
    content, words = REFUSED[trap]
    message = refusal(capsys, "train", write("t.csv", content))
    assert message.startswith("t.csv: ")
    for word in words:
        assert word in message


def test_the_first_line_is_a_header_where_the_target_is_named_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Though 'town' also stands below, and decimal commas look like no numbers."""
    rows = [[row[0].replace(".", ","), "town", row[0].replace(".", ","), row[3]] for row in ROWS]
    message = refusal(capsys, "train", write("t.csv", table(rows, cut=";")), "--target", "y")
    assert "line 2: column 'size' holds '0,000': write numbers like 1234.5" in message
    message = refusal(capsys, "train", write("t.csv", table(head=None)), "--target", "y")
    assert "no column 'y'; the columns have no names, and are called 'x0', 'x1'" in message


@pytest.mark.parametrize(
    "word",
    [
        "0,5", "1.234,5", "1.234.567", "1'234", "1 234", "1\u00a0234", "1_234", "$5", "5 €", "12 %", "12%", "(12)",
        "\u22125", "EUR 5", "'5", '"1,234.5"', '"1,23,456"',
    ],
)  # fmt: skip
@pytest.mark.parametrize("everywhere", [False, True])
def test_numbers_as_people_write_them(word: str, everywhere: bool, capsys: pytest.CaptureFixture[str]) -> None:
    rows = column(0, [word]) if everywhere else cell(0, word)
    message = refusal(capsys, "train", write("t.csv", table(rows, cut=";")))
    assert message.startswith(f"t.csv: line {2 if everywhere else 9}: column 'size' holds ")
    assert "write numbers like 1234.5" in message


@pytest.mark.parametrize("word", ["inf", "-Infinity", "1e999"])
def test_endless_numbers(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    message = refusal(capsys, "train", write("t.csv", table(cell(0, word))))
    assert message == "t.csv: line 9: column 'size' holds an infinite number: leave such cells empty"


READ = {
    "marked": table().encode("utf-8-sig"),
    "UTF-16": table().encode("utf-16"),
    "UTF-32": table().encode("utf-32"),
    "semicolons": table(cut=";").encode(),
    "tabs": table(cut="\t").encode(),
    "blanks": table(cut=" ").encode(),
    "bars": table(cut="|").encode(),
    "Windows": table(end="\r\n").encode(),
    "old Mac": table(end="\r").encode(),
    "blank lines": table(end="\n\n").encode(),
    "delimiters at the ends": table([[*row, ""] for row in ROWS], [*HEAD, ""]).encode(),
    "delimiters at the ends of rows": table([[*row, ""] for row in ROWS]).encode(),
    "blanks around": table([[f" {c} " for c in row] for row in ROWS], [f" {c} " for c in HEAD]).encode(),
    "quotes": table([[f'"{c}"' for c in row] for row in ROWS], [f'"{c}" ' for c in HEAD]).encode(),
    "comments above": b"# made by hand\n# in a hurry, on Monday, by me, all\n" + table().encode(),
    "as NumPy writes": b"# " + table().encode(),
    "as Excel tells": b"sep=;\n" + table(cut=";").encode(),
}


@pytest.mark.parametrize("spelling", READ)
def test_spellings_of_one_table(spelling: str, capsys: pytest.CaptureFixture[str]) -> None:
    models = []
    for name, content in {"plain": table().encode(), "other": READ[spelling]}.items():
        assert answer(capsys, "train", write("t.csv", content), "--out", name, *QUICK)[1] == ""
        models.append(Path(name, "model.safetensors").read_bytes())
    assert models[0] == models[1]


WARNED = {
    "word among numbers": (cell(0, "unknown"), "line 9: column 'size' holds 'unknown', where a number is expected"),
    "spreadsheet error": (cell(0, "#DIV/0!"), "line 9: column 'size' holds '#DIV/0!', where a number is expected"),
    "long cell": (cell(0, "x" * 5000), "line 9: column 'size' holds 'xxxxxxxx"),
    "many words": (
        column(0, ["1", "2", "low"]),
        "line 4: column 'size' holds 'low', and 66 % of its cells are numbers",
    ),
    "units": (column(0, ["12 kg", "14 kg"]), "line 2: column 'size' holds '12 kg' and the like"),
    "doubtful dates": (column(0, ["01/02/2024", "02/02/2024"]), "which is the day and which the month?"),
    "two digits of a year": (column(0, ["31.01.24", "30.01.24"]), "which is the day and which the month?"),
    "days as numbers": (column(0, ["20240131", "20240201"]), "column 'size' holds 20240131 and the like"),
    "times": (column(0, ["12:30", "8:05"]), "if they are times, write hours or seconds as a number"),
    "months": (column(0, ["1 Jan 2024", "2 Feb 2024"]), "if they are dates, write them like 2024-01-31"),
    "word among dates": (
        [["soon" if i == 7 else "2024-01-11", *row[1:]] for i, row in enumerate(ROWS)],
        "line 9: column 'size' holds 'soon', where a date like 2024-01-31 is expected",
    ),
    "class of one": (cell(3, "maybe"), "line 9: the target 'y' is 'maybe' in this row only"),
    "row numbers": ([[str(i + 1), *row[1:]] for i, row in enumerate(ROWS)], "column 'size' looks like an id"),
    "UUIDs": (
        [[f"{i * 7919:08x}-aaaa-bbbb", *row[1:]] for i, row in enumerate(ROWS)],
        "column 'size' looks like an id",
    ),
    "copied class": (
        [[row[0], {"yes": "J", "no": "N"}[row[3]], *row[2:]] for row in ROWS],
        "column 'town' gives the target away",
    ),
    "nothing to see": ([["1", "A", "2", row[3]] for row in ROWS], "no column has two different values"),
}


@pytest.mark.parametrize("oddity", WARNED)
def test_an_odd_table_is_read_with_a_warning(oddity: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows, words = WARNED[oddity]
    err = answer(capsys, "train", write("t.csv", table(rows)), "--out", "model", *QUICK)[1]
    assert err.startswith("fastdl: warning: t.csv: ") and words in err and len(err.splitlines()) == 1


def test_a_copy_of_a_number_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    y = [i * 37 % 61 / 7 for i in range(60)]
    for name, copy in {"line": lambda v: 3 - v, "curve": np.exp, "step": lambda v: f"w{int(v)}"}.items():
        rows = [[str(copy(v)), ROWS[i][1], str(v if name != "step" else int(v) + 0.5)] for i, v in enumerate(y)]
        err = answer(capsys, "train", write("t.csv", table(rows, ["a", "b", "y"])), "--out", name, *QUICK)[1]
        assert "column 'a' gives the target away" in err, name


@pytest.mark.parametrize("key", ["Y", " y", "Town", "SIZE", "twn"])
def test_a_name_that_is_nearly_right(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    meant = {"y": "y", "town": "town", "twn": "town", "size": "size"}[key.strip().lower()]
    message = refusal(capsys, "train", write("t.csv", table()), "--target", key)
    assert f"there is no column {key!r}; did you mean {meant!r}?" in message and "'size', 'town', 'age', 'y'" in message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["1", "-2"], "line 3: column 'age' holds the weight -2; weights are numbers >= 0"),
        (["1", ""], "line 3: column 'age' misses a weight"),
        (["0"], "column 'age' holds no weight above 0"),
        (["a", "b"], "line 2: column 'age' holds 'a', where a number is expected"),
    ],
)
def test_weights(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = write("t.csv", table(column(2, words)))
    assert message in refusal(capsys, "train", path, "--weights", "age")
