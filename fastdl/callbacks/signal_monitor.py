"""A record of each layer's signals over a training."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.callbacks.probe import Probe
from fastdl.figures import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fastdl.signals import Signal
    from fastdl.trainer import Trainer

PANELS = {
    "std": "std of the outputs",
    "grad_norm": "norm of the gradient",
    "update_ratio": "update / weights",
    "dead": "dead units",
    "saturated": "saturated outputs",
}


class SignalMonitor(Probe):
    """Watch every layer: mean and std of its outputs, dead and saturated units, gradient norm, update ratio.

    Parameters
    ----------
    every : int, default=64
        One step in so many is looked into; the first one is.

    Attributes
    ----------
    records : list of Signal
        Named tuples, one for each layer and probed step; see `fastdl.signals.Signal`.

    Examples
    --------
    >>> import fastdl as fdl
    >>> X, y = fdl.datasets.load_digits()
    >>> net = fdl.nn.Sequential(fdl.nn.MinMaxScale(), fdl.nn.Dense(32), fdl.nn.ReLU(), fdl.nn.Dense(10))
    >>> monitor = fdl.callbacks.SignalMonitor(every=20)
    >>> history = fdl.Trainer(net).fit(X, y, epochs=1, callbacks=monitor)
    >>> sorted({record.step for record in monitor.records})
    [0, 20, 40]
    """

    def __init__(self, every: int = 64) -> None:
        super().__init__(every)
        self.records: list[Signal] = []

    def on_probe(self, trainer: Trainer, step: int, signals: list[Signal]) -> None:
        """Keep the signals."""
        self.records += signals

    def values(self, quantity: str) -> dict[str, Any]:
        """One quantity over the training, by layer.

        Parameters
        ----------
        quantity : str
            A field of `Signal`, such as "std" or "update_ratio".

        Returns
        -------
        dict of str to ndarray
            For each layer, as "3 Dense", pairs (step, value), shape (n, 2). Layers that lack the quantity are left out.
        """
        if quantity not in PANELS and quantity not in ("mean", "weight_norm"):
            raise ValueError(
                f"quantity: expected one of {', '.join((*PANELS, 'mean', 'weight_norm'))}, got {quantity!r}"
            )
        found: dict[str, list[tuple[float, float]]] = {}
        for record in self.records:
            value = getattr(record, quantity)
            if not np.isnan(value):
                found.setdefault(f"{record.layer} {record.kind}", []).append((record.step, value))
        return {layer: np.array(pairs) for layer, pairs in found.items()}

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write the records to a CSV file, a line for each layer and probed step."""
        import csv

        with open(path, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(self.records[0]._fields if self.records else ())
            writer.writerows(self.records)

    def plot(self, path: str | os.PathLike[str] | None = None) -> Figure:
        """Draw each quantity over the steps, a line for each layer, the first in the darkest colour.

        Parameters
        ----------
        path : path-like, optional
            Where to save the picture too; the suffix says the format (.png, .svg, .pdf).

        Returns
        -------
        matplotlib.figure.Figure
        """
        if not self.records:
            raise ValueError("there is nothing to plot: no step has been looked into yet")
        panels = {quantity: self.values(quantity) for quantity in PANELS}
        shown = {quantity: layers for quantity, layers in panels.items() if layers}
        figure = new_figure("SignalMonitor.plot", 4.2 * len(shown), 3.4)
        for axes, (quantity, layers) in zip(
            figure.subplots(1, len(shown), squeeze=False)[0], shown.items(), strict=True
        ):
            for i, (layer, pairs) in enumerate(layers.items()):
                shade = 0.15 + 0.7 * i / max(1, len(layers) - 1)
                axes.plot(
                    *pairs.T, color=(shade, 0.35, 1.0 - shade), marker="." if len(pairs) < 3 else None, label=layer
                )
            if quantity in ("std", "grad_norm", "update_ratio") and all((p[:, 1] > 0).all() for p in layers.values()):
                axes.set_yscale("log")
            axes.set(xlabel="step", title=PANELS[quantity])
            axes.grid(alpha=0.3)
            if len(layers) <= 8:
                axes.legend(frameon=False, fontsize="x-small")
        if path is not None:
            figure.savefig(path, dpi=150)
        return figure
