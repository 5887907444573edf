"""What ails a training, in words: which layer, which illness, which trick mends it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.figures import new_figure
from fastdl.part import check_inputs, check_part
from fastdl.trainer import Trainer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fastdl.signals import Signal

FAR = 1e3  # between gradients per weight of two layers: the one of them learns nothing, or the other explodes
QUIET, LOUD = 1e-3, 1e3  # std of outputs
MANY_DEAD, MANY_SATURATED = 0.5, 0.5
FAST, SLOW = 0.1, 1e-7  # update by weights in a step; 1e-3 is usual
LARGE_INPUT = 10.0


@dataclass(frozen=True)
class Finding:
    """One illness.

    Attributes
    ----------
    layer : str
        Place in the network, such as "3"; "" for the inputs.
    illness : str
        Such as "vanishing gradient".
    words : str
        What was seen, with numbers.
    trick : str
        What usually mends it.
    """

    layer: str
    illness: str
    words: str
    trick: str

    def __str__(self) -> str:
        where = f"layer {self.layer}: " if self.layer else ""
        return f"{where}{self.illness}: {self.words}. {self.trick}"


@dataclass(frozen=True)
class Diagnosis:
    """What `diagnose` found; printed, it is a report.

    Attributes
    ----------
    findings : list of Finding
        Empty for a healthy network.
    signals : list of Signal
        What was measured, a named tuple for each layer.
    """

    findings: list[Finding]
    signals: list[Signal]

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def plot(self, path: str | os.PathLike[str] | None = None) -> Figure:
        """Draw std of the outputs, norm of the gradient and update ratio, layer by layer.

        Parameters
        ----------
        path : path-like, optional
            Where to save the picture too; the suffix says the format (.png, .svg, .pdf).

        Returns
        -------
        matplotlib.figure.Figure
        """
        figure = new_figure("Diagnosis.plot", 10.5, 0.9 + 0.24 * len(self.signals))
        ill = {finding.layer for finding in self.findings}
        quantities = ("std", "grad_norm", "update_ratio")
        for axes, quantity in zip(figure.subplots(1, 3, squeeze=False)[0], quantities, strict=True):
            shown = [s for s in self.signals if getattr(s, quantity) > 0.0]
            names = [f"{s.layer} {s.kind}" for s in shown]
            values = [getattr(s, quantity) for s in shown]
            axes.barh(names, values, color=["C1" if s.layer in ill else "C0" for s in shown])
            axes.invert_yaxis()
            axes.set(
                xscale="log",
                title={"std": "std of the outputs", "grad_norm": "norm of the gradient"}.get(
                    quantity, "update / weights"
                ),
            )
            axes.grid(alpha=0.3, axis="x")
        if path is not None:
            figure.savefig(path, dpi=150)
        return figure

    def __str__(self) -> str:
        lines = [f"{'layer':<24}{'mean':>10}{'std':>10}{'dead':>7}{'satur.':>7}{'gradient':>11}{'update':>10}"]
        for s in self.signals:
            numbers = (f"{s.mean:.3g}", f"{s.std:.3g}", share(s.dead), share(s.saturated), number(s.grad_norm))
            name = f"{s.layer} {s.kind}"[:23]
            lines.append(
                f"{name:<24}{numbers[0]:>10}{numbers[1]:>10}{numbers[2]:>7}{numbers[3]:>7}{numbers[4]:>11}"
                f"{number(s.update_ratio):>10}"
            )
        lines.append("")
        lines += [str(finding) for finding in self.findings] or ["nothing ails this network"]
        return "\n".join(lines)


def share(value: float) -> str:
    """A fraction in percent, nothing for NaN."""
    return "" if np.isnan(value) else f"{value:.0%}"


def number(value: float) -> str:
    """Three digits, nothing for NaN."""
    return "" if np.isnan(value) else f"{value:.3g}"


def diagnose(trainer: Trainer, X: Any = None, y: Any = None) -> Diagnosis:
    """Look into one step of a training and say what ails it.

    Parameters
    ----------
    trainer : Trainer
        Nothing of it or its network changes.
    X, y : array_like, optional
        The batch to look at: at most 256 rows of it. Without them some rows of the last `fit` are taken; the network
        must be built then.

    Returns
    -------
    Diagnosis
        `print` it, look at its `findings`, `plot()` it.

    Raises
    ------
    ValueError
        Without data, for a trainer that has not fitted.

    Notes
    -----
    Looked for are inputs far outside [-1, 1]; outputs whose std is below 1e-3 or above 1e3; ReLUs of which half the
    units are dead; tanh and sigmoid with half of their outputs saturated; gradients whose size per weight differs by
    more than 1000 between layers (Bengio et al. 1994; Glorot & Bengio 2010), and updates larger than a tenth or
    smaller than 1e-7 of the weights in a step.

    Examples
    --------
    >>> import fastdl as fdl
    >>> X, y = fdl.datasets.load_digits()
    >>> nn = fdl.nn
    >>> tiny = [layer for _ in range(8) for layer in (nn.Dense(32, init=fdl.init.Gaussian(0.01)), nn.Tanh())]
    >>> trainer = fdl.Trainer(nn.Sequential(nn.MinMaxScale(), *tiny, nn.Dense(10)))
    >>> history = trainer.fit(X, y)
    >>> "vanishing" in fdl.diagnose(trainer).findings[0].illness
    True
    """
    if not isinstance(trainer, Trainer):
        raise TypeError(f"trainer: expected a Trainer, got {type(trainer).__name__}")
    if (X is None) != (y is None):
        raise ValueError("diagnose: expected X and y together")
    part = trainer.sample
    if X is not None:
        trainer.net.require_built("diagnose()")
        x = check_inputs(trainer.net, X, "X")
        part = check_part(trainer.net, trainer.loss, x, y, None, None, trainer.net.classes_)[0]
    if part is None:
        raise ValueError("diagnose: this trainer has not fitted yet: fit first, or give X and y")
    with trainer.net.busy("diagnose", changes=True):
        inputs, signals = trainer.look_at(part)
    return Diagnosis(findings_of(inputs, signals, scaled=trainer.net.scaler() is not None), signals)


def findings_of(inputs: float, signals: list[Signal], scaled: bool = False) -> list[Finding]:
    """All illnesses, in the order of the layers; `inputs` is the largest input behind the scaler, if there is one."""
    found = []
    if inputs > LARGE_INPUT:
        words = f"they are as large as {inputs:.3g}"
        trick = "Put nn.Standardize() first"
        if scaled:
            words += " behind the scaler, since some features are nearly always the same"
            trick = "Try nn.RobustScale() or nn.MinMaxScale() in its place"
        found.append(Finding("", "inputs out of scale", words, trick))
    found += [finding for finding in (gradients(signals),) if finding is not None]
    for s in signals:
        found += outputs(s)
        if s.dead >= MANY_DEAD:
            words = f"{s.dead:.0%} of its units are 0 in every row, and learn nothing"
            found.append(
                Finding(s.layer, "dead units", words, "Try a lower rate, nn.LeakyReLU, nn.BatchNorm before it")
            )
        if s.saturated >= MANY_SATURATED:
            words = f"{s.saturated:.0%} of its outputs are at an end, where the slope is 0"
            found.append(Finding(s.layer, "saturated", words, 'Try init="glorot", nn.BatchNorm before it, or nn.ReLU'))
        if s.update_ratio > FAST:
            words = f"a step moves its weights by {s.update_ratio:.2g} of their size"
            found.append(Finding(s.layer, "updates too large", words, "Lower the rate; fdl.lr_find suggests one"))
        elif 0.0 < s.update_ratio < SLOW:
            words = f"a step moves its weights by {s.update_ratio:.2g} of their size"
            found.append(Finding(s.layer, "updates too small", words, "Raise the rate; fdl.lr_find suggests one"))
    return found


def outputs(s: Signal) -> list[Finding]:
    """Whether a layer's outputs have lost or blown up the signal."""
    if not np.isfinite(s.std) or s.std > LOUD:
        words = f"the std of its outputs is {s.std:.2g}"
        return [Finding(s.layer, "exploding signal", words, 'Try init="auto", nn.BatchNorm, or a scaler first')]
    if s.std < QUIET:
        words = f"the std of its outputs is {s.std:.2g}"
        return [Finding(s.layer, "vanishing signal", words, 'Try init="auto", nn.BatchNorm or nn.Residual')]
    return []


def gradients(signals: list[Signal]) -> Finding | None:
    """Whether the gradient dies out or grows on its way from the last layer to the first."""
    sized = [s for s in signals if not np.isnan(s.grad_norm)]
    if len(sized) < 2:
        return None
    last = sized[-1]
    worst = min(sized, key=lambda s: s.grad_norm)
    best = max(sized, key=lambda s: s.grad_norm)
    if not worst.grad_norm * FAR < best.grad_norm:
        return None
    # A gradient of 1e5 has not vanished beside one of 1e9: then both have grown.
    if worst.grad_norm < 1.0 and (sized.index(worst) < sized.index(best) or best is last):
        words = f"its gradient is {worst.grad_norm:.2g}, that of layer {best.layer} {best.grad_norm:.2g}"
        return Finding(worst.layer, "vanishing gradient", words, 'Try nn.BatchNorm, init="auto" or nn.Residual')
    words = f"its gradient is {best.grad_norm:.2g}, that of layer {worst.layer} {worst.grad_norm:.2g}"
    trick = 'Try clip=optim.ClipNorm(1.0), init="auto" or nn.BatchNorm'
    return Finding(best.layer, "exploding gradient", words, trick)
