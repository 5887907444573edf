"""The regressor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import column_or_1d, validate_data

from fastdl.estimators.base import FLOATS, has_steps
from fastdl.estimators.objective import Objective, objective_of
from fastdl.estimators.score import r2
from fastdl.estimators.training import TrainedMLP
from fastdl.losses import Loss, Quantile, loss_of
from fastdl.losses.loss import real_targets

if TYPE_CHECKING:
    from fastdl.program import Array


class MLPRegressor(RegressorMixin, TrainedMLP):
    """scikit-learn's `MLPRegressor` on fastdl's kernels, with the tricks of deep learning as further parameters.

    Parameters up to `max_fun` have scikit-learn's names, defaults and meaning; the others may be given by name.

    Parameters
    ----------
    loss : str, Loss or callable
        "squared_error" (half of it) or "poisson", whose prediction is the exponential of the output, as in
        scikit-learn; or a loss of `fastdl.losses`, such as "mae", "huber" or `Quantile([0.1, 0.9])`.
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
    averaging : optional
        Averages of weights, as `Trainer` takes them.
    residual : bool
        Whether each hidden layer but the first is added to what goes into it.
    callbacks : list of Callback, optional
    threads : int, optional
        At most so many; None for all that the process may use. Results don't depend on it.

    Attributes
    ----------
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
    >>> import numpy as np
    >>> import fastdl as fdl
    >>> X = np.linspace(-2, 2, 300).reshape(-1, 1)
    >>> model = fdl.MLPRegressor(hidden_layer_sizes=50, solver="lbfgs", random_state=0).fit(X, np.sin(2 * X[:, 0]))
    >>> bool(model.score(X, np.sin(2 * X[:, 0])) > 0.99)
    True
    """

    label_smoothing = 0.0

    def __init__(
        self,
        loss: Any = "squared_error",
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
        averaging: Any = None,
        residual: bool = False,
        callbacks: Any = None,
        threads: int | None = None,
    ) -> None:
        super().__init__(locals())

    # Data and loss

    def _check_data(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Any]:
        """X as floats; y as it is, (n,) or (n, outputs)."""
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            y_numeric=True,
            dtype=FLOATS,
            reset=reset,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._columns = 1 if y.ndim == 1 else y.shape[1]
        return X, y

    def _objective(self) -> Objective:
        loss: Loss = loss_of("mse" if self.loss == "squared_error" else self.loss)
        if loss.head in ("softmax", "sigmoid"):
            raise ValueError(f"loss: expected one of real targets, got {loss!r}")
        outputs = self._columns * (len(loss.levels) if isinstance(loss, Quantile) else 1)
        return objective_of(loss, outputs, "exp" if loss.name == "poisson" else "identity")

    def _targets(self, y: Any, dtype: Any = np.float32) -> Array:
        targets = real_targets(y, len(y), self._columns, f"{self._columns} columns")
        if self.out_activation_ == "exp" and (targets < 0).any():
            raise ValueError("y: expected counts of at least 0 with loss='poisson', got negative ones")
        return targets if dtype == np.float32 else np.asarray(y, dtype).reshape(targets.shape)

    def _score(self, raw: Array, y: Any, weights: Array | None) -> float:
        return r2(y, self._answers(raw, np.float64), weights)

    def _answers(self, raw: Array, dtype: Any) -> Array:
        """What the raw outputs predict, (n,) if there is one."""
        answers = raw.astype(dtype)
        if self.out_activation_ == "exp":
            np.exp(answers, out=answers)
        return answers[:, 0] if answers.shape[1] == 1 else answers

    # What users call

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, eval_set: Any = None) -> MLPRegressor:
        """Train.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n, features)
        y : array_like, shape (n,) or (n, outputs)
        sample_weight : array_like, shape (n,), optional
            At least 0; rows of weight 0 take no part.
        eval_set : (X, y) or (X, y, sample_weight), optional
            Scored after each epoch; with early stopping it takes the place of rows set aside.

        Returns
        -------
        MLPRegressor

        Raises
        ------
        ValueError, TypeError
            For parameters or data that will not do, and if training diverges.
        """
        fitted: MLPRegressor = self._fit(X, y, sample_weight, eval_set)
        return fitted

    @available_if(has_steps)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Train for one epoch on these rows; weights and the optimizer's state go on from the last call.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        MLPRegressor
        """
        fitted: MLPRegressor = self._fit(X, y, sample_weight, incremental=True)
        return fitted

    def predict(self, X: Any) -> Array:
        """Predict.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n, features)

        Returns
        -------
        ndarray, shape (n,) or (n, outputs), in X's type
        """
        return self._answers(*self._raw(X))
