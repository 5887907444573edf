"""Several trained networks that answer as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from fastdl.nn.network import Network
    from fastdl.program import Array


class Committee:
    """The mean of what its members predict: of probabilities where they predict classes, else of outputs.

    Attributes
    ----------
    members : list of Network
        All of one kind, trained with one loss.
    """

    members: Sequence[Network] = ()

    def _first(self) -> Network:
        if not self.members:
            raise ValueError(f"{type(self).__name__} has no members yet: fit first")
        return self.members[0]

    def _mean(self, outputs: Sequence[Array]) -> Array:
        """In float64 and in the members' order."""
        return np.mean(np.array(outputs, np.float64), axis=0)

    def predict(self, X: Any) -> Array:
        """Raw outputs, such that a softmax or sigmoid of them gives `predict_proba`.

        Parameters
        ----------
        X : array_like, shape (n, features)

        Returns
        -------
        ndarray, shape (n, outputs), float32
            The mean of the members' outputs; the logarithm, or log-odds, of the mean probabilities after a softmax or
            sigmoid.
        """
        head = self._first().head
        if head not in ("softmax", "sigmoid"):
            return self._mean([member.predict(X) for member in self.members]).astype(np.float32)
        p = self._mean([member.predict_proba(X) for member in self.members])
        tiny = float(np.finfo(np.float32).tiny)
        if head == "softmax":
            return np.log(np.maximum(p, tiny)).astype(np.float32)
        q = self._mean([1.0 - member.predict_proba(X).astype(np.float64) for member in self.members])
        return (np.log(np.maximum(p, tiny)) - np.log(np.maximum(q, tiny))).astype(np.float32)

    def predict_proba(self, X: Any) -> Array:
        """Mean of the members' class probabilities, as `Network.predict_proba` gives them.

        Parameters
        ----------
        X : array_like, shape (n, features)

        Returns
        -------
        ndarray, shape (n, outputs), float32

        Raises
        ------
        ValueError
            If the members' loss gave them no softmax or sigmoid.
        """
        self._first()
        return self._mean([member.predict_proba(X) for member in self.members]).astype(np.float32)

    def predict_classes(self, X: Any) -> Array:
        """The most likely class of each row by the mean probabilities, as `Network.predict_classes` gives them.

        Parameters
        ----------
        X : array_like, shape (n, features)

        Returns
        -------
        ndarray, shape (n,), or (n, outputs) of several sigmoids
        """
        first, p = self._first(), self.predict_proba(X)
        if first.head == "sigmoid":
            best = (p > 0.5).astype(np.int64)
            if best.shape[1] > 1:
                return best
            best = best[:, 0]
        else:
            best = p.argmax(axis=1)
        return best if first.classes_ is None else first.classes_[best]
