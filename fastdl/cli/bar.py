"""The progress bar of the command line: rich's where it is installed, else tqdm's."""

from __future__ import annotations

from importlib import import_module
from time import monotonic
from typing import Literal

from fastdl.progress import Progress

BETWEEN = 0.1  # seconds, at least, from one drawing to the next


class RichProgress(Progress):
    """As `Progress`, drawn by rich: what is done, the time it took and the time left, loss and metrics."""

    def start(self, total_steps: int, epochs: int) -> None:
        """Show an empty bar of so many steps, which are so many epochs."""
        self.close()
        if not self.shown:
            return
        rich, console = import_module("rich.progress"), import_module("rich.console").Console(stderr=True)
        self._begin(epochs)
        # No refreshing thread: the training reports often enough, and a process with threads can't fork well.
        self._bar = rich.Progress(
            rich.TextColumn("{task.description}"),
            rich.BarColumn(),
            rich.TaskProgressColumn(),
            rich.TimeElapsedColumn(),
            rich.TextColumn("left"),
            rich.TimeRemainingColumn(),
            rich.TextColumn("{task.fields[values]}"),
            console=console,
            auto_refresh=False,
        )
        self._task = self._bar.add_task(f"epoch 0/{epochs}", total=total_steps, values="")
        self._bar.start()
        self._drawn = monotonic()

    def close(self) -> None:
        """Leave the bar as it stands."""
        bar, self._bar = self._bar, None
        if bar is None:
            return
        done = bar.tasks[0].completed
        if self._between_epochs and done < bar.tasks[0].total:
            bar.update(self._task, total=done)  # stopped early, on purpose
        bar.refresh()
        bar.stop()

    def _draw(self, done: int, description: str, values: str) -> None:
        """Show how far it is, if the last drawing is a while ago."""
        self._bar.update(self._task, completed=done, description=description, values=values)
        if monotonic() - self._drawn >= BETWEEN:
            self._bar.refresh()
            self._drawn = monotonic()


def bar(show: Literal["auto"] | bool, unit: str) -> Progress:
    """The best there is."""
    try:
        import_module("rich.progress")
    except ImportError:
        return Progress(show, unit)
    return RichProgress(show, unit)
