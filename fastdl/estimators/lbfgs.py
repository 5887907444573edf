"""The loss of a plain network and its gradient in float64, and L-BFGS by SciPy on them (Liu & Nocedal 1989).

Operations come in scikit-learn's order, so that the two go the same way for as long as rounding allows. One vector
holds all weights, layer by layer, and behind them all biases, as scikit-learn packs them.
"""

from __future__ import annotations

import warnings
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit, xlogy
from sklearn.exceptions import ConvergenceWarning

from fastdl.estimators.architecture import is_plain
from fastdl.estimators.parameters import NOT_FINITE, hidden_sizes, per_layer

if TYPE_CHECKING:
    from fastdl.estimators.objective import Objective
    from fastdl.program import Array

KINDS = ("identity", "logistic", "tanh", "relu")
HEADS = ("identity", "logistic", "softmax", "exp")
EPS, TINY = np.finfo(np.float64).eps, np.finfo(np.float64).tiny
WORTH_A_TEAM = 1 << 28  # multiply-adds of an evaluation


class Problem:
    """f(theta) -> (loss, gradient), for the data of a fit.

    Parameters
    ----------
    X : ndarray or sparse matrix, shape (n, features)
    y : ndarray, shape (n, outputs)
        Targets; of a softmax the probabilities.
    weights : ndarray, shape (n,), optional
    sizes : list of int
        Widths from inputs to outputs.
    activations : list of str
        Of the hidden layers; "identity", "logistic", "tanh" or "relu".
    head : str
        "identity" (half the squared error, summed over outputs), "logistic" or "softmax" (cross-entropy) or "exp"
        (Poisson deviance).
    alpha : float
        alpha / 2 sum w^2 is added to the sum of the rows' losses.
    """

    def __init__(
        self,
        X: Any,
        y: Array,
        weights: Array | None,
        sizes: list[int],
        activations: list[str],
        head: str,
        alpha: float,
    ) -> None:
        sparse = hasattr(X, "tocsr")
        self.x: Any = X if sparse else np.asarray(X, np.float64)
        self.xt: Any = X.T.tocsr() if sparse else self.x.T
        self.y = np.asarray(y, np.float64)
        self.total = float(len(y)) if weights is None else float(np.sum(weights, dtype=np.float64))
        self.row_weights = weights
        self.share = None if weights is None else np.asarray(weights, np.float64)[:, None]
        self.sizes, self.activations, self.head, self.alpha = sizes, activations, head, float(alpha)
        self.constant = poisson_terms(self.y) if head == "exp" else np.zeros(1)
        self.values = [np.empty((len(y), size)) for size in sizes[1:]]
        self.slopes = [np.empty((len(y), size)) for size in sizes[1:]]
        self.masks = [np.empty((len(y), size), bool) for size in sizes[1:-1]]

    def unpack(self, theta: Array) -> tuple[list[Array], list[Array]]:
        """Views of the weights and of the biases in a vector."""
        coefs, intercepts, start = [], [], 0
        for n_in, n_out in zip(self.sizes, self.sizes[1:], strict=False):
            coefs.append(theta[start : start + n_in * n_out].reshape(n_in, n_out))
            start += n_in * n_out
        for n_out in self.sizes[1:]:
            intercepts.append(theta[start : start + n_out])
            start += n_out
        return coefs, intercepts

    def forward(self, coefs: list[Array], intercepts: list[Array]) -> Array:
        """Raw outputs, kept with all hidden values for the way back."""
        value = self.x
        for i, (w, b) in enumerate(zip(coefs, intercepts, strict=True)):
            out = self.values[i]
            if hasattr(value, "tocsr"):
                out[...] = value @ w
            else:
                np.matmul(value, w, out=out)
            out += b
            if i < len(self.activations):
                activate(self.activations[i], out)
            value = out
        return self.values[-1]

    def __call__(self, theta: Array) -> tuple[float, Array]:
        """Loss and gradient."""
        coefs, intercepts = self.unpack(theta)
        delta = self.slopes[-1]
        loss = self._loss(self.forward(coefs, intercepts), delta)
        loss += 0.5 * self.alpha / self.total * sum(float(np.dot(w.ravel(), w.ravel())) for w in coefs)
        if self.share is not None:
            delta *= self.share
        gradient = np.empty_like(theta)
        to_coefs, to_intercepts = self.unpack(gradient)
        for i in range(len(coefs) - 1, -1, -1):
            before = self.xt if i == 0 else self.values[i - 1].T
            if hasattr(before, "tocsr"):
                to_coefs[i][...] = before @ delta
            else:
                np.matmul(before, delta, out=to_coefs[i])
            if self.alpha:
                to_coefs[i] += self.alpha * coefs[i]
            np.sum(delta, axis=0, out=to_intercepts[i])
            if i:
                back = self.slopes[i - 1]
                np.matmul(delta, coefs[i].T, out=back)
                self._slope(i - 1, back)
                delta = back
        gradient /= self.total
        return loss, gradient

    def _slope(self, i: int, delta: Array) -> None:
        """Multiply by the derivative of hidden layer i, from its values; these are not needed any more."""
        kind, value = self.activations[i], self.values[i]
        if kind == "relu":
            delta *= np.greater(value, 0.0, out=self.masks[i])
        elif kind == "tanh":
            np.multiply(value, value, out=value)
            delta *= np.subtract(1.0, value, out=value)
        elif kind == "logistic":
            delta *= value
            delta *= np.subtract(1.0, value, out=value)

    def _loss(self, z: Array, delta: Array) -> float:
        """The loss of raw outputs z, the mean over rows; delta gets the gradient of each row's own."""
        y = self.y
        if self.head == "identity":
            np.subtract(z, y, out=delta)
            return 0.5 * self._mean(np.square(delta))
        if self.head == "exp":
            np.exp(z, out=delta)
            terms = delta - y * z + self.constant
        elif self.head == "logistic":
            expit(z, out=delta)
            p = np.clip(delta, EPS, 1.0 - EPS)
            terms = -(xlogy(y, p) + xlogy(1.0 - y, 1.0 - p))
        else:
            np.subtract(z, z.max(axis=1, keepdims=True), out=z)
            np.exp(z, out=delta)
            delta /= delta.sum(axis=1, keepdims=True)
            terms = -xlogy(y, np.clip(delta, EPS, 1.0 - EPS))
        delta -= y
        return self._mean(terms)

    def _mean(self, terms: Array) -> float:
        """Of rows, by weight; summed over outputs."""
        return float(np.average(terms, weights=self.row_weights, axis=0).sum())


def poisson_terms(y: Array) -> Array:
    """t log t - t: what makes the deviance of a perfect prediction 0."""
    terms: Array = y * np.log(np.maximum(y, TINY)) - y
    return terms


def activate(kind: str, x: Array) -> None:
    """Apply an activation in place."""
    if kind == "relu":
        np.maximum(x, 0.0, out=x)
    elif kind == "tanh":
        np.tanh(x, out=x)
    elif kind == "logistic":
        expit(x, out=x)


@cache
def thread_pools() -> Any:
    """The BLAS libraries that are loaded; looking for them takes milliseconds."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def blas_threads(work: int, threads: int | None) -> AbstractContextManager[Any]:
    """Hold BLAS to some threads: NumPy and SciPy bring a pool each, which fight for the cores if the work is small."""
    if threads is None and work > WORTH_A_TEAM:
        return nullcontext()
    limited: AbstractContextManager[Any] = thread_pools().limit(limits=threads or 1, user_api="blas")
    return limited


def minimize(
    problem: Problem, theta: Array, max_iter: int, max_fun: int, tol: float, verbose: bool, threads: int | None
) -> Any:
    """SciPy's result of L-BFGS-B; with `verbose`, a line for each iteration."""
    from scipy import optimize

    count = 0

    def report(intermediate_result: Any) -> None:
        nonlocal count
        count += 1
        print(f"Iteration {count}, loss = {intermediate_result.fun:.8f}")

    options = {"maxfun": max_fun, "maxiter": max_iter, "gtol": tol}
    with blas_threads(3 * len(problem.y) * len(theta), threads):
        return optimize.minimize(
            problem, theta, method="L-BFGS-B", jac=True, options=options, callback=report if verbose else None
        )


def fit_lbfgs(estimator: Any, X: Any, targets: Array, weights: Array | None, objective: Objective) -> None:
    """Train an estimator on checked data, and publish the weights in float64."""
    sizes = [X.shape[1], *hidden_sizes(estimator.hidden_layer_sizes), objective.outputs]
    kinds = per_layer("activation", estimator.activation, len(sizes) - 2)
    tricks = [
        name for name in ("schedule", "clip_norm", "averaging", "callbacks") if getattr(estimator, name) is not None
    ]
    known = objective.standard and objective.activation in HEADS and all(kind in KINDS for kind in kinds)
    if tricks or not known or not is_plain(estimator):
        raise ValueError(
            f"solver: 'lbfgs' trains scikit-learn's networks only, without {', '.join(tricks) or 'other layers'}; "
            "take 'adam', or optimizer="
        )
    if targets.dtype == np.int32:
        targets = one_hot(targets, objective.outputs, float(estimator.label_smoothing))
    problem = Problem(X, targets, weights, sizes, kinds, objective.activation, estimator.alpha)
    theta = np.concatenate([np.ravel(a) for a in (*estimator.coefs_, *estimator.intercepts_)]).astype(np.float64)
    result = minimize(
        problem, theta, estimator.max_iter, estimator.max_fun, estimator.tol, bool(estimator.verbose), estimator.threads
    )
    estimator.n_iter_ = min(int(result.nit), estimator.max_iter)
    coefs, intercepts = problem.unpack(result.x)
    if not np.isfinite(result.x).all():
        raise ValueError(NOT_FINITE)
    penalty = 0.5 * estimator.alpha / problem.total * sum(float((w * w).sum()) for w in coefs)
    mean_of = objective.outputs if objective.activation == "identity" else 1
    estimator.loss_ = (float(result.fun) - penalty) / mean_of + penalty
    estimator._assign(coefs, intercepts)
    if result.status != 0:
        warnings.warn(
            f"{type(estimator).__name__}: L-BFGS has not converged after {estimator.n_iter_} iterations "
            f"({result.message}). More of them (max_iter, max_fun) or scaled data may help.",
            ConvergenceWarning,
            stacklevel=5,
        )


def one_hot(labels: Array, outputs: int, e: float) -> Array:
    """Labels (n, 1) as probabilities (n, outputs), of which e is spread evenly."""
    p = np.full((len(labels), outputs), e / outputs)
    p[np.arange(len(labels)), labels[:, 0]] += 1.0 - e
    return p
