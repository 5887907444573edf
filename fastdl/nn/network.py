"""What a whole network can do once it has weights: predict, and say what it is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.data import as_rows
from fastdl.errors import check_int, check_seed
from fastdl.kernels import softmax
from fastdl.nn.bound import Predictor
from fastdl.nn.container import first_scaler
from fastdl.nn.layer import Layer
from fastdl.nn.predictor import Inference, training_outputs
from fastdl.nn.scale import Scaler
from fastdl.nn.summary import summary_of
from fastdl.nn.weights import Weights
from fastdl.quantiles import START, sort_quantiles

if TYPE_CHECKING:
    from fastdl.program import Array

IN_USE = "this network is being trained by another thread; give each thread its own copy"


class Network(Weights):
    """A layer that can stand alone: it owns its memory, is trained as a whole, and predicts.

    Attributes
    ----------
    head : str or None
        What turns raw outputs into predictions; the loss says so.
    classes_ : ndarray or None
        The label that each output stands for.
    training_rows : int or None
        Rows of the last training set.
    """

    head: str | None = None
    classes_: Array | None = None
    training_rows: int | None = None
    regularised: bool = False  # by its last training: decay, a penalty, averages or mixup

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self._lock = threading.RLock()
        self.held_by: int | None = None  # a thread that trains it, or does what excludes that
        self._inferences: list[Inference] = []  # those not in use

    @contextmanager
    def busy(self, what: str, changes: bool = False) -> Iterator[None]:
        """Hold the network, or refuse because another thread does.

        A callback may use the network in the middle of a fit, but nothing that changes it may begin there.
        """
        if changes and self.held_by == threading.get_ident():
            raise RuntimeError(f"{what}: this network is in the middle of a fit; no callback can do that")
        if not self._lock.acquire(blocking=False):
            raise RuntimeError(f"{what}: {IN_USE}")
        before, self.held_by = self.held_by, threading.get_ident()
        try:
            yield
        finally:
            self.held_by = before
            self._lock.release()

    def first_layer(self) -> Layer:
        """The innermost layer that reads the network's inputs first."""
        layer: Layer = self
        while True:
            first = next(iter(layer.children()), None)
            if first is None:
                return layer
            layer = first[1]

    def scaler(self) -> Scaler | None:
        """The scaler that is the first layer, if there is one."""
        return first_scaler(self)

    def predict(self, X: Any) -> Array:
        """Raw outputs in inference mode.

        Parameters
        ----------
        X : array_like, shape (n, features)

        Returns
        -------
        ndarray, shape (n, outputs), float32
            A row's bits don't depend on the other rows.

        Raises
        ------
        ValueError
            If the network is not built or X has another number of features.
        """
        self.require_built("predict()")
        if self.held_by is not None:
            self.refuse_others("predict")
        free = self._inferences
        inference = free.pop() if free else Inference(self)
        try:
            result = inference.few(X)
            if result is None:
                result = inference(self.readable_rows(X))
            if self.head is not None and self.head.startswith(START):
                sort_quantiles(result, self.head)
            return result
        finally:
            free.append(inference)

    def predictor(self, rows: int = 1) -> Predictor:
        """A function that predicts a few rows at a time, bound to this network's memory, for many small calls.

        Parameters
        ----------
        rows : int
            The most rows of a call.

        Returns
        -------
        Predictor
            Called with an array (n, features), it returns the raw outputs (n, outputs), or writes them to `out=`. It
            sees every later change of the weights, and refuses to go on once the network has been built anew.

        Raises
        ------
        ValueError
            If the network is not built.
        """
        self.require_built("predictor()")
        return Predictor(self, check_int("rows", rows, 1))

    def readable_rows(self, X: Any) -> Array:
        """X as rows that the gather can read, if the network can do something with them."""
        x = as_rows(X, self.widths[0], self.expects)
        self.first_layer().check(x)
        return x

    def refuse_others(self, what: str) -> None:
        """Refuse to do something while another thread trains this network."""
        if self.held_by not in (None, threading.get_ident()):
            raise RuntimeError(f"{what}: {IN_USE}")

    def __call__(self, X: Any, training: bool = False, seed: int = 0, step: int = 0) -> Array:
        """Raw outputs of one batch, eagerly.

        Parameters
        ----------
        X : array_like, shape (n, features)
        training : bool
            As a training step sees the batch: norms use its statistics, dropout the masks of (seed, step). Nothing is
            updated. Without it this is `predict`.
        seed, step : int

        Returns
        -------
        ndarray, shape (n, outputs), float32
        """
        if not training:
            return self.predict(X)
        self.require_built("a call")
        x = self.readable_rows(X)
        with self.busy("a call"):
            return training_outputs(self, x, check_seed(seed), check_int("step", step, 0))

    @property
    def expects(self) -> str:
        """How a message about a wrong number of features begins: with the first layer that has a say in it."""
        for _, layer in self.walk():
            if layer.parameters_:
                return f"{layer.title()} expects"
        return f"{self.title()} expects"

    def predict_proba(self, X: Any) -> Array:
        """Class probabilities: the softmax or sigmoid of the raw outputs, by the loss the network was trained with.

        Of a softmax, a row's sum is 1. Of a sigmoid, column j is the probability that output j is on: one output gives
        one column, the probability of `classes_[1]`.

        Parameters
        ----------
        X : array_like, shape (n, features)

        Returns
        -------
        ndarray, shape (n, outputs), float32

        Raises
        ------
        ValueError
            If the network's loss gave it no such head.
        """
        outputs = self.predict(X)
        if self.head not in ("softmax", "sigmoid"):
            raise ValueError(
                f"predict_proba: expected a network trained with a classification loss such as 'cross_entropy', "
                f"this one's head is {self.head!r}"
            )
        return probabilities(outputs, self.head)

    def predict_classes(self, X: Any) -> Array:
        """The most likely class of each row, as in the training labels; of several sigmoids, which of them are on.

        Parameters
        ----------
        X : array_like, shape (n, features)

        Returns
        -------
        ndarray, shape (n,), or (n, outputs)
            Elements of `classes_`; of one sigmoid the second one where its probability is above 1/2. Of several
            sigmoids 1 where it is above 1/2, else 0, int64.
        """
        if self.head == "sigmoid":
            best = (self.predict(X) > 0).astype(np.int64)  # the raw outputs: a sigmoid near 1/2 may round to it
            if best.shape[1] > 1:
                return best
            best = best[:, 0]
        else:
            best = self.predict_proba(X).argmax(axis=1)
        return best if self.classes_ is None else self.classes_[best]

    def summary(self) -> str:
        """A table of the layers, their output shapes and parameters."""
        return summary_of(self)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the network to a safetensors file, which appears whole or not at all.

        Parameters
        ----------
        path : path-like
            Such as "model.safetensors"; `fastdl.nn.load` reads it.
        """
        from fastdl.nn.saving import save

        save(self, path)

    def to_numpy_code(self, path: str | PathLike[str]) -> None:
        """Write the network as one file of Python that needs NumPy alone.

        Its functions are `predict(X)` and, for a classifier, `predict_proba(X)` and `predict_classes(X)`.

        Parameters
        ----------
        path : path-like
            Such as "model.py". The weights are inside.

        Raises
        ------
        ValueError
            If the network is not built.
        TypeError
            If a layer is a user's own.
        """
        # By name: what writes networks down stands above what they are.
        import_module("fastdl.export").to_numpy_code(self, path)

    def to_onnx(self, path: str | PathLike[str], dtype: str = "float32") -> None:
        """Write the network as ONNX (opset 17), for onnxruntime and others.

        The input "X" is (rows, features), the output "output" what `predict` gives; a classifier also has
        "probabilities". `classes_` are in the model's metadata as JSON. Scalers compute in float64 there, too.

        Parameters
        ----------
        path : path-like
            Such as "model.onnx".
        dtype : {"float32", "float64"}
            Of X.

        Raises
        ------
        ImportError
            Without the package onnx.
        ValueError
            If the network is not built.
        TypeError
            If a layer is a user's own.
        """
        import_module("fastdl.export").to_onnx(self, path, dtype)

    def forget(self) -> None:
        """Become unbuilt."""
        super().forget()
        self._inferences = []

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in super().__getstate__().items() if k not in ("_lock", "held_by", "_inferences")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._lock = threading.RLock()
        self.held_by = None
        self._inferences = []


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), as the softmax of 0 and x; small values keep their digits."""
    pairs = np.zeros((x.size, 2), np.float32)
    pairs[:, 1] = x.ravel()
    return np.ascontiguousarray(softmax(pairs)[:, 1]).reshape(x.shape)


def probabilities(outputs: Array, head: str) -> Array:
    """Raw outputs as probabilities, if their head makes them such; else as they are."""
    if head == "softmax":
        return softmax(outputs)
    return sigmoid(outputs) if head == "sigmoid" else outputs
