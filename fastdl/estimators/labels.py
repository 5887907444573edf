"""Labels of a classifier: the classes there are, and what outputs stand for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets, type_of_target

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
        kind = type_of_target(y, input_name="y")
        if kind not in ("binary", "multiclass", "multilabel-indicator"):
            check_classification_targets(y)
            raise ValueError(f"y: expected a class for each row, or 0 and 1 for each of several labels, got {kind}")
        self.several, self.two = kind == "multilabel-indicator", kind == "binary"
        self.classes: Array = np.arange(y.shape[1]) if self.several else np.unique(y)
        self.sparse: Any = type(y) if hasattr(y, "tocsr") else None  # answers are of the kind that the labels were

    def check(self, y: Any, all_again: bool) -> None:
        """Refuse classes that are not known; with `all_again` also if one is missing."""
        if self.several:
            if type_of_target(y) != "multilabel-indicator" or y.shape[1] != len(self.classes):
                raise ValueError(f"y: expected 0 and 1 for each of {len(self.classes)} labels, as before")
            return
        if y.ndim != 1:
            raise ValueError(f"y: expected a class for each row, as before, got shape {y.shape}")
        present = np.unique(y)
        if all_again and set(present) != set(self.classes):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {self.classes}, `y` has {present}"
            )
        if not np.isin(present, self.classes).all():
            raise ValueError(f"y: expected classes among {self.classes}, got {present}")

    def places(self, y: Any) -> Array:
        """Which class each label is, (n,), or 0 and 1, (n, labels)."""
        if self.several:
            return ((y.toarray() if hasattr(y, "tocsr") else y) != 0).astype(np.int64)
        return np.searchsorted(self.classes, y)

    def likely(self, raw: Array) -> Array:
        """The same of raw outputs: the largest one, or for a single one and for several labels those above 0."""
        if raw.shape[1] > 1 and not self.several:
            return raw.argmax(axis=1)
        on = (raw > 0).astype(np.int64)
        return on if self.several else on[:, 0]

    def answers(self, raw: Array) -> Array:
        """Labels of raw outputs."""
        if self.several:
            found: Array = self.likely(raw) if self.sparse is None else self.sparse(self.likely(raw))
            return found
        if len(self.classes) == 1:
            return np.repeat(self.classes, len(raw))
        return self.classes[self.likely(raw)]
