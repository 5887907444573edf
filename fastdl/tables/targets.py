"""What a model on a table predicts, as the network learns it and as people mean it."""

from __future__ import annotations

import decimal
import numbers
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.errors import as_array
from fastdl.tables.objects import is_missing
from fastdl.tables.scores import unit_of

if TYPE_CHECKING:
    from fastdl.program import Array


class Classes:
    """Labels, as the numbers of their classes."""

    loss = "cross_entropy"

    def __init__(self, classes: Array) -> None:
        self.classes = classes

    @staticmethod
    def of(y: Any) -> Classes:
        """Those of training labels; a single one is refused."""
        labels = labels_of(y)
        classes = np.unique(labels)
        if len(classes) < 2:
            raise ValueError(f"y: the target has one class only, {classes.tolist()[0]!r}; there is nothing to learn")
        return Classes(classes)

    @property
    def outputs(self) -> int:
        """Of the network."""
        return len(self.classes)

    def encode(self, y: Any) -> Array:
        """Numbers of classes, int64; a label that is not known is refused."""
        labels = labels_of(y)
        if self.classes.dtype.kind == "U":
            labels = labels.astype(str)
        elif labels.dtype.kind == "U":
            raise ValueError(f"y: expected labels seen in training, such as {self.classes[:1].tolist()[0]!r}, got text")
        codes = np.searchsorted(self.classes, labels).clip(0, len(self.classes) - 1)
        strange = np.flatnonzero(self.classes[codes] != labels)
        if strange.size:
            raise ValueError(
                f"y: expected labels seen in training, such as {self.classes[:1].tolist()[0]!r}, got "
                f"{labels[strange[0] : strange[0] + 1].tolist()[0]!r} in row {strange[0]}"
            )
        return codes

    def config(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {"classes": self.classes.tolist(), "dtype": self.classes.dtype.str}


class Quantity:
    """Numbers, centred and scaled for the network, and bounded by those of the training."""

    loss = "mse"

    def __init__(self, mean: Array, std: Array, low: Array, high: Array, flat: bool) -> None:
        self.mean, self.std, self.low, self.high, self.flat = mean, std, low, high, flat

    @staticmethod
    def of(y: Any) -> Quantity:
        """That of training targets, shape (n,) or (n, outputs)."""
        values = numbers_of(y)
        flat = values.ndim == 1
        values = np.sort(values.reshape(len(values), -1), axis=0)  # so that their order does not change a rounding
        with np.errstate(over="ignore", invalid="ignore"):
            mean, unit = values.mean(axis=0), min(unit_of(*np.ptp(values, axis=0).tolist()), 1.0)
            std = (values / unit).std(axis=0) * unit
        if not (np.isfinite(mean) & np.isfinite(std)).all():
            raise ValueError("y: the target is too large to square")
        return Quantity(mean, np.where(std > 0.0, std, 1.0), values.min(axis=0), values.max(axis=0), flat)

    @property
    def outputs(self) -> int:
        """Of the network."""
        return len(self.mean)

    def encode(self, y: Any) -> Array:
        """As the network learns it, float64 (n, outputs)."""
        values = numbers_of(y)
        if self.flat and values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        if (values.ndim == 1) != self.flat or values.reshape(len(values), -1).shape[1] != self.outputs:
            raise ValueError(f"y: expected {self.outputs} targets of each row, got shape {values.shape}")
        return (values.reshape(len(values), -1) - self.mean) / self.std

    def decode(self, outputs: Array) -> Array:
        """What the network's outputs mean, within the range of the training."""
        values = np.clip(outputs.astype(np.float64) * self.std + self.mean, self.low, self.high)
        return values[:, 0] if self.flat else values

    def config(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            **{name: getattr(self, name).tolist() for name in ("mean", "std", "low", "high")},
            "flat": self.flat,
        }


def plain(y: Any) -> Array:
    """Targets of any container as an array of a type of NumPy's own; of objects where one is missing.

    Raises
    ------
    ValueError, TypeError
        For a missing target, or labels of several kinds; the message names the row.
    """
    array = _opened(y)
    if array.dtype.kind not in ("O", "T"):
        return array
    values = array.ravel().tolist()
    missing = [row for row, value in enumerate(values) if is_missing(value)]
    if missing:
        row = missing[0] // max(1, array.size // max(1, len(array)))
        raise ValueError(f"y: the target is missing in row {row} (Input y contains NaN)")
    kinds = {type(value) for value in values}
    alike = (numbers.Real | decimal.Decimal | np.bool_, str)
    if len(kinds) > 1 and not any(all(issubclass(kind, like) for kind in kinds) for like in alike):
        raise TypeError(f"y: expected labels of one kind, got {' and '.join(sorted(kind.__name__ for kind in kinds))}")
    if kinds & {decimal.Decimal}:
        return array.astype(np.float64)
    found = np.array(values) if values else array
    return found.reshape(array.shape) if found.size == array.size else array


def _opened(y: Any) -> Array:
    if isinstance(y, np.ma.MaskedArray) and np.ma.is_masked(y):
        found = y.data.astype(object)
        found[np.ma.getmaskarray(y)] = None
        return found
    if type(y).__module__.partition(".")[0] == "pandas" and hasattr(y, "ndim"):
        dtypes = y.dtypes if y.ndim == 2 else [y.dtype]
        if not all(isinstance(dtype, np.dtype) for dtype in dtypes):
            return np.asarray(y.astype(object), object)
    if isinstance(y, list | tuple):
        array = as_array("y", y)
        mixed = array.ndim == 1 and array.dtype.kind in "US" and not all(isinstance(v, str | bytes) for v in y)
        return np.array([*y, None], object)[:-1] if mixed else array
    return as_array("y", y)


def labels_of(y: Any) -> Array:
    """A vector of labels without gaps."""
    labels = _vector(y)
    if labels.dtype.kind == "f":
        bad = np.flatnonzero(~np.isfinite(labels))
        if bad.size:
            raise ValueError(f"y: Input contains NaN or infinity, in row {bad[0]}")
    elif labels.dtype.kind not in "iubU":
        raise TypeError(f"y: expected labels, got dtype {labels.dtype}")
    return labels


def numbers_of(y: Any) -> Array:
    """Finite numbers, float64."""
    values = plain(y)
    if values.dtype.kind == "c":
        raise ValueError("y: Complex data not supported")
    if values.dtype.kind not in "fiubO":
        raise TypeError(f"y: expected numbers, got dtype {values.dtype}")
    try:
        values = values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"y: expected numbers ({error})") from error
    if values.ndim not in (1, 2) or 0 in values.shape:
        raise ValueError(f"y: expected shape (n,) or (n, outputs), got {values.shape}")
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        raise ValueError(f"y: Input contains NaN or infinity, in row {bad[0][0]}")
    return values


def _vector(y: Any) -> Array:
    array = plain(y)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(f"y: expected one label of each row, got shape {array.shape}")
    if array.dtype.kind == "c":
        raise ValueError("y: Complex data not supported")
    return array
