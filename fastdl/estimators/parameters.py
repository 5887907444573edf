"""The constructor's parameters of an estimator, checked when it is fitted."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Any

import numpy as np

from fastdl.errors import check_bool, check_int, check_number, unknown_name

SOLVERS = ("lbfgs", "sgd", "adam")
RATES = ("constant", "invscaling", "adaptive")
FLAGS = ("shuffle", "warm_start", "nesterovs_momentum", "early_stopping", "residual")
COUNTS = ("max_iter", "max_fun")
NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and need to be preprocessed."
)
# low, high, open_low, open_high
NUMBERS: dict[str, tuple[float, float, bool, bool]] = {
    "alpha": (0.0, 1e38, False, False),
    "learning_rate_init": (0.0, inf, True, True),
    "power_t": (0.0, inf, False, True),
    "tol": (0.0, inf, False, True),
    "momentum": (0.0, 1.0, False, False),
    "validation_fraction": (0.0, 1.0, False, True),
    "beta_1": (0.0, 1.0, False, True),
    "beta_2": (0.0, 1.0, False, True),
    "epsilon": (0.0, inf, True, True),
}


def check_parameters(estimator: Any) -> None:
    """Refuse what is out of bounds; nothing has changed then."""
    for name, (low, high, open_low, open_high) in NUMBERS.items():
        check_number(name, getattr(estimator, name), low, high, open_low=open_low, open_high=open_high)
    for name in FLAGS:
        check_bool(name, getattr(estimator, name))
    for name in COUNTS:
        check_int(name, getattr(estimator, name), 1)
    for name, known in (("solver", SOLVERS), ("learning_rate", RATES)):
        if getattr(estimator, name) not in known:
            raise unknown_name(name, getattr(estimator, name), known)
    if estimator.batch_size != "auto":
        check_int("batch_size", estimator.batch_size, 1)
    if not isinstance(estimator.verbose, bool | np.bool_):
        check_int("verbose", estimator.verbose, 0)
    if estimator.n_iter_no_change != inf:
        check_int("n_iter_no_change", estimator.n_iter_no_change, 1)


def hidden_sizes(value: Any) -> list[int]:
    """Widths of the hidden layers; one number is one layer."""
    sizes = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    for size in sizes:
        if isinstance(size, bool) or not hasattr(size, "__index__"):
            raise TypeError(f"hidden_layer_sizes: expected ints, got {value!r}")
        if size < 1:
            raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return [int(size) for size in sizes]


def per_layer(name: str, value: Any, count: int) -> list[Any]:
    """A value for each hidden layer, from one for all of them or a list."""
    if not isinstance(value, list | tuple):
        return [value] * count
    if len(value) != count:
        raise ValueError(f"{name}: expected one value, or {count}, one for each hidden layer, got {len(value)}")
    return list(value)
