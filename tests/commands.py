"""What tests of the command line share: a small file, a run that must fail, one that must go well."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from fastdl.cli import main, report

# A table of numbers, words and whole numbers with two classes, in which nothing is odd.
HEAD = ["size", "town", "age", "y"]
ROWS = [
    [f"{(i * 37 % 60) / 7:.3f}", "ABC"[i * 5 % 7 % 3], str(i * 11 % 50), ("yes", "no")[i * 3 % 7 % 2]]
    for i in range(60)
]

QUICK = ["--epochs", "1", "--hidden", "4", "--no-progress"]


def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory of its own, and an empty picture, since drawing takes most of the time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(report, "save_curves", lambda path, *args: path.touch())


def write(path: str, text: str | bytes) -> str:
    """A file of this content, in UTF-8 and with the line ends that are in it."""
    Path(path).write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run what must fail; return its one line."""
    before = sorted(os.listdir())
    capsys.readouterr()
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("fastdl: error: ") and err.count("\n") == 1, err
    assert sorted(os.listdir()) == before, "something was left behind"
    return err.removeprefix("fastdl: error: ").rstrip("\n")


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[list[str], str]:
    """Run what must go well; return the lines of its output, and what it said on stderr."""
    capsys.readouterr()
    assert main(arguments) == 0, capsys.readouterr().err
    out, err = capsys.readouterr()
    return out.splitlines(), err


def flowers(path: str = "flowers.csv", header: str = "width,height,kind", rows: int = 60) -> str:
    """A small table with a text target that the features tell apart."""
    lines = [header] if header else []
    lines += [f"{i % 7},{i % 5 + 10 * (i % 3)},{('rose', 'tulip', 'lily, white')[i % 3]!r}" for i in range(rows)]
    return write(path, "\n".join(lines).replace("'", '"') + "\n")


def table(
    rows: Sequence[Sequence[str]] = ROWS, head: Sequence[str] | None = HEAD, cut: str = ",", end: str = "\n"
) -> str:
    return "".join(cut.join(row) + end for row in ([head] if head else []) + list(rows))


def cell(place: int, word: str, rows: Sequence[int] = (7,)) -> list[list[str]]:
    """The table with another word in one column of some rows; row 7 is line 9."""
    return [[word if i in rows and n == place else c for n, c in enumerate(row)] for i, row in enumerate(ROWS)]


def column(place: int, words: Sequence[str]) -> list[list[str]]:
    """The table with another column, of these words in turn."""
    return [[words[i % len(words)] if n == place else c for n, c in enumerate(row)] for i, row in enumerate(ROWS)]
