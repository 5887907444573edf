"""The progress bar of a training."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, Literal

__all__ = ["Progress"]

BAR = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}, {rate_fmt}{postfix}"


class Progress:
    """A bar with the epoch, the latest losses and metrics, and the steps per second, on stderr.

    The trainer calls `start`, then `update` after each slice of steps and `epoch_end` after each epoch, and `close` in
    any case. When nothing is to be shown, all of these do nothing and tqdm is not even imported.

    Parameters
    ----------
    show : {"auto", True, False}, default="auto"
        "auto" shows the bar where somebody can see it: when stderr is a terminal, or in a notebook.
    unit : str
        What is counted, in the plural.
    """

    def __init__(self, show: Literal["auto"] | bool = "auto", unit: str = "steps") -> None:
        if show != "auto" and not isinstance(show, bool):
            raise ValueError(f"progress: expected 'auto', True or False, got {show!r}")
        self.shown = _somebody_looks() if show == "auto" else show
        self.unit = unit
        self._bar: Any = None
        self._begin(0)

    def _begin(self, epochs: int) -> None:
        self._epochs = epochs
        self._done = 0
        self._values: dict[str, float] = {}
        self._between_epochs = False

    def start(self, total_steps: int, epochs: int) -> None:
        """Show an empty bar.

        Parameters
        ----------
        total_steps : int
            Steps of all the epochs together.
        epochs : int
            How many epochs those are.
        """
        self.close()
        if not self.shown:
            return
        from tqdm.auto import tqdm

        class Bar(tqdm):  # type: ignore[misc]
            # No watching thread: the trainer reports often enough, and a process with threads can't fork well.
            monitor_interval = 0

        self._begin(epochs)
        self._bar = Bar(
            total=total_steps, desc=f"epoch 0/{epochs}", unit=f" {self.unit}", bar_format=BAR, miniters=1, **_width()
        )

    def update(self, done_steps: int, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Show how far the training is.

        Parameters
        ----------
        done_steps : int
            Steps done since `start`.
        epoch : int
            The current epoch, from 0.
        logs : mapping of str to float, optional
            What is known of it so far. Values of the last epoch stay until new ones come.
        """
        if self._bar is None:
            return
        self._between_epochs = False
        self._done = done_steps
        self._show(epoch, logs or {})

    def epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Show what an epoch gave.

        Parameters
        ----------
        epoch : int
            The epoch, from 0.
        logs : mapping of str to float
            Its losses and metrics.
        """
        if self._bar is None:
            return
        self._between_epochs = True
        self._show(epoch, logs)

    def close(self) -> None:
        """Leave the bar as it stands. Closing twice is closing once."""
        bar, self._bar = self._bar, None
        if bar is None:
            return
        if self._between_epochs and bar.n < bar.total:
            # Stopped early, on purpose: a notebook would paint an unfinished bar red, as if something had failed.
            bar.total = bar.n
        bar.refresh()
        bar.close()

    def _show(self, epoch: int, logs: Mapping[str, float]) -> None:
        self._values.update(logs)
        values = " ".join(f"{name}={self._values[name]:.4g}" for name in self._shown_names())
        self._draw(self._done, f"epoch {epoch + 1}/{self._epochs}", values)

    def _draw(self, done: int, description: str, values: str) -> None:
        self._bar.set_description_str(description, refresh=False)
        self._bar.set_postfix_str(values, refresh=False)
        # tqdm itself decides whether enough time has passed to draw.
        self._bar.update(done - self._bar.n)

    def _shown_names(self) -> list[str]:
        """The names that fit on a line: the loss and the metrics, which validation has too, not the diagnostics."""
        validated = [name.removeprefix("val_") for name in self._values if name.startswith("val_")]
        quantities = validated or list(self._values)[:2]
        pairs = (name for quantity in quantities for name in (quantity, f"val_{quantity}"))
        return [name for name in pairs if name in self._values]


def _width() -> dict[str, Any]:
    """How wide tqdm should draw: as the terminal is, also when it changes.

    A terminal without a size, as `script` and containers make them, says 0, and tqdm would draw nothing at all.
    """
    try:
        sized = os.get_terminal_size(sys.stderr.fileno()).columns > 0
    except (OSError, ValueError, AttributeError):
        sized = True  # no terminal: tqdm knows what to do
    return {"dynamic_ncols": True} if sized else {"ncols": 100, "nrows": 24}


def _somebody_looks() -> bool:
    if sys.stderr is not None and sys.stderr.isatty():
        return True
    # Only a notebook has IPython loaded already; asking must not import it.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return type(shell).__name__ == "ZMQInteractiveShell"
