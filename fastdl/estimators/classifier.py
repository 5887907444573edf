"""The classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import type_of_target, unique_labels
from sklearn.utils.validation import column_or_1d, validate_data

from fastdl.errors import check_number
from fastdl.estimators.base import FLOATS, has_steps
from fastdl.estimators.labels import Labels
from fastdl.estimators.objective import Objective, objective_of
from fastdl.estimators.score import accuracy
from fastdl.estimators.training import TrainedMLP
from fastdl.losses import BinaryCrossEntropy, CrossEntropy, Loss, loss_of

if TYPE_CHECKING:
    from fastdl.program import Array


class MLPClassifier(ClassifierMixin, TrainedMLP):
    """scikit-learn's `MLPClassifier` on fastdl's kernels, with the tricks of deep learning as further parameters.

    Parameters up to `max_fun` have scikit-learn's names, defaults and meaning; the others may be given by name.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int
        Units of each hidden layer.
    activation : str, layer, or a list of them
        "identity", "logistic", "tanh", "relu" as in scikit-learn, any other name or layer of `fastdl.nn`; in a list,
        one for each hidden layer.
    solver : {"adam", "sgd", "lbfgs"}
        "lbfgs" works on all rows at once, in float64.
    alpha : float
        alpha / 2 sum w^2 is added to the sum of a batch's losses.
    batch_size : int or "auto"
        "auto" is 200, or all rows if there are fewer.
    learning_rate : {"constant", "invscaling", "adaptive"}
        Of "sgd". After t rows, "invscaling" is learning_rate_init / (t + 1)^power_t from epoch to epoch; "adaptive"
        divides by 5 where training would stop, until 1e-6.
    learning_rate_init, power_t : float
    max_iter : int
        Epochs, or iterations of "lbfgs".
    shuffle : bool
        Whether each epoch has its own order of rows.
    random_state : int, RandomState or None
        Initial weights, split and order of rows are those of scikit-learn; everything else random depends on it, too.
    tol : float
    verbose : bool or int
        Whether to print a line for each epoch.
    warm_start : bool
        Whether `fit` begins with the weights of the last one.
    momentum, nesterovs_momentum : float, bool
        Of "sgd".
    early_stopping, validation_fraction : bool, float
        Whether a part of the rows is set aside and scored after each epoch; the best epoch's weights are kept.
    beta_1, beta_2, epsilon : float
        Of "adam".
    n_iter_no_change : int or inf
        Training stops after more epochs than these in a row in which the loss (with early stopping, the score) has not
        improved by `tol`.
    max_fun : int
        Evaluations of "lbfgs".
    dropout : float or list of float
        Fraction of each hidden layer's units that is dropped in training.
    norm : {None, "batch", "layer", "rms"}, layer, or a list of them
        Between the weights and the activation.
    init : str or Initializer, optional
        See `fastdl.init`; None for scikit-learn's.
    optimizer : str or Optimizer, optional
        Takes the place of `solver`. A name ("rmsprop") has the rate `learning_rate_init`, an object its own.
    schedule : str, Schedule or callable, optional
        Factor of the rate, over `max_iter` epochs.
    clip_norm : float or Clip, optional
        Largest norm of the gradient.
    class_weight : dict or "balanced", optional
        Factor of each class's rows; "balanced" is n / (classes * rows of the class).
    label_smoothing : float
        e in [0, 1]: the label counts 1 - e, and e is spread evenly over all classes (Szegedy et al. 2016).
    loss : str, Loss or callable
        "log_loss" is the cross-entropy; or a loss of classes of `fastdl.losses`, such as "focal".
    averaging : optional
        Averages of weights, as `Trainer` takes them.
    residual : bool
        Whether each hidden layer but the first is added to what goes into it.
    callbacks : list of Callback, optional
    threads : int, optional
        At most so many; None for all that the process may use. Results don't depend on it.

    Attributes
    ----------
    classes_ : ndarray
    coefs_, intercepts_ : list of ndarray
        Weights (n_in, n_out) and biases of each layer, in X's type. Other arrays may be put into the lists; those of
        float64 refuse to be written into.
    network_ : Sequential
        The network, which can be saved, exported and trained on by itself.
    loss_, best_loss_ : float
        Last and least loss; `best_loss_` is None with early stopping.
    loss_curve_ : list of float
        Loss of each epoch, with the penalty, as scikit-learn reports it.
    validation_scores_, best_validation_score_ : list of float, float
        Of the rows set aside, or None.
    history_ : History
        What `Trainer` notes of each epoch of the last fit.
    n_iter_, t_ : int
        Epochs of the last fit, and rows seen in all.
    n_layers_, n_outputs_, out_activation_ : int, int, str
    n_features_in_, feature_names_in_ : int, ndarray

    Examples
    --------
    >>> import fastdl as fdl
    >>> from fastdl import datasets
    >>> X, y = datasets.load_digits()
    >>> model = fdl.MLPClassifier(32, dropout=0.1, max_iter=30, random_state=0).fit(X[:1500] / 16, y[:1500])
    >>> bool(model.score(X[1500:] / 16, y[1500:]) > 0.85)
    True
    """

    class_weight: Any
    classes_: Array

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: Any = 0.0,
        norm: Any = None,
        init: Any = None,
        optimizer: Any = None,
        schedule: Any = None,
        clip_norm: Any = None,
        class_weight: Any = None,
        label_smoothing: float = 0.0,
        loss: Any = "log_loss",
        averaging: Any = None,
        residual: bool = False,
        callbacks: Any = None,
        threads: int | None = None,
    ) -> None:
        super().__init__(locals())

    # Data and loss

    def _check_data(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Any]:
        """X as floats; y as places in `classes_`, (n,), or of several labels as 0 and 1, (n, labels)."""
        X, y = validate_data(self, X, y, accept_sparse=["csr", "csc"], multi_output=True, dtype=FLOATS, reset=reset)
        if not hasattr(y, "tocsr") and y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or (not self.warm_start and not incremental):
            self._learn_classes(y)
        else:
            self._labels.check(y, all_again=self.warm_start and not incremental)
        return X, self._labels.places(y)

    def _learn_classes(self, y: Any) -> None:
        self._labels = Labels(y)
        self.classes_ = self._labels.classes

    def _objective(self) -> Objective:
        smoothing = check_number("label_smoothing", self.label_smoothing, 0.0, 1.0)
        several = self._labels.several
        count = len(self.classes_)
        loss: Loss = BinaryCrossEntropy() if several or self._labels.two else CrossEntropy(smoothing)
        if self.loss != "log_loss":
            loss = loss_of(self.loss)
            if smoothing:
                raise ValueError("label_smoothing: expected loss='log_loss' with it; CrossEntropy has one of its own")
            if (loss.head not in ("softmax", "sigmoid") and loss.name) or (several and loss.head == "softmax"):
                raise ValueError(f"loss: expected one for {'several labels' if several else 'classes'}, got {loss!r}")
        if loss.head == "sigmoid":
            if not several and count > 2:
                raise ValueError(f"loss: {loss.name!r} is for two classes or several labels, y has {count} classes")
            return objective_of(loss, count if several else 1, "logistic")
        return objective_of(loss, max(2, count), "softmax")

    def _targets(self, y: Any, dtype: Any = np.float32) -> Array:
        if self.out_activation_ == "softmax":
            return np.ascontiguousarray(y, np.int32).reshape(-1, 1)
        e = self.label_smoothing
        return np.ascontiguousarray(y * (1.0 - e) + 0.5 * e if e else y, dtype).reshape(len(y), -1)

    def _weights(self, y: Any, sample_weight: Any, incremental: bool) -> Array | None:
        """Of rows and of their classes, multiplied."""
        if self.class_weight is None:
            return super()._weights(y, sample_weight, incremental)
        if incremental and self.class_weight == "balanced":
            raise ValueError("class_weight: 'balanced' needs all rows at once; give partial_fit a dict of weights")
        labels = y if y.ndim == 2 else self.classes_[y]
        if isinstance(self.class_weight, dict) and y.ndim == 1:
            unknown = set(self.class_weight) - set(self.classes_.tolist())
            if unknown:
                raise ValueError(f"class_weight: unknown classes {sorted(unknown, key=str)}, y has {self.classes_}")
        by_class = compute_sample_weight(self.class_weight, labels)
        by_row = super()._weights(y, sample_weight, incremental)
        return super()._weights(y, by_class if by_row is None else by_class * by_row, incremental)

    def _stratify(self, y: Any) -> Any:
        return y.astype(bool).reshape(-1, 1) if self.n_outputs_ == 1 else None

    def _score(self, raw: Array, y: Any, weights: Array | None) -> float:
        if not np.isfinite(raw).all():
            return float("nan")
        return accuracy(y, self._labels.likely(raw), weights)

    # What users call

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, eval_set: Any = None) -> MLPClassifier:
        """Train.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n, features)
        y : array_like, shape (n,) or (n, labels)
            Classes, or 0 and 1 for each of several labels.
        sample_weight : array_like, shape (n,), optional
            At least 0; rows of weight 0 take no part.
        eval_set : (X, y) or (X, y, sample_weight), optional
            Scored after each epoch; with early stopping it takes the place of rows set aside.

        Returns
        -------
        MLPClassifier

        Raises
        ------
        ValueError, TypeError
            For parameters or data that will not do, and if training diverges.
        """
        fitted: MLPClassifier = self._fit(X, y, sample_weight, eval_set)
        return fitted

    @available_if(has_steps)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> MLPClassifier:
        """Train for one epoch on these rows; weights and the optimizer's state go on from the last call.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes : array_like, optional
            All there will be; the first call needs them.

        Returns
        -------
        MLPClassifier
        """
        if not hasattr(self, "classes_"):
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            self._learn_classes(y if type_of_target(y).startswith("multilabel") else unique_labels(classes))
        elif classes is not None and not np.array_equal(self.classes_, unique_labels(classes)):
            raise ValueError(
                f"classes={classes!r} is not the same as on last call to partial_fit, was: {self.classes_!r}"
            )
        fitted: MLPClassifier = self._fit(X, y, sample_weight, incremental=True)
        return fitted

    def predict(self, X: Any) -> Array:
        """The most likely class of each row.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n, features)

        Returns
        -------
        ndarray, shape (n,) or (n, labels)
        """
        raw, _ = self._raw(X)
        return self._labels.answers(raw)

    def predict_proba(self, X: Any) -> Array:
        """Probability of each class, or of each label.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n, features)

        Returns
        -------
        ndarray, shape (n, classes) or (n, labels), in X's type
        """
        raw, dtype = self._raw(X)
        z = raw.astype(dtype)
        if self.out_activation_ == "softmax":
            z -= z.max(axis=1, keepdims=True)
            np.exp(z, out=z)
            z /= z.sum(axis=1, keepdims=True)
            return z
        p = 1.0 / (1.0 + np.exp(-np.clip(z, -80.0, 80.0)))
        if self.n_outputs_ == 1 and not self._labels.several:
            return np.concatenate([1.0 - p, p], axis=1)
        return p

    def predict_log_proba(self, X: Any) -> Array:
        """Logarithms of `predict_proba`; see there."""
        p = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return np.log(p, out=p)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
