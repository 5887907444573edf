"""What classifier and regressor share: scikit-learn's parameters and attributes over a network of ours."""

from __future__ import annotations

from operator import is_not
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data

from fastdl.data import row_weights
from fastdl.estimators.architecture import frozen, initial_weights, make_network, published, take
from fastdl.estimators.parameters import hidden_sizes
from fastdl.estimators.rows import RowStore, is_sparse

if TYPE_CHECKING:
    from fastdl.estimators.objective import Objective
    from fastdl.nn import Dense, Sequential
    from fastdl.program import Array
    from fastdl.trainer import Trainer

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def has_steps(estimator: Any) -> bool:
    """Whether it trains step by step, so that there may be a further one; else says why `partial_fit` is missing."""
    if estimator.solver == "lbfgs" and estimator.optimizer is None:
        raise AttributeError("partial_fit is only there for solvers that go step by step: solver='lbfgs' does not")
    return True


class BaseMLP(BaseEstimator):
    """Parameters, the network and its published weights; training is in `training`."""

    # What the constructors set, and what a fit does; see the docstrings of the two classes.
    hidden_layer_sizes: Any
    activation: Any
    solver: Any
    alpha: Any
    batch_size: Any
    learning_rate: Any
    learning_rate_init: Any
    power_t: Any
    max_iter: Any
    loss: Any
    shuffle: Any
    random_state: Any
    tol: Any
    verbose: Any
    warm_start: Any
    momentum: Any
    nesterovs_momentum: Any
    early_stopping: Any
    validation_fraction: Any
    beta_1: Any
    beta_2: Any
    epsilon: Any
    n_iter_no_change: Any
    max_fun: Any
    dropout: Any
    norm: Any
    init: Any
    optimizer: Any
    schedule: Any
    clip_norm: Any
    label_smoothing: Any
    averaging: Any
    residual: Any
    callbacks: Any
    threads: Any
    coefs_: list[Array]
    intercepts_: list[Array]
    network_: Sequential
    n_outputs_: int
    out_activation_: str
    _denses: list[Dense]
    _trainer: Trainer | None
    _random_state: Any
    _rate: float | None

    def __init__(self, arguments: dict[str, Any]) -> None:
        for name, value in arguments.items():
            if name not in ("self", "__class__"):
                setattr(self, name, value)

    # What the two kinds fill in

    def _check_data(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Any]:
        """Checked X, and y in a form that `_objective` and `_targets` take."""
        raise NotImplementedError

    def _objective(self) -> Objective:
        raise NotImplementedError

    def _targets(self, y: Any, dtype: Any = np.float32) -> Array:
        """Targets as the gather reads them: int32 (n, 1) for labels, else of this type (n, columns)."""
        raise NotImplementedError

    def _weights(self, y: Any, sample_weight: Any, incremental: bool) -> Array | None:
        """A weight for each row, or None."""
        return row_weights(sample_weight, None, y, y.shape[0])

    # Network and published weights

    def _begin(self, X: Any, y: Any, first: bool, dtype: Any) -> Objective:
        """Network, random state and counters of a fit."""
        self._random_state = check_random_state(self.random_state)
        objective = self._objective()
        self.n_outputs_, self.out_activation_ = objective.outputs, objective.activation
        if first:
            self.n_iter_ = self.t_ = 0
            self._forget_history()
            self._make_network(X.shape[1], objective)
            self._publish(dtype)
            if self.init is None:
                sizes = [X.shape[1], *hidden_sizes(self.hidden_layer_sizes), objective.outputs]
                self._assign(*initial_weights(self, sizes, self._random_state, dtype))
        elif not hasattr(self, "network_"):  # weights were given before any fit
            self._make_network(X.shape[1], objective)
            self._assign(self.coefs_, self.intercepts_)
            for name in ("n_iter_", "t_"):
                setattr(self, name, getattr(self, name, 0))
            if not hasattr(self, "loss_curve_"):
                self._forget_history()
        else:
            self._sync()
        self.n_layers_ = len(self._denses) + 1
        return objective

    def _forget_history(self) -> None:
        if self.solver == "lbfgs":
            return
        early = bool(self.early_stopping)
        self.loss_curve_: list[float] = []
        self.best_loss_ = None if early else np.inf
        self.validation_scores_: list[float] | None = [] if early else None
        self.best_validation_score_ = -np.inf if early else None
        self._no_improvement_count = 0
        self._best: Any = None

    def _make_network(self, features: int, objective: Objective) -> None:
        net, denses = make_network(self, objective.outputs)
        net.build(features, 0 if self.init is None else self._seed())
        net.head = {"identity": "linear", "exp": "linear", "logistic": "sigmoid"}.get(
            objective.activation, objective.activation
        )
        self.network_, self._denses, self._trainer = net, denses, None

    def _seed(self) -> int:
        return int(self._random_state.randint(2**31 - 1))

    def _publish(self, dtype: Any) -> None:
        """Let `coefs_` and `intercepts_` be what the network has."""
        self.coefs_, self.intercepts_ = published(self._denses, dtype)
        self._published = (*self.coefs_, *self.intercepts_)

    def _assign(self, coefs: Any, intercepts: Any) -> None:
        """Let the network and the published weights be these; float64 is kept as it is."""
        take(self._denses, coefs, intercepts)
        if self.coefs_[0].dtype == np.float32 and hasattr(self, "_published"):
            self._publish(np.float32)
            return
        self.coefs_, self.intercepts_ = (
            frozen([np.array(array, np.float64) for array in given]) for given in (coefs, intercepts)
        )
        self._published = (*self.coefs_, *self.intercepts_)

    def _sync(self) -> None:
        """Take the weights that the user has put into `coefs_` and `intercepts_`, if any are new."""
        given = (*self.coefs_, *self.intercepts_)
        if len(given) != len(self._published) or any(map(is_not, given, self._published)):
            take(self._denses, self.coefs_, self.intercepts_)
            self._published = given

    # Outputs

    def _raw(self, X: Any) -> tuple[Array, Any]:
        """Raw outputs of checked or unchecked X, float32, and the type that the answer is to have."""
        if not hasattr(self, "network_"):
            if not hasattr(self, "coefs_"):
                raise NotFittedError(
                    f"This {type(self).__name__} instance is not fitted yet. Call 'fit' with appropriate arguments "
                    "before using this estimator."
                )
            raise ValueError("coefs_: weights were set, but no fit has said what the outputs stand for: fit first")
        if not self._is_simple(X):
            X = validate_data(self, X, accept_sparse=["csr", "csc"], dtype=FLOATS, reset=False)
        self._sync()
        if is_sparse(X):
            return RowStore(X.tocsr()).map(self.network_.predict), X.dtype
        return self.network_.predict(X), X.dtype

    def _is_simple(self, X: Any) -> bool:
        """Whether X is an array that needs no more checks: these would cost more than a row's prediction."""
        if type(X) is not np.ndarray or X.ndim != 2 or X.dtype not in FLOATS or hasattr(self, "feature_names_in_"):
            return False
        if X.shape[1] != self.n_features_in_ or not X.shape[0]:
            return False
        total = X.sum()
        return bool(total - total == 0.0)  # false where a number is not finite, or where the sum is not

    # Copies

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        trainer = state.get("_trainer")
        if trainer is not None:
            state = {
                **state,
                "_trainer": None,
                "_progress": (trainer.snapshot()[1:], trainer.epoch, trainer.seed, self._rate),
            }
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_published" not in state:
            return
        if any(map(is_not, (*self.coefs_, *self.intercepts_), self._published)):
            return
        if self._published[0].dtype == np.float32:
            self._publish(np.float32)
        else:
            frozen(list(self._published))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
