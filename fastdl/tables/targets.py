"""What a model on a table predicts, as the network learns it and as people mean it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.errors import as_array
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
        if labels.dtype.kind != self.classes.dtype.kind and "U" in (labels.dtype.kind, self.classes.dtype.kind):
            labels = labels.astype(str)
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
        return {"classes": self.classes.tolist()}


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


def labels_of(y: Any) -> Array:
    """A vector of labels without gaps."""
    labels = _vector(y)
    if labels.dtype.kind == "O":
        missing = [row for row, label in enumerate(labels.tolist()) if label is None or label != label]
        if missing:
            raise ValueError(f"y: the target is missing in row {missing[0]}")
        kinds = {type(label) for label in labels.tolist()}
        if kinds <= {str}:
            labels = labels.astype(str)
        elif kinds <= {bool, np.bool_}:
            labels = labels.astype(bool)
        elif all(issubclass(kind, int | float | np.integer | np.floating) for kind in kinds):
            labels = labels.astype(np.float64)
        else:
            raise TypeError(f"y: expected labels of one kind, got {' and '.join(sorted(k.__name__ for k in kinds))}")
    if labels.dtype.kind == "f":
        bad = np.flatnonzero(~np.isfinite(labels))
        if bad.size:
            raise ValueError(f"y: Input contains NaN or infinity, in row {bad[0]}")
    elif labels.dtype.kind not in "iubU":
        raise TypeError(f"y: expected labels, got dtype {labels.dtype}")
    return labels


def numbers_of(y: Any) -> Array:
    """Finite numbers, float64."""
    values = as_array("y", y)
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
    array = as_array("y", y)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(f"y: expected one label of each row, got shape {array.shape}")
    if array.dtype.kind == "c":
        raise ValueError("y: Complex data not supported")
    return array
