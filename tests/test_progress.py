"""The progress bar: when it shows, what it says, and that silence costs nothing."""

import io
import os
import select
import subprocess
import sys
import termios
import threading
import types
from pathlib import Path

import pytest

import fastdl
from fastdl.cli.bar import RichProgress, bar
from fastdl.progress import Progress


class Terminal(io.StringIO):
    """A stderr that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def train(progress: Progress, epochs: int = 3, steps: int = 4, last: int | None = None) -> None:
    """Report as the trainer does: slices of two steps, then the epoch."""
    progress.start(epochs * steps, epochs)
    for epoch in range(epochs if last is None else last):
        for done in range(2, steps + 1, 2):
            progress.update(epoch * steps + done, epoch, {"loss": 1.5})
        progress.epoch_end(
            epoch, {"loss": 1.25, "accuracy": 0.5, "val_loss": 2.125, "val_accuracy": 0.75, "grad_norm": 9.0}
        )
    progress.close()


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Put a terminal in the place of stderr. Not a fixture: pytest puts back its own stderr after the set-up."""
    stderr = Terminal()
    monkeypatch.setattr(sys, "stderr", stderr)
    return stderr


def test_says_epoch_losses_metric_and_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = terminal(monkeypatch)
    train(Progress(True))
    last = stderr.getvalue().replace("\n", "\r").rstrip("\r").split("\r")[-1]
    assert last.startswith("epoch 3/3 100%|")
    assert "loss=1.25 val_loss=2.125 accuracy=0.5 val_accuracy=0.75" in last and "steps/s" in last
    assert "grad_norm" not in last, "diagnostics have no room here"


def test_without_validation_the_loss_and_the_first_metric_show(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = terminal(monkeypatch)
    progress = Progress(True)
    progress.start(2, 1)
    progress.update(2, 0, {"loss": 0.5, "accuracy": 0.25, "grad_norm": 3.0})
    progress.close()
    assert "loss=0.5 accuracy=0.25" in stderr.getvalue() and "grad_norm" not in stderr.getvalue()


def test_auto_shows_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal(monkeypatch)
    assert Progress("auto").shown
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert not Progress("auto").shown and Progress(True).shown
    monkeypatch.setattr(sys, "stderr", None)
    assert not Progress("auto").shown


def test_auto_shows_in_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    shell = type("ZMQInteractiveShell", (), {})()
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    assert Progress("auto").shown
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: None))
    assert not Progress("auto").shown


@pytest.mark.parametrize("columns", [0, 120])
def test_shows_on_a_real_terminal_also_on_one_without_a_size(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (40 if columns else 0, columns))
    with open(theirs, "w") as stderr, open(ours, "rb", buffering=0) as reader:
        monkeypatch.setattr(sys, "stderr", stderr)
        train(Progress("auto"))
        stderr.flush()
        seen = b""
        while b"val_loss=2.125" not in seen and select.select([reader], [], [], 10.0)[0]:  # it comes in pieces
            seen += reader.read(4000)
    assert b"epoch 3/3" in seen and b"val_loss=2.125" in seen and b"steps/s" in seen


def test_false_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = terminal(monkeypatch)
    train(Progress(False))
    assert stderr.getvalue() == ""


def test_silence_does_not_even_import_tqdm() -> None:
    program = (
        "import sys, fastdl.progress as p; q = p.Progress(False); q.start(1, 1); q.update(1, 0); q.close();"
        "sys.exit('tqdm' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=Path(fastdl.__file__).parents[1]).returncode == 0


def test_early_stop_is_a_full_bar_and_an_interruption_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = terminal(monkeypatch)
    train(Progress(True), epochs=10, last=2)
    assert "epoch 2/10 100%|" in stderr.getvalue()
    stderr = terminal(monkeypatch)
    progress = Progress(True)
    progress.start(40, 10)
    progress.update(2, 0, {"loss": 1.0})
    progress.close()
    assert "epoch 1/10   5%|" in stderr.getvalue() and "100%" not in stderr.getvalue()


def test_a_second_start_begins_anew_and_closing_twice_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = terminal(monkeypatch)
    progress = Progress(True)
    train(progress)
    stderr = terminal(monkeypatch)
    train(progress, epochs=5)
    assert "epoch 5/5 100%|" in stderr.getvalue()
    progress.close()


def test_starts_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal(monkeypatch)
    before = threading.active_count()
    progress = Progress(True)
    progress.start(10, 1)
    assert threading.active_count() == before
    progress.close()


@pytest.mark.parametrize("bad", ["always", None, 2])
def test_bad_value(bad: object) -> None:
    with pytest.raises(ValueError, match="progress: expected 'auto', True or False"):
        Progress(bad)


def test_riches_bar_says_what_is_left_and_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rich")
    monkeypatch.setenv("COLUMNS", "140")
    stderr = terminal(monkeypatch)
    before = threading.active_count()
    progress = bar("auto", "epochs")
    assert isinstance(progress, RichProgress)
    progress.start(4, 4)
    assert threading.active_count() == before
    progress.close()
    train(progress, epochs=10, last=2)  # and stopped
    text = stderr.getvalue()
    assert "epoch 2/10" in text and "100%" in text and "left" in text
    assert "loss=1.25 val_loss=2.125 accuracy=0.5 val_accuracy=0.75" in text and "grad_norm" not in text
    progress.close()


def test_without_rich_the_command_line_has_tqdms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    stderr = terminal(monkeypatch)
    progress = bar("auto", "epochs")
    assert type(progress) is Progress
    train(progress)
    assert "epochs/s" in stderr.getvalue()


def test_rich_is_silent_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    train(bar("auto", "epochs"))
    assert stderr.getvalue() == ""
