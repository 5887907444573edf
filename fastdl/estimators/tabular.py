"""scikit-learn's view of a model on a table."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    check_array,
    check_is_fitted,
    column_or_1d,
)

from fastdl.errors import check_number, unknown_name
from fastdl.tables import Frame, Model, Settings
from fastdl.tables.settings import Task
from fastdl.tables.targets import plain

if TYPE_CHECKING:
    from fastdl.program import Array

# Parameters that are settings by another name, or by their own.
SETTINGS = {
    "hidden_layer_sizes": "hidden",
    **{
        name: name
        for name in (
            *("activation", "epochs", "batch_size", "lr", "dropout", "weight_decay", "label_smoothing", "one_hot"),
            *("validation_fraction", "patience", "n_cv", "n_ens"),
        )
    },
}
OWN = {name: parameter for parameter, name in SETTINGS.items()}


class TabularEstimator(BaseEstimator):
    """What classifier and regressor share."""

    _task: Task

    def __init__(
        self,
        preset: str = "default",
        *,
        n_cv: int = 1,
        n_ens: int = 1,
        time_limit: float | None = None,
        validation_fraction: float | None = None,
        patience: int | None = None,
        hidden_layer_sizes: Sequence[int] | None = None,
        activation: str | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        lr: float | None = None,
        dropout: float | None = None,
        weight_decay: float | None = None,
        label_smoothing: float | None = None,
        one_hot: int | None = None,
        settings: Mapping[str, Any] | None = None,
        class_weight: Any = None,
        categorical_features: Sequence[Any] | None = None,
        callbacks: Any = (),
        random_state: Any = 0,
        threads: int | None = None,
        verbose: bool = False,
    ) -> None:
        self.preset = preset
        self.n_cv = n_cv
        self.n_ens = n_ens
        self.time_limit = time_limit
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.epochs = epochs
        self.batch_size = batch_size
        self.lr = lr
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.label_smoothing = label_smoothing
        self.one_hot = one_hot
        self.settings = settings
        self.class_weight = class_weight
        self.categorical_features = categorical_features
        self.callbacks = callbacks
        self.random_state = random_state
        self.threads = threads
        self.verbose = verbose

    def _settings(self) -> Settings:
        given = {name: getattr(self, key) for key, name in SETTINGS.items() if getattr(self, key) is not None}
        more = {} if self.settings is None else self.settings
        if not isinstance(more, Mapping):
            raise TypeError(f"settings: expected a dict of names and values, got {type(more).__name__}")
        for name in more:
            if name in OWN:
                raise ValueError(f"settings: {name!r} is set by the parameter {OWN[name]!r}")
            if name == "task" or name not in Settings.__slots__:
                raise unknown_name("settings", name, {*Settings.__slots__} - {*OWN, "task"})
        return Settings.preset(self.preset, self._task).replace(**given, **more)

    def _frame(self, X: Any, reset: bool) -> Frame:
        """The table of X, whose features are checked against those of the fit."""
        frame = Frame.of(X)
        named = isinstance(X, Mapping) or getattr(getattr(X, "dtype", None), "names", None) is not None
        if named and not self._check_names(frame.names, reset):
            raise ValueError(
                "The feature names should match those that were passed during fit: expected "
                f"{', '.join(self.feature_names_in_)}, got {', '.join(frame.names)}"
            )
        if named or (not hasattr(X, "shape") and not hasattr(X, "columns")):
            X = np.empty((frame.rows, len(frame.columns)), bool)  # for scikit-learn, which looks at shapes
        if not named:
            _check_feature_names(self, X, reset=reset)
        _check_n_features(self, X, reset=reset)
        return frame.categorical(self.categorical_features) if self.categorical_features is not None else frame

    def _check_names(self, names: list[str], reset: bool) -> bool:
        """Keep the names of columns that scikit-learn knows none of, or compare them, in any order."""
        if reset:
            self.feature_names_in_ = np.array(names, object)
        return set(getattr(self, "feature_names_in_", names)) == set(names)

    def _fit(self, X: Any, y: Any, sample_weight: Any, eval_set: Any) -> Any:
        began = time.monotonic()
        settings = self._settings()
        limit = self.time_limit
        if limit is not None:
            limit = check_number("time_limit", limit, 0.0, float("inf"), open_low=True)
        if y is None:
            raise ValueError(f"This {type(self).__name__} estimator requires y to be passed, but the target y is None.")
        frame = self._frame(X, reset=True)
        if frame.rows == 0 or not frame.columns:
            shape = getattr(X, "shape", (frame.rows, len(frame.columns)))
            check_array(np.empty(shape), estimator=self)  # for scikit-learn's words
        validation = None
        if eval_set is not None:
            pair = eval_set[0] if isinstance(eval_set, list) and len(eval_set) == 1 else eval_set
            if not isinstance(pair, tuple | list) or len(pair) not in (2, 3):
                raise ValueError("eval_set: expected (X, y) or (X, y, sample_weight)")
            validation = (self._frame(pair[0], reset=False), *pair[1:])
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        model = Model(settings, seed, self.threads)
        if limit is not None:
            limit = max(limit - (time.monotonic() - began), 1e-9)
        model.fit(
            frame,
            y,
            sample_weight,
            validation,
            self.callbacks,
            progress="auto" if self.verbose else False,
            time_limit=limit,
        )
        self.model_ = model
        self.n_iter_ = max(history.epochs for history in model.histories)
        return self

    def _asked(self, X: Any) -> Frame:
        check_is_fitted(self)
        frame = self._frame(X, reset=False)
        if frame.rows == 0:
            check_array(np.empty((0, len(frame.columns))), estimator=self)
        return frame

    @property
    def preparation_(self) -> Any:
        """What was learned of the columns; `describe()` lists it."""
        return self.model_.preparation

    @property
    def networks_(self) -> Any:
        """The members."""
        return self.model_.networks

    @property
    def histories_(self) -> Any:
        """Of the members."""
        return self.model_.histories

    def permutation_importance(self, X: Any, y: Any, repeats: int = 5) -> dict[str, tuple[float, float]]:
        """How much accuracy or R2 is lost when a column is shuffled: mean and standard deviation, by column.

        Parameters
        ----------
        X : table
        y : array_like, shape (n,)
        repeats : int

        Returns
        -------
        dict of str to (float, float)
        """
        return self.model_.permutation_importance(self._asked(X), y, repeats)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted model, with all that the preparation learned, as one file for `fastdl.tables.load`."""
        check_is_fitted(self)
        self.model_.save(path)

    def to_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted model as ONNX, with an input for each column; see `fastdl.tables.Model.to_onnx`."""
        check_is_fitted(self)
        self.model_.to_onnx(path)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


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
        Factor of the weight of each class's rows.
    categorical_features : sequence of str or int, optional
        Columns of numbers that are categories, by name or place.
    callbacks : sequence of Callback
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
        if self.class_weight is not None:
            from sklearn.utils.class_weight import compute_sample_weight

            of_class = compute_sample_weight(self.class_weight, y)
            sample_weight = of_class if sample_weight is None else of_class * np.asarray(sample_weight)
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
    of `TabularClassifier`, but for those of classes.

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
