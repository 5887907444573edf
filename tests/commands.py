"""What tests of the command line share: a small file, a run that must fail, one that must go well."""

import os
from pathlib import Path

import pytest

from fastdl.cli import main, report

QUICK = ["--epochs", "1", "--hidden", "4", "--no-progress"]


def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory of its own, and an empty picture, since drawing takes most of the time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(report, "save_curves", lambda path, *args: path.touch())


def write(path: str, text: str | bytes) -> str:
    """A file of this content, in UTF-8 and with the line ends that are in it."""
    Path(path).write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str, warned: bool = False) -> str:
    """Run what must fail; return its one line, which warnings may precede."""
    before = sorted(os.listdir())
    capsys.readouterr()
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    *above, last = err.splitlines()
    assert out == "" and last.startswith("fastdl: error: "), err
    assert all(line.startswith("fastdl: ") for line in above) if warned else not above, err
    assert sorted(os.listdir()) == before, "something was left behind"
    return last.removeprefix("fastdl: error: ")


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
