"""What scikit-learn's classifier and regressor of tables share."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    check_array,
    check_is_fitted,
)

from fastdl.errors import check_number, unknown_name
from fastdl.tables import Frame, Model, Settings
from fastdl.tables.settings import Task

if TYPE_CHECKING:
    pass

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
FEATURES = ("n_features_in_", "feature_names_in_")
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
        try:
            return Settings.preset(self.preset, self._task).replace(**given, **more)
        except (TypeError, ValueError) as error:
            if str(error).startswith("hidden:"):
                raise type(error)(str(error).replace("hidden:", "hidden_layer_sizes:", 1)) from None
            raise

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
        return frame if self.categorical_features is None else frame.categorical(self.categorical_features)

    def _check_names(self, names: list[str], reset: bool) -> bool:
        """Keep the names of columns that scikit-learn knows none of, or compare them, in any order."""
        if reset:
            self.feature_names_in_ = np.array(names, object)
        return set(getattr(self, "feature_names_in_", names)) == set(names)

    def _fit(self, X: Any, y: Any, sample_weight: Any, eval_set: Any) -> Any:
        """Learn; after an error the estimator is what it was."""
        known = {name: value for name, value in self.__dict__.items() if name in FEATURES}
        try:
            return self._learn(X, y, sample_weight, eval_set)
        except BaseException:
            for name in FEATURES:
                self.__dict__.pop(name, None)
            self.__dict__.update(known)
            raise

    def _learn(self, X: Any, y: Any, sample_weight: Any, eval_set: Any) -> Any:
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
            pair = pair_of(eval_set)
            validation = (self._frame(pair[0], reset=False), *pair[1:])
        try:
            seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        except ValueError as error:
            raise ValueError(f"random_state: {error}") from None
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


def pair_of(eval_set: Any) -> tuple[Any, ...]:
    """(X, y) or (X, y, sample_weight), which may stand in a list."""
    pair = eval_set[0] if isinstance(eval_set, list) and len(eval_set) == 1 else eval_set
    if not isinstance(pair, tuple | list) or len(pair) not in (2, 3) or any(isinstance(part, tuple) for part in pair):
        raise ValueError("eval_set: expected one (X, y) or (X, y, sample_weight)")
    return tuple(pair)
