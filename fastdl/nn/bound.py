"""A network bound to its memory, for whoever asks for one row at a time and can't wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastdl.kernels._inference import output
from fastdl.nn.predictor import Inference
from fastdl.quantiles import START, sort_quantiles

if TYPE_CHECKING:
    from fastdl.nn.network import Network
    from fastdl.program import Array


class Predictor:
    """Predicts up to so many rows a call; what `net.predictor(rows)` returns.

    The outputs have the bits of `net.predict`. Weights are read where the network has them, so that a call sees
    whatever training, `load_state_dict` or you have made of them. The predictor keeps that memory alive; a network that
    is built anew has other memory, and the predictor then refuses to work. Each thread needs a predictor of its own.

    Attributes
    ----------
    network : Network
    rows : int
        The most rows of a call.
    """

    def __init__(self, network: Network, rows: int) -> None:
        self.network = network
        self.rows = rows
        self._arena = network.arena
        self._inference = Inference(network, rows)
        self._few = self._inference.few

    def __call__(self, X: Any, out: Array | None = None) -> Array:
        """Raw outputs in inference mode.

        Parameters
        ----------
        X : array_like, shape (n, features)
            At most `rows` rows.
        out : ndarray, shape (n, outputs), float32, optional
            Where the result goes. C-contiguous, sharing no memory with X.

        Returns
        -------
        ndarray, shape (n, outputs), float32

        Raises
        ------
        ValueError
            If X has another number of features or too many rows, or `out` does not fit.
        RuntimeError
            If the network has been built anew, or another thread trains it or is in the middle of a call.
        """
        network = self.network
        if network.arena is not self._arena or network.held_by is not None:
            self._check()
        result = self._few(X, out)
        if result is None:
            result = self._general(X, out)
        head = network.head
        if head is not None and head.startswith(START):
            sort_quantiles(result, head)
        return result

    def _check(self) -> None:
        """Refuse to predict with memory that is no longer the network's, or is being written."""
        if self.network.arena is not self._arena:
            raise RuntimeError(
                f"predictor: {self.network.title()} has been built anew since then; ask it for another predictor"
            )
        self.network.refuse_others("predictor")

    def _general(self, X: Any, out: Array | None) -> Array:
        """The same for whatever array, with the reasons why it may not do."""
        x = self.network.readable_rows(X)
        if x.shape[0] > self.rows:
            raise ValueError(f"X: expected at most {self.rows} rows, which this predictor is for, got {x.shape[0]}")
        return self._inference(x, output(x, self._inference.outputs, out))
