"""What a run leaves besides its model: the command that repeats it, and what a failing page costs."""

import argparse
import html
import json
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastdl.cli import job, main, make_parser, report
from fastdl.cli.again import command_line
from fastdl.report import columns, write_report
from fastdl.tables import Model, Settings

QUICK = ["--hidden", "8", "--no-progress"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory of its own for each test, and an empty picture, since drawing takes most of the time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(report, "save_curves", lambda path, *args: path.touch())


def table(path: str = "it's $HOME & <more> é.csv", rows: int = 60) -> str:
    rng = np.random.default_rng(0)
    lines = [f"{a:.3f},{b:.3f},{int(4 * c)},{a + b:.3f}" for a, b, c in rng.random((rows, 3))]
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text("\n".join(['"a ""$x"" `b`",-b,w,y', *lines]) + "\n")
    return path


def command_of(run: str) -> list[str]:
    """The words of the command on a run's page."""
    text = Path(run, "report.html").read_text()
    found = re.search(r"<pre><bdi>(.*?)</bdi></pre>", text)
    assert found is not None
    words = shlex.split(html.unescape(re.sub("</?span>", "", found[1])))
    assert words[0] == "fastdl" and "--out" not in words and "--no-progress" not in words
    return words[1:]


def results(run: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(run, "metrics.json").read_text())
    del found["seconds"]
    return found


@pytest.mark.parametrize(
    "options",
    [
        "--epochs 2 --hidden 8 --seed 18446744073709551615",
        """--epochs 2 --hidden '' --target 2 --drop 'a "$x" `b`' --drop=-b --task classification""",
        "--epochs 9 --hidden 8 --patience 0 --set lr=1e-05 --set data_init=false --set waves=4",
        "--epochs 2 --hidden 8,4 --folds 2 --members 2 --preset simple --batch-size 7 --lr 0.0123",
        "--epochs 2 --hidden 8 --weights w --valid sub/other.csv --dropout 0 --threads 1 --task regression",
        "--set epochs=2 --set hidden=4,4 --set activation=selu --validation-split 0",
    ],
)
def test_the_command_repeats_the_run_from_anywhere(
    options: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table("sub/other.csv")
    assert main(["train", table(), "--out", "first", "--no-progress", *shlex.split(options)]) == 0
    words = command_of("first")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert main([*words, "--out", "second", "--no-progress"]) == 0
    assert results("second") == results("../first") and command_of("second") == words
    model = "model.safetensors"
    assert Path("second", model).read_bytes() == Path("../first", model).read_bytes()


def options_of(*words: str) -> argparse.Namespace:
    args = make_parser().parse_args(["train", "digits", *words])
    args.argv = list(words)
    return args


def test_the_command_of_a_time_limit_makes_as_many_epochs() -> None:
    args = options_of("--time-limit", "9", "--epochs", "500", "--set", "epochs=400", "--set", "lr=0.5")
    assert command_line(args, 37) == "fastdl train digits --preset default --set lr=0.5 --epochs 37 --seed 0"
    assert "--set epochs=400" in command_line(args, None) and "--time-limit" not in command_line(args, None)


def test_the_run_tells_where_its_page_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", table("t.csv"), "--out", "a/run", "--epochs", "1", *QUICK]) == 0
    assert f"\nreport  {Path('a/run/report.html')}\n" in capsys.readouterr().out


def test_the_page_says_why_a_run_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def page(*options: str) -> str:
        code = main(["train", table("t.csv"), "--out", "run", "--force", *QUICK, *options])
        assert code == (130 if "--debug" in options else 0)
        return re.sub(r"[\d.e-]+ s", "T", Path("run", "report.html").read_text())

    assert "<bdi>3 in T; the weights of epoch " in page("--epochs", "3")
    assert "no better for 0 epochs, in T" in page("--epochs", "200", "--patience", "0", "--lr", "0.5")
    assert "by the time limit of T, in T" in page("--epochs", "1000000", "--time-limit", "0.3")
    assert "since numbers were no longer finite, in T" in page("--epochs", "99", "--lr", "1000")
    fit = Model.fit

    def late(self: Model, *parts: Any, **options: Any) -> Model:
        fit(self, *parts, **options)
        self.members[0].late = True
        return self

    monkeypatch.setattr(Model, "fit", late)
    assert "cut this run off; the command makes all 3 epochs" in page("--epochs", "3")

    def interrupted(self: Model, *parts: Any, **options: Any) -> Model:
        fit(self, *parts, **options)
        self.interrupted = True
        return self

    monkeypatch.setattr(Model, "fit", interrupted)
    text = page("--epochs", "3", "--debug")
    assert "3 of 3, interrupted, in T" in text and "the command trains to the end" in text


@pytest.mark.parametrize(
    ("error", "words"), [(RuntimeError("two\nlines"), "RuntimeError: two lines"), (KeyboardInterrupt(), "interrupted")]
)
def test_a_failing_page_costs_nothing_else(
    error: BaseException, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(path: Path) -> None:
        path.touch()
        raise error

    monkeypatch.setattr(job, "write_report", lambda model, path, *rest: fail(path))
    monkeypatch.setattr(report, "save_curves", lambda path, *rest: fail(path))
    assert main(["train", table("t.csv"), "--out", "run", "--epochs", "1", *QUICK]) == 0
    assert {file.name for file in Path("run").iterdir()} == {
        "model.safetensors",
        "task.json",
        "history.csv",
        "metrics.json",
    }
    told = capsys.readouterr().err
    assert f"no report.html: {words}" in told and f"no curves.png: {words}" in told
    assert main(["predict", "run", "t.csv"]) == 0


def test_ctrl_c_during_the_importances_costs_only_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(columns, "importance_within", fail)
    rng = np.random.default_rng(0)
    settings = Settings.preset("simple", "regression").replace(epochs=1, hidden=(4,))
    model = Model(settings).fit(rng.random((50, 2)), rng.random(50), progress=False)
    assert not write_report(model, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert "the measurement was interrupted" in text and text.endswith("</html>\n")
