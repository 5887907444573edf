"""Labels of a classifier: the classes there are, and what outputs stand for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import unique_labels

if TYPE_CHECKING:
    from fastdl.program import Array


class Labels:
    """Labels to places in `classes` and back.

    Parameters
    ----------
    y : array_like or sparse matrix, shape (n,) or (n, labels)
        All classes are among these; with several labels a row, it holds 0 and 1.

    Attributes
    ----------
    classes : ndarray
        Sorted.
    several : bool
        Whether a row has several labels.
    """

    def __init__(self, y: Any) -> None:
        self.binarizer = LabelBinarizer().fit(y)
        self.classes: Array = self.binarizer.classes_
        kind = self.binarizer.y_type_
        self.several, self.two = kind.startswith("multilabel"), kind == "binary"

    def check(self, y: Any, all_again: bool) -> None:
        """Refuse classes that are not known; with `all_again` also if one is missing."""
        present = unique_labels(y)
        if all_again and set(present) != set(self.classes):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {self.classes}, `y` has {present}"
            )
        if set(present) - set(self.classes):
            raise ValueError(f"y: expected classes among {self.classes}, got {present}")

    def places(self, y: Any) -> Array:
        """Which class each label is, (n,), or 0 and 1, (n, labels)."""
        found: Array = self.binarizer.transform(y) if self.several else np.searchsorted(self.classes, y)
        return found

    def likely(self, raw: Array) -> Array:
        """The same of raw outputs: the largest one, or for a single one and for several labels those above 0."""
        if raw.shape[1] > 1 and not self.several:
            return raw.argmax(axis=1)
        on = (raw > 0).astype(np.int64)
        return on if self.several else on[:, 0]

    def answers(self, raw: Array) -> Array:
        """Labels of raw outputs."""
        if self.several:
            found: Array = self.binarizer.inverse_transform(self.likely(raw).astype(np.float64))
            return found
        if len(self.classes) == 1:
            return np.repeat(self.classes, len(raw))
        return self.classes[self.likely(raw)]
