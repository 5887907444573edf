"""What a trained model on a table says of other rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.committee import Committee
from fastdl.errors import check_number
from fastdl.tables.frame import Frame
from fastdl.tables.members import Data
from fastdl.tables.scores import classification_scores, regression_scores
from fastdl.tables.targets import Classes, Quantity

if TYPE_CHECKING:
    from fastdl.nn.network import Network
    from fastdl.program import Array
    from fastdl.tables.preparation import Preparation


class Predictor:
    """Networks, and what was learned of columns and targets.

    Attributes
    ----------
    preparation : Preparation
    target : Classes or Quantity, or None before the training
    networks : list of Network
        The members, whose mean is the prediction.
    residuals : ndarray, shape (n, outputs)
        Sorted errors on validation rows, for quantiles.
    """

    preparation: Preparation
    target: Classes | Quantity | None
    networks: list[Network]
    residuals: Array

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
        if not np.iterable(levels):
            raise TypeError(f"levels: expected numbers from 0 to 1, got {levels!r}")
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
