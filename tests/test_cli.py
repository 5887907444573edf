"""The command line: what it reads, what it refuses and how, what it leaves behind."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import commands
import numpy as np
import pytest
from commands import flowers, refusal, write

import fastdl
from fastdl.cli import main, report
from fastdl.cli.folder import FILES, Output
from fastdl.cli.report import score_table
from fastdl.cli.tables import read_table
from fastdl.cli.task import describe_task, load_task
from fastdl.report.numbers import plain
from fastdl.tables import load

QUICK = ["--epochs", "2", "--hidden", "8", "--no-progress"]


SAVE_CURVES = report.save_curves


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real picture is drawn by runs in a process of their own."""
    commands.alone(tmp_path, monkeypatch)


def rents(path: str = "rents.csv", rows: int = 200) -> str:
    """A linear target with a large offset."""
    x = np.arange(rows)
    lines = [f"{i % 13},{i % 11},{1e6 + 1000 * (i % 13) - 500 * (i % 11) + 0.5}" for i in x]
    return write(path, "size,age,rent\n" + "\n".join(lines) + "\n")


def command(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """Start the command in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.fspath(Path(fastdl.__file__).parents[1])}
    environment.pop("PYTHONUNBUFFERED", None)  # buffered, as users have it: output may fail as late as at the exit
    program = [sys.executable, "-m", "fastdl.cli", *arguments]
    return subprocess.Popen(program, stderr=subprocess.PIPE, text=True, env=environment, **options)


# ---------------------------------------------------------------------------------------------------- the main job


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder and the output of `fastdl train digits`."""
    place = tmp_path_factory.mktemp("digits")
    process = command("train", "digits", stdout=subprocess.PIPE, cwd=place)
    out, err = process.communicate(timeout=100)
    assert process.returncode == 0, err
    return place / "fastdl-digits", out


def test_train_digits(digits: tuple[Path, str]) -> None:
    path, out = digits
    assert {entry.name for entry in path.iterdir()} == FILES
    assert {entry.name for entry in path.parent.iterdir()} == {path.name}, "the temporary folder is gone"
    metrics = json.loads((path / "metrics.json").read_text())
    assert metrics["val_accuracy"] >= 0.97 and metrics["finished"] is True
    assert metrics["accuracy"] > metrics["val_accuracy"] - 0.02 and 0.05 < metrics["baseline_accuracy"] < 0.15
    assert (path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert "Dense" in out and "x32" in out and "always 0" in out, "the columns and the summary"
    assert f"{100 * metrics['val_accuracy']:.2f} %" in out and "fastdl-digits" in out


def test_the_history_fits_the_metrics(digits: tuple[Path, str]) -> None:
    path, _ = digits
    metrics = json.loads((path / "metrics.json").read_text())
    with open(path / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == list(range(metrics["epochs"]))
    scores = [float(row["val_accuracy"]) for row in rows]
    assert len(scores) - 1 - scores[::-1].index(max(scores)) == metrics["best_epoch"], "of equals the last"
    # The scores are those of the weights that were kept, not of the last ones.
    assert metrics["val_accuracy"] == pytest.approx(float(rows[metrics["best_epoch"]]["val_accuracy"]), abs=1e-9)


def test_the_model_predicts_as_the_metrics_say(digits: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    path, _ = digits
    assert main(["predict", str(path), "digits", "--proba"]) == 0
    header, *rows = list(csv.reader(capsys.readouterr().out.splitlines()))
    assert header == ["prediction", *(f"p_{digit}" for digit in range(10))]
    probabilities = np.array(rows, float)[:, 1:]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    predicted = [int(row[0]) for row in rows]
    assert predicted == probabilities.argmax(axis=1).tolist()
    _, labels = fastdl.datasets.load_digits()
    metrics = json.loads((path / "metrics.json").read_text())
    right = metrics["accuracy"] * metrics["rows"] + metrics["val_accuracy"] * metrics["val_rows"]
    assert np.sum(predicted == labels) == round(right)


def test_the_same_seed_gives_the_same_files() -> None:
    for out, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        assert main(["train", flowers(), "--out", out, "--seed", seed, *QUICK]) == 0
    same = {name: [Path(out, name).read_bytes() for out in "abc"] for name in ("model.safetensors", "history.csv")}
    for name, (a, b, c) in same.items():
        assert a == b and a != c, name


# -------------------------------------------------------------------------------------------------------- the task


def column_task(values: np.ndarray, requested: str | None = None) -> str:
    np.savez("t.npz", X=np.ones((len(values), 1)), y=values)
    return describe_task(read_table("t.npz"), [], requested)[0].kind


def test_classification_or_regression() -> None:
    many = np.arange(200)
    assert column_task(many % 3) == "classification"
    assert column_task(many % 3 * 1.0) == "classification"
    assert column_task(many % 2 == 0) == "classification"
    assert column_task((many % 3).astype(str)) == "classification"
    assert column_task(many % 3 + 0.5) == "regression"
    assert column_task(many) == "regression"
    assert column_task(np.array([1, 2, 3, 4])) == "regression", "too few rows for so many values"
    assert column_task(many % 3 + 0.5, "classification") == "classification"
    assert column_task(many % 3, "regression") == "regression"
    assert column_task(many // 2, "classification") == "classification"
    with pytest.raises(ValueError, match="200 different values in 200 rows, which is no classification"):
        column_task(many + 0.5, "classification")
    assert column_task((many % 3).astype(str), "regression") == "regression"
    with pytest.raises(ValueError, match="row 0: the target 'y' is 'n0', which is no number"):
        column_task(np.char.add("n", (many % 3).astype(str)), "regression")


def test_labels_keep_their_form() -> None:
    _, labels = describe_task(read_table(write("t.csv", "a,y\n1,10\n2,9\n3,10\n4,9\n")), [], None)
    assert labels.tolist() == [10, 9, 10, 9] and labels.dtype == np.int64
    _, labels = describe_task(read_table(write("t.csv", "a,y\n1,010\n2,b\n3,010\n4,b\n")), [], None)
    assert labels.tolist() == ["010", "b", "010", "b"]


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "clustering"}, {"format": 1}, {"positions": [0]}, {"positions": [0, 99]}, {"positions": [0, True]},
        {"features": [1, 2]}, {"place": "x"}, {"place": 3}, {"place": None}, {"named": 1}, {"extra": 1},
        {"features": None},
    ],
)  # fmt: skip
def test_task_file_is_checked(change: dict[str, Any]) -> None:
    task, _ = describe_task(read_table(flowers()), [], None)
    task.save("task.json")
    assert load_task("task.json") == task
    facts = json.loads(Path("task.json").read_text())
    write("task.json", json.dumps(facts | change))
    with pytest.raises(ValueError, match=r"task.json: not a description written by fastdl train"):
        load_task("task.json")
    write("task.json", "[]")
    with pytest.raises(ValueError, match="not a description"):
        load_task("task.json")


# -------------------------------------------------------------------------------------------------- train, predict


def test_classes_of_text_go_round(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--epochs", "60", "--hidden", "16", "--batch-size", "16", "--no-progress"]
    assert main(["train", flowers(), "--out", "model", *options]) == 0
    capsys.readouterr()
    # Another order of columns, one that the model doesn't know, and no target.
    write("new.csv", "height,note,width\n21,hello,1\n2,you,2\n11,there,3\n")
    assert main(["predict", "model", "new.csv", "--proba"]) == 0
    header, *rows = list(csv.reader(capsys.readouterr().out.splitlines()))
    assert header == ["prediction", "p_lily, white", "p_rose", "p_tulip"]
    assert [row[0] for row in rows] == ["lily, white", "rose", "tulip"]
    # Who loads the model in Python finds the same labels.
    model = load("model/model.safetensors")
    X = {"width": [1.0, 2.0, 3.0], "height": [21, 2, 11]}
    assert model.predict(X).tolist() == ["lily, white", "rose", "tulip"]
    assert main(["evaluate", "model", "flowers.csv"]) == 0
    assert "accuracy  100.00 %" in capsys.readouterr().out
    assert main(["predict", "model", "new.csv"]) == 0
    assert capsys.readouterr().out.splitlines() == ["prediction", '"lily, white"', "rose", "tulip"]


def test_regression_answers_in_the_units_of_the_target(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--epochs", "80", "--hidden", "32", "--batch-size", "16", "--dropout", "0"]
    assert main(["train", rents(), "--out", "model", "--patience", "80", *options]) == 0
    metrics = json.loads(Path("model/metrics.json").read_text())
    assert metrics["val_r2"] > 0.95 and metrics["val_rmse"] < 0.25 * metrics["baseline_rmse"]
    assert metrics["baseline_rmse"] > 1000
    capsys.readouterr()
    assert main(["predict", "model", "rents.csv", "--out", "answers.csv"]) == 0
    assert capsys.readouterr().out == ""
    with open("answers.csv", newline="") as file:
        header, *rows = list(csv.reader(file))
    truth = np.loadtxt("rents.csv", delimiter=",", skiprows=1)[:, 2]
    assert header == ["prediction"]
    error = np.sqrt(np.mean((np.array(rows, float)[:, 0] - truth) ** 2))
    expected = np.sqrt((metrics["rmse"] ** 2 * metrics["rows"] + metrics["val_rmse"] ** 2 * metrics["val_rows"]) / 200)
    assert error == pytest.approx(expected, rel=1e-3, abs=0.1)


def test_columns_without_names_are_found_by_position(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{i % 3},{i % 7},{i % 3 * 5}" for i in range(60)]
    write("t.csv", "\n".join(rows) + "\n")
    assert main(["train", "t.csv", "--target", "0", "--out", "model", *QUICK]) == 0
    write("features.csv", "\n".join(row.partition(",")[2] for row in rows) + "\n")
    write("wide.csv", "1,2,3,4\n5,6,7,8\n")
    capsys.readouterr()
    assert main(["predict", "model", "t.csv"]) == 0
    with_target = capsys.readouterr().out
    assert main(["predict", "model", "features.csv"]) == 0
    assert capsys.readouterr().out == with_target and len(with_target.splitlines()) == 61
    assert "wide.csv has 4 columns" in refusal(capsys, "predict", "model", "wide.csv")


def test_predict_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", flowers(), "--out", "model", *QUICK]) == 0
    capsys.readouterr()
    refused = lambda *arguments: refusal(capsys, "predict", *arguments)  # noqa: E731
    assert "lacks column 'height'" in refused("model", write("a.csv", "width,tall\n1,2\n"))
    assert "has no header" in refused("model", write("b.csv", "1,2\n3,4\n"))
    message = refused("model", write("c.csv", "width,height\n1,tall\n3,wide\n"))
    assert "c.csv: line 2: column 'height' holds 'tall', where a number is expected" in message
    assert "no folder of a trained model: there is no task.json" in refused(".", "c.csv")
    assert "there is no task.json" in refused("nowhere", "c.csv")
    assert "is there already" in refused("model", "flowers.csv", "--out", "flowers.csv")
    assert "there is no folder" in refused("model", "flowers.csv", "--out", "no/such/place.csv")
    os.remove("model/model.safetensors")
    assert "there is no model.safetensors" in refused("model", "flowers.csv")


def test_without_validation(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", flowers(), "--out", "model", "--validation-split", "0", *QUICK]) == 0
    metrics = json.loads(Path("model/metrics.json").read_text())
    assert metrics["val_rows"] == 0 and metrics["best_epoch"] is None and "val_accuracy" not in metrics
    assert "validation  " not in capsys.readouterr().out


def test_a_linear_model_and_dropped_columns() -> None:
    assert main(["train", flowers(), "--out", "model", "--drop", "width", "--epochs", "1", "--hidden", ""]) == 0
    task = load_task("model/task.json")
    assert task.features == ["height"] and task.positions == [1]
    assert json.loads(Path("model/metrics.json").read_text())["settings"]["hidden"] == []


def mixed(path: str = "mixed.csv", rows: int = 300, target: bool = True) -> str:
    """Numbers, words, dates and gaps."""
    lines = ["town,size,day,note,price" if target else "town,size,day,note"]
    for i in range(rows):
        town, size = ("Rome", "Oslo", "")[i % 3], "?" if i % 11 == 0 else f"{i % 7}"
        price = f",{100 * (i % 3) + 10 * (i % 7 if i % 11 else 3) + 0.5}" if target else ""
        lines.append(f"{town},{size},2020-0{1 + i % 9}-11,n{i}{price}")
    return write(path, "\n".join(lines) + "\n")


def test_words_dates_and_gaps(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", mixed(), "--out", "model", "--preset", "simple", "--hidden", "64", "--no-progress"]) == 0
    out = capsys.readouterr().out
    for words in ("town  Oslo or Rome", "size  number, and whether it is missing", "day   date", "every value is"):
        assert words in out
    assert json.loads(Path("model/metrics.json").read_text())["val_r2"] > 0.9
    assert main(["predict", "model", mixed("new.csv", 30, target=False), "-o", "out.csv"]) == 0
    assert len(Path("out.csv").read_text().splitlines()) == 31
    assert main(["evaluate", "model", "mixed.csv", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["r2"] > 0.9


def test_parquet(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pyarrow")
    from pyarrow import csv as reader
    from pyarrow import parquet

    parquet.write_table(reader.read_csv(mixed()), "mixed.parquet")
    assert main(["train", "mixed.parquet", "--out", "model", *QUICK]) == 0
    capsys.readouterr()
    answers = []
    for name in ("mixed.parquet", "mixed.csv"):
        assert main(["predict", "model", name]) == 0
        answers.append(capsys.readouterr().out)
    assert len(answers[0].splitlines()) == 301
    write("broken.parquet", "no")
    assert "not a whole .parquet file" in refusal(capsys, "train", "broken.parquet")


def test_weights_validation_table_settings_and_time_limit() -> None:
    flowers("held.csv", rows=30)
    rows = Path(flowers()).read_text().splitlines()
    write("flowers.csv", "\n".join([f"w,{rows[0]}", *(f"{i % 3},{row}" for i, row in enumerate(rows[1:]))]) + "\n")
    options = ["--weights", "w", "--set", "dropout=0.3", "--set", "hidden=8,4", "--set", "patience=none"]
    assert main(["train", "flowers.csv", "--out", "model", "--epochs", "3", "--no-progress", *options]) == 0
    metrics = json.loads(Path("model/metrics.json").read_text())
    assert metrics["settings"]["dropout"] == 0.3 and metrics["settings"]["hidden"] == [8, 4]
    assert load_task("model/task.json").features == ["width", "height"]
    assert metrics["rows"] + metrics["val_rows"] == 60, "a row of weight 2 is there twice, one of weight 0 never"
    limit = ["--time-limit", "1", "--epochs", "100000", "--no-progress", "--drop", "w"]
    assert main(["train", "flowers.csv", "--out", "quick", *limit]) == 0
    assert json.loads(Path("quick/metrics.json").read_text())["epochs"] < 100000
    assert main(["train", flowers(), "--valid", "held.csv", "--out", "held", *QUICK]) == 0
    metrics = json.loads(Path("held/metrics.json").read_text())
    assert metrics["rows"] == 60 and metrics["val_rows"] == 30


def test_columns_that_look_wrong_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"{i},{i % 3 == 0},{i * 37 % 11},{'yes' if i % 3 == 0 else 'no'}" for i in range(90)]
    write("t.csv", "number,copy,size,y\n" + "\n".join(lines) + "\n")
    assert main(["train", "t.csv", "--out", "model", *QUICK]) == 0
    err = capsys.readouterr().err
    assert "'copy' gives the target away" in err and "'number' looks like an id" in err and "'size'" not in err
    assert main(["train", rents(), "--out", "rent", *QUICK]) == 0
    assert capsys.readouterr().err == ""


def test_a_word_among_numbers_is_told_and_counts_as_missing(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"{i if i != 70 else 'unknown'},{i % 2}" for i in range(100)]
    write("t.csv", "a,y\n" + "\n".join(lines) + "\n")
    assert main(["train", "t.csv", "--out", "model", *QUICK]) == 0
    assert "t.csv: line 72: column 'a' holds 'unknown', where a number is expected" in capsys.readouterr().err


@pytest.mark.skipif("FASTDL_DATA" not in os.environ, reason="FASTDL_DATA names no folder of data sets")
def test_a_table_of_the_real_world(capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(os.environ["FASTDL_DATA"]) / "tabular"
    assert (
        main(
            [
                "train",
                str(folder / "california_housing.csv.gz"),
                "--target",
                "median_house_value",
                "--out",
                "model",
                "--preset",
                "simple",
                "--epochs",
                "5",
                "--no-progress",
            ]
        )
        == 0
    )
    assert "one-hot of 5 categories" in capsys.readouterr().out
    assert json.loads(Path("model/metrics.json").read_text())["val_r2"] > 0.7


# ---------------------------------------------------------------------------------------------------- the folder


def test_a_fresh_folder_each_time() -> None:
    for name in ("fastdl-flowers", "fastdl-flowers-2", "fastdl-flowers-3"):
        assert main(["train", flowers(), *QUICK]) == 0
        assert {entry.name for entry in Path(name).iterdir()} == FILES
    assert sorted(os.listdir()) == ["fastdl-flowers", "fastdl-flowers-2", "fastdl-flowers-3", "flowers.csv"]


def test_nothing_is_overwritten_unasked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", flowers(), "--out", "model", *QUICK]) == 0
    before = Path("model/model.safetensors").read_bytes()
    capsys.readouterr()
    assert "model is there already" in refusal(capsys, "train", "flowers.csv", "--out", "model", *QUICK)
    assert Path("model/model.safetensors").read_bytes() == before
    assert main(["train", "flowers.csv", "--out", "model/", "--force", "--seed", "1", *QUICK]) == 0
    assert Path("model/model.safetensors").read_bytes() != before
    assert sorted(os.listdir()) == ["flowers.csv", "model"]


def test_results_that_cannot_be_replaced_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("model").mkdir()
    write("model/metrics.json", "old")
    output = Output("model", "data.csv", force=True)
    rename = os.rename

    def fail_once(source: Any, target: Any) -> None:
        if str(target) == "model" and "new" in {entry.name for entry in Path(source).iterdir()}:
            raise OSError("no")
        rename(source, target)

    monkeypatch.setattr(os, "rename", fail_once)
    with pytest.raises(OSError, match="no"), output.writing() as path:
        (path / "new").touch()
    assert Path("model/metrics.json").read_text() == "old" and os.listdir() == ["model"]


def test_force_never_deletes_what_is_not_ours(capsys: pytest.CaptureFixture[str]) -> None:
    Path("home").mkdir()
    write("home/letters.txt", "dear")
    assert "letters.txt" in refusal(capsys, "train", flowers(), "--out", "home", "--force", *QUICK)
    assert "is no folder" in refusal(capsys, "train", "flowers.csv", "--out", "flowers.csv", "--force", *QUICK)
    assert Path("home/letters.txt").read_text() == "dear"


def test_folder_is_made_with_its_parents_and_an_empty_one_is_taken() -> None:
    Path("empty").mkdir()
    for out in ("new/er/est", "empty"):
        assert main(["train", flowers(), "--out", out, *QUICK]) == 0
        assert {entry.name for entry in Path(out).iterdir()} == FILES


def test_a_failure_while_writing_leaves_nothing() -> None:
    output = Output(None, "data.csv", force=False)

    def half(path: Path) -> None:
        (path / "model.safetensors").touch()
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"), output.writing() as path:
        half(path)
    assert os.listdir() == []


def test_a_name_that_was_taken_meanwhile_is_not_lost() -> None:
    output = Output(None, "data.csv.gz", force=False)
    Path("fastdl-data").mkdir()
    with output.writing() as path:
        (path / "model.safetensors").touch()
    assert output.path == Path("fastdl-data-2") and os.listdir("fastdl-data") == []
    explicit = Output("out", "data.csv", force=False)
    Path("out").mkdir()
    write("out/mine", "")
    with pytest.raises(FileExistsError), explicit.writing() as path:
        (path / "model.safetensors").touch()
    assert os.listdir("out") == ["mine"] and sorted(os.listdir()) == ["fastdl-data", "fastdl-data-2", "out"]


def test_an_impossible_place_is_refused_before_the_training(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastdl.cli.train.read_table", lambda *args: pytest.fail("too late"))
    assert "no folder can be made in" in refusal(capsys, "train", flowers(), "--out", "flowers.csv/model", *QUICK)


# --------------------------------------------------------------------------------------- options, errors, signals


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "a command is missing"),
        (["trian"], "invalid choice: 'trian'"),
        (["train"], "required: DATA"),
        (["train", "digits", "--lr", "0"], "--lr: expected a number > 0, got '0'"),
        (["train", "digits", "--lr", "nan"], "--lr: expected a number > 0, got 'nan'"),
        (["train", "digits", "--dropout", "1"], "--dropout: expected a number >= 0 and < 1, got '1'"),
        (["train", "digits", "--epochs", "0"], "--epochs: expected a whole number >= 1, got '0'"),
        (["train", "digits", "--epochs", "1.5"], "--epochs: expected a whole number >= 1, got '1.5'"),
        (["train", "digits", "--hidden", "64,x"], "--hidden: expected a whole number >= 1, got 'x'"),
        (["train", "digits", "--seed", "18446744073709551616"], "--seed: expected a whole number >= 0 and < "),
        (["train", "digits", "--validation-split", "1"], "--validation-split: expected a number"),
        (["train", "digits", "--task", "clustering"], "--task: invalid choice"),
        (["train", "digits", "--target", "digti"], "there is no column 'digti'; did you mean 'digit'?"),
        (["train", "digits", "--drop", "99"], "there is no column 99"),
        (["train", "digits", "--drop", "digit"], "is the target, it can't be dropped"),
        (["info", "extra"], "unrecognized arguments: extra"),
    ],
)
def test_bad_options(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert words in refusal(capsys, *arguments)


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--debug", "train", "nowhere.csv"], ["train", "nowhere.csv", "--debug"]):
        assert main(arguments) == 2
        err = capsys.readouterr().err
        assert "Traceback" in err and err.endswith("fastdl: error: there is no file nowhere.csv\n")


def test_a_warning_is_one_line_too(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastdl.cli.info.collect", lambda: warnings.warn("hm", stacklevel=1) or {"fact": 1})
    assert main(["info", "--json"]) == 0
    assert capsys.readouterr().err == "fastdl: warning: hm\n"


def test_a_mistake_of_ours_says_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> dict[str, Any]:
        raise KeyError("oops")

    monkeypatch.setattr("fastdl.cli.info.collect", broken)
    assert "internal error, KeyError: 'oops' (--debug shows where)" in refusal(capsys, "info")


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["predict", "-h"], ["--version"]])
def test_help_and_version(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert err == "" and ("usage: fastdl" in out or out == f"fastdl {fastdl.__version__}\n")


def test_info(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info"]) == 0
    text = capsys.readouterr().out
    assert main(["info", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["version"] == fastdl.__version__ and facts["numpy"] == np.__version__
    assert facts["instruction_set"] in facts["instruction_sets"] and facts["threads"] >= 1
    assert facts["instruction_set"] in text and fastdl.__version__ in text


def test_info_knows_the_extras_of_the_project() -> None:
    tomllib = pytest.importorskip("tomllib")
    from fastdl.cli.info import EXTRAS

    project = Path(__file__).resolve().parents[1] / "pyproject.toml"
    extras = tomllib.loads(project.read_text())["project"]["optional-dependencies"]

    def packages(extra: str) -> set[str]:
        found = set()
        for requirement in extras[extra]:
            name = re.split(r"[<>=\[]", requirement)[0]
            inner = re.findall(r"\[(.*)\]", requirement)
            found |= packages(inner[0]) if name == "fastdl-nn" else {name}
        return found

    for extra, names in EXTRAS.items():
        assert set(names) == packages(extra), extra


def test_ctrl_c_keeps_what_there_is() -> None:
    flowers(rows=3000)
    options = ["--epochs", "100000", "--patience", "100000", "--hidden", "64", "--out", "model"]
    # Tests that run in the background are born deaf to Ctrl-C, and so would be their children.
    listen = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731
    process = command("train", "flowers.csv", *options, stdout=subprocess.PIPE, preexec_fn=listen)
    try:
        assert process.stdout is not None
        while "preset" not in process.stdout.readline():  # it comes just before the training
            assert process.poll() is None
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "Traceback" not in err and "interrupted" in err
    metrics = json.loads(Path("model/metrics.json").read_text())
    assert metrics["finished"] is False and metrics["epochs"] >= 1
    assert sorted(os.listdir()) == ["flowers.csv", "model"]
    assert main(["predict", "model", "flowers.csv", "--out", "answers.csv"]) == 0


def test_interrupted_before_the_first_epoch(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fastdl.Trainer, "fit", interrupt)
    assert main(["train", flowers(), *QUICK]) == 130
    assert "nothing to save" in capsys.readouterr().err and os.listdir() == ["flowers.csv"]
    monkeypatch.setattr("fastdl.cli.train.read_table", interrupt)
    assert main(["train", "flowers.csv", *QUICK]) == 130
    assert capsys.readouterr().err == "fastdl: interrupted\n"


def test_a_reader_that_leaves_is_no_error() -> None:
    assert main(["train", flowers(rows=20000), "--out", "model", "--epochs", "1", "--hidden", "4"]) == 0
    process = command("predict", "model", "flowers.csv", stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline() == "prediction\n"
    process.stdout.close()
    assert process.wait(timeout=60) == 141 and process.stderr.read() == ""


def test_training_survives_a_reader_that_leaves() -> None:
    read, wrote = os.pipe()
    os.close(read)
    process = command("train", flowers(), "--out", "model", *QUICK, stdout=wrote)
    os.close(wrote)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0 and err == ""
    assert {entry.name for entry in Path("model").iterdir()} == FILES


def test_a_reader_that_never_came_is_no_error() -> None:
    read, wrote = os.pipe()
    os.close(read)
    process = command("info", stdout=wrote)
    os.close(wrote)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 141 and err == "", "nor does Python complain when it exits"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_an_error() -> None:
    with open("/dev/full", "w") as full:
        process = command("info", stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2 and err == "fastdl: error: [Errno 28] No space left on device\n"


def test_without_matplotlib_there_is_no_picture(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(report, "save_curves", SAVE_CURVES)
    for name in ("matplotlib", "matplotlib.figure", "matplotlib.backends", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, name, None)
    assert main(["train", flowers(), "--out", "model", *QUICK]) == 0
    assert {entry.name for entry in Path("model").iterdir()} == FILES - {"curves.png"}
    assert 'pip install "fastdl-nn[cli]"' in capsys.readouterr().err


# ------------------------------------------------------------------------------------------------------ the report


@pytest.mark.parametrize(
    ("value", "text"),
    [(68081.2, "68080"), (0.5, "0.5"), (1.23456, "1.235"), (3e-7, "3e-07"), (-1e12, "-1e+12"), (0.0, "0"), (2.0, "2")],
)
def test_plain_numbers(value: float, text: str) -> None:
    assert plain(value) == text


def test_score_table() -> None:
    table = score_table({"training": {"log_loss": 0.1, "accuracy": 1.0}, "baseline": {"accuracy": 0.1}})
    assert table.splitlines() == [
        "          training  baseline",
        "----------------------------",
        "accuracy  100.00 %   10.00 %",
        "log loss       0.1",
    ]
