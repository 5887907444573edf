"""What comes in: arrays checked at the edge, weights, splits."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.errors import as_array, check_number
from fastdl.kernels import permutation
from fastdl.kernels._rows import as_readable

if TYPE_CHECKING:
    from fastdl.program import Array

SPLIT_STREAM = (1 << 29) + 1
FAR_OUTSIDE = 10.0
ROWS_AT_ONCE = 8192


def as_rows(X: Any, features: int | None, what: str = "X: expected") -> Array:
    """X as a matrix that the gather can read, where possible as it lies.

    Raises ValueError if it is not a matrix of real numbers, or has another number of features.
    """
    x = as_array("X", X)
    if x.dtype.kind not in "fiub":
        raise TypeError(f"X: expected an array of real numbers, got dtype {x.dtype}")
    if x.ndim != 2 or (features is not None and x.shape[1] != features):
        wanted = "2 dimensions (rows, features)" if features is None else f"{features} features"
        raise ValueError(f"{what} {wanted}, got X of shape {x.shape}")
    readable: Array = as_readable(x)
    return readable


def is_mapped(x: Array) -> bool:
    """Whether it is a memory map, or a view of one."""
    return isinstance(x, np.memmap) or isinstance(x.base, np.memmap)


def check_training_rows(x: Array, name: str, scaled: bool, codes: Sequence[int] = ()) -> None:
    """Refuse empty data and numbers that are not finite; warn of inputs that no scaler brings to a sane interval.
    Columns of category codes may hold what they like.

    Memory maps are not read twice: their NaN comes to light in the first epoch, as a loss that is not finite.
    """
    if x.shape[0] == 0 or x.shape[1] == 0:
        raise ValueError(f"{name}: expected at least one row and one feature, got shape {x.shape}")
    if is_mapped(x):
        return
    largest = 0.0
    for start in range(0, x.shape[0], ROWS_AT_ONCE):
        block = x[start : start + ROWS_AT_ONCE]
        low, high = float(block.min()), float(block.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            row, column = np.argwhere(~np.isfinite(block))[0]
            raise ValueError(
                f"{name}: expected finite numbers, got {block[row, column]} in row {start + row}, column {column}"
            )
        if codes:
            block = np.delete(block, codes, axis=1)
            low, high = float(block.min(initial=0)), float(block.max(initial=0))
        largest = max(largest, -low, high)
    if not scaled and largest > float(np.finfo(np.float32).max):
        raise ValueError(f"{name}: expected numbers that float32 holds, got {largest:g}; put nn.Standardize() first")
    if not scaled and largest > FAR_OUTSIDE:
        advice = "scale those that are no codes" if codes else "put nn.Standardize() or nn.MinMaxScale() first"
        warnings.warn(
            f"{name} has values as large as {largest:g} and the network does not begin with a scaler: training works "
            f"best on inputs around [-1, 1]; {advice}",
            UserWarning,
            stacklevel=5,
        )


def first_bad_row(x: Array, rows: Array) -> int | None:
    """The first of these rows that holds a number that is not finite."""
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[start : start + ROWS_AT_ONCE]
        bad = ~np.isfinite(np.asarray(x[some], np.float64)).all(axis=1)
        if bad.any():
            return int(some[int(bad.argmax())])
    return None


def row_weights(sample_weight: Any, class_weight: Any, y: Any, rows: int, classes: Array | None = None) -> Array | None:
    """A weight for each row, float32, or None if all weigh the same.

    Raises ValueError for weights that are negative, not finite or all zero, and for unknown classes.
    """
    if sample_weight is None and class_weight is None:
        return None
    weights = np.ones(rows)
    if sample_weight is not None:
        given = as_array("sample_weight", sample_weight)
        if given.dtype.kind not in "fiub":
            raise TypeError(f"sample_weight: expected real numbers, got dtype {given.dtype}")
        if given.shape != (rows,):
            raise ValueError(f"sample_weight: expected shape ({rows},), a weight for each row, got {given.shape}")
        weights *= given
    if class_weight is not None:
        weights *= by_class(class_weight, np.asarray(y), classes)
    with np.errstate(over="ignore"):
        weights = weights.astype(np.float32)
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError("sample_weight: expected finite numbers >= 0")
    weights[weights < np.finfo(np.float32).tiny] = 0.0  # the kernels take subnormals for zero, too
    if not (weights > 0).any():
        raise ValueError("sample_weight: expected at least one weight above 0, all are zero")
    return weights


def by_class(class_weight: Any, y: Array, classes: Array | None) -> Array:
    """The weight of each label's class; classes that are not listed weigh 1. "balanced": n / (classes * its rows)."""
    balanced = isinstance(class_weight, str) and class_weight == "balanced"
    if not balanced and not isinstance(class_weight, dict):
        raise TypeError(
            f'class_weight: expected a dict of class to weight or "balanced", got {class_weight!r} '
            f"({type(class_weight).__name__})"
        )
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise ValueError(f"class_weight: expected labels of shape (n,), got y of shape {y.shape}")
    labels, place, counts = np.unique(y, return_inverse=True, return_counts=True)
    if balanced:
        weights: Array = (len(y) / (len(labels) * counts))[place]
        return weights
    known = [*labels.tolist(), *([] if classes is None else classes.tolist())]
    unknown = set(class_weight) - set(known)
    if unknown:
        raise ValueError(f"class_weight: unknown classes {sorted(unknown, key=str)}, y has {labels.tolist()}")
    for label, weight in class_weight.items():
        check_number(f"class_weight[{label!r}]", weight, 0.0, float("inf"))
    return np.array([float(class_weight.get(label, 1.0)) for label in labels.tolist()])[place]


def split(rows: int, fraction: float, seed: int) -> tuple[Array, Array]:
    """Row numbers of the training and of the validation part, each in ascending order, drawn by the seed."""
    held = round(rows * fraction)
    if not 0 < held < rows:
        raise ValueError(f"validation_split: {fraction} of {rows} rows leaves one part empty")
    order = permutation(rows, seed, 0, SPLIT_STREAM)
    return np.sort(order[held:]), np.sort(order[:held])
