"""A training as a CSV file, a line an epoch."""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING, Any, Self

from fastdl.callbacks.callback import Callback

if TYPE_CHECKING:
    from fastdl.trainer import Trainer


class CSVLogger(Callback):
    """Write each epoch to a CSV file as soon as it ends.

    Every line is flushed, so a run that is killed leaves the epochs that it finished. The columns are `epoch`, from 0,
    and the names of the logs. When training goes on (a second fit, a resumed checkpoint), the file begins with the
    epochs that the trainer's history has, and the new ones follow.

    Parameters
    ----------
    path : path-like
        The file; one that is there is replaced. Of several networks that are trained side by side each has its own.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self._rows: list[dict[str, float]] = []
        self._names: list[str] = []
        self._file: IO[str] | None = None
        self._writer: Any = None

    def on_train_begin(self, trainer: Trainer) -> None:
        """Open the file, so that one that can't be written fails before the training."""
        past = trainer.history
        self._rows = [{name: values[epoch] for name, values in past.items()} for epoch in range(past.epochs)]
        self._names = list(past)
        self._rewrite()

    def on_epoch_end(self, trainer: Trainer, epoch: int, logs: dict[str, float]) -> None:
        """Add a line."""
        row = {name: float(value) for name, value in logs.items()}
        self._rows.append(row)
        fresh = [name for name in row if name not in self._names]
        if fresh or self._writer is None or self._file is None:
            # The header isn't known before the first epoch, and grows when a later fit adds validation data.
            self._names += fresh
            self._rewrite()
            return
        self._writer.writerow({"epoch": len(self._rows) - 1, **row})
        self._file.flush()

    def on_train_end(self, trainer: Trainer) -> None:
        """Close the file."""
        self._close()

    def _rewrite(self) -> None:
        import csv

        self._close()
        self._file = open(self.path, "w", encoding="utf-8", newline="")  # noqa: SIM115 - stays open for the lines to come
        self._writer = csv.DictWriter(self._file, ["epoch", *self._names], restval="nan", lineterminator="\n")
        if self._names:
            self._writer.writeheader()
        self._writer.writerows({"epoch": epoch, **row} for epoch, row in enumerate(self._rows))
        self._file.flush()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = self._writer = None

    def for_member(self, number: int) -> Self:
        """One that writes beside this one's file: "history-0.csv" for "history.csv"."""
        own, (stem, ending) = super().for_member(number), os.path.splitext(self.path)
        own.path = f"{stem}-{number}{ending}"
        return own
