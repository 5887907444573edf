"""History: a mapping from names to one float per epoch."""

import csv
import math
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from fastdl.history import History


@pytest.fixture
def history() -> History:
    history = History()
    for epoch in range(4):
        history.append({"loss": 1.0 / (epoch + 1), "val_loss": 1.25 / (epoch + 1), "accuracy": 0.1 * epoch})
    return history


def test_reads_like_a_mapping_of_lists(history: History) -> None:
    assert history["loss"] == [1.0, 1 / 2, 1 / 3, 1 / 4]
    assert history.epochs == 4
    assert list(history) == list(history.keys()) == ["loss", "val_loss", "accuracy"]
    assert "val_loss" in history and "val_los" not in history and len(history) == 3
    assert dict(history.items())["val_loss"][-1] == 1.25 / 4
    assert history.get("nothing") is None and history.get("loss") == history["loss"]
    assert all(type(value) is float for values in history.values() for value in values)


def test_what_it_gives_away_is_a_copy(history: History) -> None:
    history["loss"].clear()
    assert len(history["loss"]) == 4


@pytest.mark.parametrize(
    ("name", "words"), [("val_los", "'val_loss'"), ("zzz", "'accuracy', 'loss', 'val_loss'"), (3, "got 3")]
)
def test_unknown_name_is_a_value_error_that_helps(history: History, name: str, words: str) -> None:
    with pytest.raises(ValueError, match="history: ") as error:
        history[name]
    assert words in str(error.value)


def test_unknown_name_before_the_first_epoch() -> None:
    with pytest.raises(ValueError, match="nothing was recorded yet"):
        History()["loss"]


def test_gaps_are_nan_so_that_lists_stay_aligned() -> None:
    history = History()
    history.append({"loss": 2})
    history.append({"loss": 1, "val_loss": 3})
    history.append({"loss": 0})
    assert history["loss"] == [2.0, 1.0, 0.0]
    first, second, third = history["val_loss"]
    assert math.isnan(first) and second == 3.0 and math.isnan(third)


def test_bad_value_changes_nothing(history: History) -> None:
    with pytest.raises(TypeError, match="'val_loss' must be a number, got 'much'"):
        history.append({"loss": 1.0, "new": 2.0, "val_loss": "much"})
    assert history.epochs == 4 and "new" not in history and len(history["loss"]) == 4


def test_truncate(history: History) -> None:
    history.truncate(9)
    assert history.epochs == 4
    history.truncate(2)
    assert history.epochs == 2 and history["loss"] == [1.0, 0.5] and len(history["accuracy"]) == 2
    with pytest.raises(ValueError, match="expected an int >= 0, got -1"):
        history.truncate(-1)
    history.truncate(0)
    assert history == History()


def test_equality(history: History) -> None:
    other = pickle.loads(pickle.dumps(history))
    assert other == history
    other.append({"loss": math.nan})
    assert other != history
    history.append({"loss": math.nan})
    assert other == history, "NaN is equal to itself here"
    assert history != {"loss": history["loss"]}
    empty, without = History(), History()
    empty.append({})
    assert empty != without and empty.epochs == 1
    other.truncate(4)
    other.append({"loss": 0.0})
    assert other != history


def test_repr(history: History) -> None:
    assert repr(history) == "History(4 epochs: loss=0.25, val_loss=0.3125, accuracy=0.3)"
    assert repr(History()) == "History(0 epochs)"


def test_csv_keeps_every_digit(history: History, tmp_path: Path) -> None:
    history.append({"loss": 0.1 + 0.2, "a,b": 1e-300})
    history.to_csv(tmp_path / "history.csv")
    with open(tmp_path / "history.csv", newline="") as file:
        header, *rows = list(csv.reader(file))
    assert header == ["epoch", "loss", "val_loss", "accuracy", "a,b"]
    assert [row[0] for row in rows] == ["0", "1", "2", "3", "4"]
    assert [float(row[1]) for row in rows] == history["loss"]
    assert rows[-1] == ["4", "0.30000000000000004", "nan", "nan", "1e-300"]


def test_plot(history: History, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    figure = history.plot(tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    losses, accuracy = figure.axes
    assert losses.get_title() == "loss" and accuracy.get_title() == "accuracy"
    assert [list(line.get_ydata()) for line in losses.lines] == [history["loss"], history["val_loss"]]
    assert [text.get_text() for text in losses.get_legend().get_texts()] == ["training", "validation"]
    assert accuracy.get_legend() is None, "a single curve needs no legend"


def test_plot_leaves_pyplot_alone(history: History) -> None:
    pytest.importorskip("matplotlib")
    history.plot()
    import matplotlib.pyplot as plt

    assert plt.get_fignums() == []


@pytest.mark.parametrize("values", [[math.nan], [0.5], [math.inf, 1.0], [0.0, -1.0, 5.0], [1e-9, 1e9]])
def test_plot_takes_any_values(values: list[float], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    history = History()
    for value in values:
        history.append({"loss": value})
    history.plot(tmp_path / "curves.png")


def test_plot_of_nothing() -> None:
    pytest.importorskip("matplotlib")
    with pytest.raises(ValueError, match="no epochs"):
        History().plot()


def test_plot_without_matplotlib_names_the_extra(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("matplotlib", "matplotlib.figure", "matplotlib.backends", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r'pip install "fastdl-nn\[plot\]"'):
        history.plot()


def test_import_needs_no_matplotlib() -> None:
    program = "import sys, fastdl.history; sys.exit('matplotlib' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", program], cwd=Path(sys.modules["fastdl"].__file__).parents[1]).returncode
        == 0
    )
