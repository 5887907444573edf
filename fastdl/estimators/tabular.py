"""scikit-learn's view of a model on a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, column_or_1d

from fastdl.data import by_class
from fastdl.estimators.tabular_base import TabularEstimator, pair_of
from fastdl.tables.targets import plain

if TYPE_CHECKING:
    from fastdl.program import Array


class TabularClassifier(ClassifierMixin, TabularEstimator):
    """Classes from a table of any columns, with the settings of RealMLP (Holzmueller et al. 2024).

    Numbers, booleans, dates, text and categories, with gaps and with categories never seen: nothing has to be prepared.

    Parameters
    ----------
    preset : {"default", "simple"}
        RealMLP-TD, or the faster RealMLP-TD-S. Every setting below that is None is the preset's.
    n_cv : int
        Folds; with more than 1 each member is validated on its own fold, and the members' mean predicts.
    n_ens : int
        Members of each fold.
    time_limit : float, optional
        Seconds for the fit; each member gets as many epochs as its share of them allows, and one at least.
    validation_fraction : float
        Of the rows, to choose the epoch that is kept, where there is no `eval_set`.
    patience : int
        Epochs without improvement that end the fit.
    hidden_layer_sizes : sequence of int
    activation : str
    epochs, batch_size : int
    lr, dropout, weight_decay, label_smoothing : float
    one_hot : int
        Categories up to so many are one-hot; more get learned vectors.
    settings : dict, optional
        Other fields of `fastdl.tables.Settings`, by name: {"waves": 0, "data_init": True}.
    class_weight : dict or "balanced", optional
        Factor of the weight of each class's rows, those of `eval_set` too. "balanced": rows / (classes * its rows).
    categorical_features : sequence of str or int, or of bool for each column, optional
        Columns of numbers that are categories, by name or place.
    callbacks : sequence of Callback, or one
    random_state : int, RandomState or None
        The same int gives the same model.
    threads : int, optional
    verbose : bool
        Whether to show the progress.

    Attributes
    ----------
    model_ : fastdl.tables.Model
    classes_ : ndarray
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        If X had names.

    Examples
    --------
    >>> import fastdl as fdl
    >>> X = {"size": [1.0, None, 3.0, 4.0] * 10, "colour": ["red", "blue", None, "blue"] * 10}
    >>> y = ["no", "yes", "no", "yes"] * 10
    >>> model = fdl.TabularClassifier(epochs=20).fit(X, y)
    >>> model.predict({"size": [2.0], "colour": ["green"]}).shape
    (1,)
    """

    _task = "classification"
    class_weight: Any

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, eval_set: Any = None) -> TabularClassifier:
        """Learn from a table.

        Parameters
        ----------
        X : 2-D array_like, mapping of names to columns, or DataFrame of pandas, polars or pyarrow
        y : array_like, shape (n,)
            Labels.
        sample_weight : array_like, shape (n,), optional
        eval_set : (X, y) or (X, y, sample_weight), optional
            Chooses the epoch that is kept.

        Returns
        -------
        TabularClassifier

        Raises
        ------
        ValueError, TypeError
            For parameters or a table that will not do; the message names column and row.
        """
        if y is not None:
            y = column_or_1d(plain(y), warn=True)
            check_array(y, ensure_2d=False, dtype=None, input_name="y", ensure_min_samples=0)
            check_classification_targets(y)
        if self.class_weight is not None and y is not None:
            factors = by_class(self.class_weight, y, np.unique(y))
            sample_weight = weighed(factors, sample_weight)
            if eval_set is not None:
                held, truth, *given = pair_of(eval_set)
                truth = column_or_1d(plain(truth))
                of_label = dict(zip(y.tolist(), factors.tolist(), strict=True))
                factors = np.array([of_label.get(label, 1.0) for label in truth.tolist()])
                eval_set = (held, truth, weighed(factors, given[0] if given else None))
        fitted: TabularClassifier = self._fit(X, y, sample_weight, eval_set)
        self.classes_ = self.model_.classes_
        return fitted

    def predict(self, X: Any) -> Array:
        """The likeliest class of each row.

        Parameters
        ----------
        X : table

        Returns
        -------
        ndarray, shape (n,)
        """
        frame = self._asked(X)
        return self.model_.predict(frame)

    def predict_proba(self, X: Any) -> Array:
        """Probabilities in the order of `classes_`.

        Parameters
        ----------
        X : table

        Returns
        -------
        ndarray, shape (n, classes), float32
        """
        frame = self._asked(X)
        return self.model_.predict_proba(frame)


class TabularRegressor(RegressorMixin, TabularEstimator):
    """A number from a table of any columns, with the settings of RealMLP (Holzmueller et al. 2024).

    Targets are standardised inside, and predictions stay within the range of the training targets. Parameters are those
    of `TabularClassifier`; class_weight and label_smoothing stay None.

    Examples
    --------
    >>> import fastdl as fdl
    >>> X = {"size": [1.0, 2.0, 3.0, 4.0] * 10, "colour": ["red", "blue", None, "blue"] * 10}
    >>> model = fdl.TabularRegressor(epochs=20).fit(X, [10.0, 20.0, 30.0, 40.0] * 10)
    >>> model.predict_quantiles(X, [0.1, 0.9]).shape
    (40, 2)
    """

    _task = "regression"

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, eval_set: Any = None) -> TabularRegressor:
        """Learn from a table.

        Parameters
        ----------
        X : 2-D array_like, mapping of names to columns, or DataFrame of pandas, polars or pyarrow
        y : array_like, shape (n,) or (n, outputs)
        sample_weight : array_like, shape (n,), optional
        eval_set : (X, y) or (X, y, sample_weight), optional
            Chooses the epoch that is kept.

        Returns
        -------
        TabularRegressor

        Raises
        ------
        ValueError, TypeError
            For parameters or a table that will not do; the message names column and row.
        """
        for name in ("class_weight", "label_smoothing"):
            if getattr(self, name) is not None:
                raise ValueError(f"{name}: a TabularRegressor has no classes")
        if y is not None:
            y = check_array(plain(y), ensure_2d=False, dtype=None, input_name="y", ensure_min_samples=0)
            if y.ndim == 2 and y.shape[1] == 1:
                y = column_or_1d(y, warn=True)
        fitted: TabularRegressor = self._fit(X, y, sample_weight, eval_set)
        return fitted

    def predict(self, X: Any) -> Array:
        """The number of each row.

        Parameters
        ----------
        X : table

        Returns
        -------
        ndarray, shape (n,) or (n, outputs)
        """
        frame = self._asked(X)
        return self.model_.predict(frame)

    def predict_quantiles(self, X: Any, levels: Sequence[float] = (0.05, 0.5, 0.95)) -> Array:
        """Quantiles of the target of each row; see `fastdl.tables.Model.predict_quantiles`.

        Parameters
        ----------
        X : table
        levels : sequence of float

        Returns
        -------
        ndarray, shape (n, levels) or (n, outputs, levels)
        """
        frame = self._asked(X)
        return self.model_.predict_quantiles(frame, levels)


def weighed(factors: Array, sample_weight: Any) -> Array:
    """Weights of rows times factors of their classes."""
    if sample_weight is None:
        return factors
    given = np.asarray(sample_weight)
    if given.shape != factors.shape or given.dtype.kind not in "fiubO":
        raise ValueError(
            f"sample_weight: expected numbers of shape {factors.shape}, got {given.dtype} of shape {given.shape}"
        )
    return factors * given.astype(np.float64)
