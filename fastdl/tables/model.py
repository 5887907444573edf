"""A model on a table: preparation, networks and targets, trained together and saved together."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fastdl.callbacks import Callback
from fastdl.data import row_weights
from fastdl.errors import check_number, check_seed
from fastdl.progress import Progress
from fastdl.tables.frame import Frame
from fastdl.tables.members import Data, Member, train_members
from fastdl.tables.parts import counted, parts_of, validation_part
from fastdl.tables.predictor import Predictor
from fastdl.tables.preparation import MOST_CATEGORIES, Preparation
from fastdl.tables.residuals import residuals_of
from fastdl.tables.settings import Settings
from fastdl.tables.targets import Classes, Quantity, labels_of, numbers_of

if TYPE_CHECKING:
    from fastdl.history import History


class Model(Predictor):
    """RealMLP on a table.

    Parameters
    ----------
    settings : Settings
    seed : int
        The same gives the same model.
    threads : int, optional
        None for all that the process may use.

    Attributes
    ----------
    preparation : Preparation
        What was learned of the columns.
    target : Classes or Quantity
        What was learned of the target.
    networks : list of Network
        The members, whose mean is the prediction.
    members : list of Member
        Who trained each, on what; empty in a model that was loaded or copied.
    histories : list of History
        Of the members; empty in a model that was loaded.
    best_epochs : list of int
        The epochs that the members kept, from 0; -1 where there was nothing to choose by.
    rows : (int, int)
        On which the first member was trained and validated.
    interrupted : bool
        Whether Ctrl-C ended the training.
    """

    def __init__(self, settings: Settings, seed: int = 0, threads: int | None = None) -> None:
        self.settings = settings
        self.seed = check_seed(seed)
        self.threads = threads
        self.preparation = Preparation(settings.one_hot, settings.one_hot < MOST_CATEGORIES)
        self.target = None
        self.networks = []
        self.members: list[Member] = []
        self.histories: list[History] = []
        self.best_epochs: list[int] = []
        self.interrupted = False
        self.rows = (0, 0)
        self.residuals = np.empty((0, 1))

    def fit(
        self,
        X: Any,
        y: Any,
        weights: Any = None,
        validation: Sequence[Any] | None = None,
        callbacks: Iterable[Callback] | Callback | None = (),
        progress: Literal["auto"] | bool | Progress = "auto",
        time_limit: float | None = None,
    ) -> Model:
        """Learn from a table.

        Parameters
        ----------
        X : table
            As `Frame.of` takes it.
        y : array_like, shape (n,), or (n, outputs) of numbers
            Labels or numbers.
        weights : array_like, shape (n,), optional
            Rows of weight 0 take no part. Only ratios matter; whole numbers are how often a row counts, if those are up
            to 10,000 rows.
        validation : (X, y) or (X, y, weights), optional
            Chooses the epoch that is kept, instead of a part of the rows.
        callbacks : iterable of Callback, or one
            Each member gets copies, which write to places of their own.
        progress : {"auto", True, False} or Progress
            A bar of the epochs of all members; "auto" shows it where somebody can see it.
        time_limit : float, optional
            Seconds that the fit may take. Each member gets as many epochs as its share of them allows, at least one.

        Returns
        -------
        Model
            Itself.

        Raises
        ------
        ValueError, TypeError
            For a table or targets that will not do; nothing has changed then.

        Notes
        -----
        The order of the rows has no say: they are sorted before chance, by the seed, orders them anew.
        """
        settings, began = self.settings, time.monotonic()
        watchers = callbacks_of(callbacks)
        bar = progress if isinstance(progress, Progress) else Progress(progress, "epochs")
        if time_limit is not None:
            time_limit = check_number("time_limit", time_limit, 0.0, float("inf"), open_low=True)
        if validation is not None and settings.n_cv > 1:
            raise ValueError("n_cv: expected 1 where validation data is given, since folds validate on their own")
        frame = Frame.of(X)
        frame.require_rows()
        classes = settings.task == "classification"
        truth = labels_of(y) if classes else numbers_of(y)
        if len(truth) != frame.rows:
            raise ValueError(f"y: expected a target for each of {frame.rows} rows of X, got {len(truth)}")
        frame, truth, weights = counted(frame, truth, row_weights(weights, None, truth, frame.rows))
        target: Classes | Quantity = (Classes if classes else Quantity).of(truth)
        preparation = Preparation(self.preparation.one_hot, self.preparation.embed).fit(frame)
        data = Data(preparation.transform(frame), target.encode(truth), weights).sorted()
        if validation is None:
            parts = parts_of(settings, preparation, target, data, self.seed)
        else:
            parts = [(data, validation_part(preparation, target, validation))]
        deadline = None if time_limit is None else began + time_limit
        members, self.interrupted = train_members(
            settings, preparation, target, parts, self.seed, self.threads, watchers, bar, deadline
        )
        self.preparation, self.target, self.members = preparation, target, members
        self.networks = [member.trainer.net for member in members]
        self.histories = [member.trainer.history for member in members]
        self.best_epochs = [-1 if member.best is None else member.best.best_epoch for member in members]
        self.rows = (len(members[0].training), 0 if members[0].held is None else len(members[0].held))
        if isinstance(target, Quantity):
            self.residuals = residuals_of(members, target)
        return self

    def score_parts(self, held: bool) -> dict[str, float]:
        """Scores of each member on the rows that it was trained on, or validated on; their mean, {} without rows."""
        found = []
        for member in self.members:
            part = member.held if held else member.training
            if part is not None:
                found.append(self.scores_of(part, member.trainer.net))
        return {name: float(np.mean([scores[name] for scores in found])) for name in found[0]} if found else {}

    @property
    def history(self) -> History:
        """Of the first member."""
        if not self.histories:
            raise ValueError("this model was not trained here: its history is not part of what is saved")
        return self.histories[0]

    @property
    def trainers(self) -> list[Any]:
        """Of the members."""
        return [member.trainer for member in self.members]

    @property
    def best_epoch(self) -> int | None:
        """The epoch that the first member kept, from 0; None if there was nothing to choose by."""
        return self.best_epochs[0] if self.best_epochs and self.best_epochs[0] >= 0 else None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "members": []}  # trainers have native memory, and the training rows

    def permutation_importance(self, X: Any, y: Any, repeats: int = 5, seed: int = 0) -> dict[str, tuple[float, float]]:
        """How much worse the score gets when one column is shuffled: accuracy of classes, R2 of numbers.

        Parameters
        ----------
        X : table
        y : array_like
        repeats : int
        seed : int

        Returns
        -------
        dict of str to (float, float)
            Mean and standard deviation of the loss of score over the repeats, by column (Breiman 2001).
        """
        from fastdl.tables.importance import permutation_importance

        return permutation_importance(self, Frame.of(X), y, repeats, seed)

    def save(self, path: str | PathLike[str]) -> None:
        """Write everything that predictions need to one .safetensors file; `fastdl.tables.load` reads it."""
        from fastdl.tables.saving import save

        self._trained()
        save(self, path)

    def to_onnx(self, path: str | PathLike[str]) -> None:
        """Write the model as ONNX, preparation and all.

        Each column that counts is an input of its name, shape (rows, 1): float64 for numbers, booleans and dates
        (seconds since 1970), NaN where a value is missing; text for categories, "" where one is missing. The output is
        "probabilities", float32 in the order of the metadata's classes, or "prediction", float64. A column without a
        name, or with that of the output, has an input of another name; the metadata's columns are in their order.

        Parameters
        ----------
        path : path-like

        Raises
        ------
        ImportError
            Without the package onnx.
        """
        from fastdl.tables.onnx import to_onnx

        self._trained()
        to_onnx(self, path)


def callbacks_of(given: Any) -> list[Callback]:
    """Some callbacks or one or none as a list."""
    if given is None or isinstance(given, Callback):
        return [] if given is None else [given]
    if not isinstance(given, Iterable):
        raise TypeError(f"callbacks: expected a list of Callback, got {type(given).__name__}")
    found = list(given)
    for place, callback in enumerate(found):
        if not isinstance(callback, Callback):
            raise TypeError(f"callbacks[{place}]: expected a Callback, got {type(callback).__name__}")
    return found
