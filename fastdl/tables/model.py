"""A model on a table: preparation, networks and targets, trained together and saved together."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fastdl.callbacks import Callback
from fastdl.committee import Committee
from fastdl.data import row_weights
from fastdl.errors import check_number, check_seed
from fastdl.nn.network import Network
from fastdl.progress import Progress
from fastdl.tables.frame import Frame
from fastdl.tables.members import Data, Member, counted, train_members
from fastdl.tables.preparation import MOST_CATEGORIES, Preparation
from fastdl.tables.scores import classification_scores, regression_scores
from fastdl.tables.settings import Settings
from fastdl.tables.split import folds, holdout
from fastdl.tables.targets import Classes, Quantity, labels_of, numbers_of

if TYPE_CHECKING:
    from fastdl.history import History
    from fastdl.program import Array

KEPT_RESIDUALS = 1001


class Model:
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
        self.target: Classes | Quantity | None = None
        self.networks: list[Network] = []
        self.members: list[Member] = []
        self.histories: list[History] = []
        self.best_epochs: list[int] = []
        self.interrupted = False
        self.rows = (0, 0)
        self.residuals: Array = np.empty((0, 1))  # of validation rows, sorted, for quantiles

    def fit(
        self,
        X: Any,
        y: Any,
        weights: Any = None,
        validation: Sequence[Any] | None = None,
        callbacks: Iterable[Callback] = (),
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
            Rows of weight 0 take no part; of up to 10,000 rows a whole number is how often a row counts.
        validation : (X, y) or (X, y, weights), optional
            Chooses the epoch that is kept, instead of a part of the rows.
        callbacks : iterable of Callback
            Each member gets copies.
        progress : {"auto", True, False} or Progress
            A bar of the epochs of all members; "auto" shows it where somebody can see it.
        time_limit : float, optional
            Seconds that the training may take. It gets as many epochs as fit.

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
        bar = progress if isinstance(progress, Progress) else Progress(progress, "epochs")
        if time_limit is not None:
            time_limit = check_number("time_limit", time_limit, 0.0, float("inf"), open_low=True)
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
        parts = self._parts(data, target, preparation, validation)
        deadline = None if time_limit is None else began + time_limit
        members, self.interrupted = train_members(
            settings, preparation, target, parts, self.seed, self.threads, callbacks, bar, deadline
        )
        self.preparation, self.target, self.members = preparation, target, members
        self.networks = [member.trainer.net for member in members]
        self.histories = [member.trainer.history for member in members]
        self.best_epochs = [-1 if member.best is None else member.best.best_epoch for member in members]
        self.rows = (len(members[0].training), 0 if members[0].held is None else len(members[0].held))
        if isinstance(target, Quantity):
            self.residuals = self._residuals(target)
        return self

    def score_parts(self, held: bool) -> dict[str, float]:
        """Scores of each member on the rows that it was trained on, or validated on; their mean, {} without rows."""
        found = []
        for member in self.members:
            part = member.held if held else member.training
            if part is not None:
                found.append(self.scores_of(part, member.trainer.net))
        return {name: float(np.mean([scores[name] for scores in found])) for name in found[0]} if found else {}

    def _parts(
        self, data: Data, target: Classes | Quantity, preparation: Preparation, validation: Sequence[Any] | None
    ) -> list[tuple[Data, Data | None]]:
        """What each fold trains on and what it is validated on."""
        settings = self.settings
        classes = data.y if isinstance(target, Classes) else None
        if validation is not None:
            if settings.n_cv > 1:
                raise ValueError("n_cv: expected 1 where validation data is given, since folds validate on their own")
            if not isinstance(validation, tuple | list) or len(validation) not in (2, 3):
                raise ValueError("validation: expected (X, y) or (X, y, weights)")
            frame = Frame.of(validation[0])
            if frame.rows:
                truth = target.encode(validation[1])
                if len(truth) != frame.rows:
                    raise ValueError(f"validation: expected {frame.rows} targets, got {len(truth)}")
                weights = row_weights(validation[2] if len(validation) > 2 else None, None, truth, frame.rows)
                return [(data, Data(preparation.transform(frame), truth, weights))]
            raise ValueError("validation: there are no rows")
        if settings.n_cv > 1:
            if len(data) < settings.n_cv:
                raise ValueError(f"n_cv: expected at most a fold for each of {len(data)} rows, got {settings.n_cv}")
            return [(data.take(a), data.take(b)) for a, b in folds(classes, len(data), settings.n_cv, self.seed)]
        training, chosen = holdout(classes, len(data), settings.validation_fraction, self.seed)
        return [(data.take(training), data.take(chosen) if len(chosen) else None)]

    def _residuals(self, target: Quantity) -> Array:
        """How far validation targets are from their predictions, sorted; so many as are enough for quantiles."""
        found = []
        for member in self.members:
            if member.held is not None:
                predicted = member.trainer.net.predict(member.held.x).astype(np.float64)
                found.append((member.held.y - predicted) * target.std)
        if not found:
            return np.empty((0, target.outputs))
        residuals = np.sort(np.concatenate(found), axis=0)
        if len(residuals) > KEPT_RESIDUALS:
            residuals = np.quantile(residuals, np.linspace(0.0, 1.0, KEPT_RESIDUALS), axis=0)
        return residuals

    # What it knows

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

    @property
    def classes_(self) -> Array:
        """Labels in the order of the probabilities."""
        target = self._trained()
        if not isinstance(target, Classes):
            raise AttributeError("a model of a quantity has no classes")
        return target.classes

    def _trained(self) -> Classes | Quantity:
        if self.target is None:
            raise ValueError("this model is not trained yet: fit or load it first")
        return self.target

    def committee(self) -> Committee:
        """The members as one."""
        committee = Committee()
        committee.members = self.networks
        return committee

    # What it says

    def predict(self, X: Any) -> Array:
        """Labels or numbers.

        Parameters
        ----------
        X : table

        Returns
        -------
        ndarray, shape (n,), or (n, outputs) if it was trained on several numbers
            Numbers are within the range of the training.
        """
        target = self._trained()
        if isinstance(target, Classes):
            return target.classes[self.predict_proba(X).argmax(axis=1)]
        return target.decode(self._outputs(X))

    def predict_proba(self, X: Any) -> Array:
        """Probabilities of the classes, the mean of the members'.

        Parameters
        ----------
        X : table

        Returns
        -------
        ndarray, shape (n, classes), float32
        """
        if not isinstance(self._trained(), Classes):
            raise ValueError("probabilities are of classes, and this model predicts numbers")
        x = self.preparation.transform(Frame.of(X))
        if not len(x):
            return np.empty((0, len(self.classes_)), np.float32)
        return self.committee().predict_proba(x)

    def predict_quantiles(self, X: Any, levels: Sequence[float] = (0.05, 0.5, 0.95)) -> Array:
        """Quantiles of the target: the prediction plus those of the errors on validation rows.

        Parameters
        ----------
        X : table
        levels : sequence of float
            Between 0 and 1.

        Returns
        -------
        ndarray, shape (n, levels), or (n, outputs, levels) if it was trained on several numbers

        Notes
        -----
        Errors are taken to be alike everywhere. If they are, a share of `level` of new targets is below the quantile
        (split conformal prediction; Vovk et al. 2005, Lei et al. 2018).
        """
        target = self._trained()
        if not isinstance(target, Quantity):
            raise ValueError("quantiles are of numbers, and this model predicts classes")
        if not len(self.residuals):
            raise ValueError("quantiles need errors on validation rows: fit with validation_fraction above 0")
        wanted = [check_number("levels", level, 0.0, 1.0) for level in levels]
        shifts = np.quantile(self.residuals, wanted, axis=0).T
        outputs = self._outputs(X).astype(np.float64) * target.std + target.mean
        quantiles = outputs[:, :, None] + shifts
        return quantiles[:, 0] if target.flat else quantiles

    def _outputs(self, X: Any) -> Array:
        x = self.preparation.transform(Frame.of(X))
        if not len(x):
            return np.empty((0, self._trained().outputs), np.float32)
        return self.committee().predict(x)

    def evaluate(self, X: Any, y: Any) -> dict[str, float]:
        """Scores on a table: accuracy and log loss of classes; RMSE, MAE and R2 of numbers.

        Parameters
        ----------
        X : table
        y : array_like
        """
        return self.scores_of(self.data_of(Frame.of(X), y), self.committee())

    def data_of(self, frame: Frame, y: Any) -> Data:
        """Prepared rows of a table with targets."""
        truth = self._trained().encode(y)
        if len(truth) != frame.rows:
            raise ValueError(f"y: expected a target for each of {frame.rows} rows of X, got {len(truth)}")
        return Data(self.preparation.transform(frame), truth, None)

    def scores_of(self, part: Data, network: Network | Committee) -> dict[str, float]:
        """Scores of prepared rows by one member or all."""
        target = self._trained()
        if isinstance(target, Classes):
            return classification_scores(part.y, network.predict_proba(part.x))
        outputs = network.predict(part.x).astype(np.float64) * target.std + target.mean
        return regression_scores(part.y * target.std + target.mean, np.clip(outputs, target.low, target.high))

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
        "probabilities", in the order of the metadata's classes, or "prediction".

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
