"""Gradients against finite differences: for layers and losses of one's own, and for whole networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.errors import as_array, check_int, check_number, check_seed
from fastdl.kernels import permutation, random_normal
from fastdl.losses import Loss
from fastdl.nn import Sequential
from fastdl.nn.layer import Layer
from fastdl.nn.network import Network
from fastdl.part import check_inputs, check_part
from fastdl.program import TeamSize, run
from fastdl.trainer import Trainer

if TYPE_CHECKING:
    from fastdl.program import Array

# An element passes with the width of the difference that suits it best: wide ones suffer from curvature and from the
# kinks of ReLUs, narrow ones from rounding.
WIDTHS = (2.0**-5, 2.0**-8, 2.0**-11)
FLOOR = 0.01  # arrays whose gradients are smaller than that of the largest are not looked at more closely
STREAM = 1 << 27


@dataclass(frozen=True)
class Element:
    """One derivative, twice.

    Attributes
    ----------
    name : str
        Of the array: "x" for a layer's inputs, a parameter's name, "y_pred" for a loss.
    index : tuple of int
    analytic, numeric : float
        What the gradient says, and the difference quotient.
    error : float
        Their difference by what is allowed: above 1 is wrong.
    """

    name: str
    index: tuple[int, ...]
    analytic: float
    numeric: float
    error: float

    def __str__(self) -> str:
        return f"{self.name}{list(self.index)}: the gradient says {self.analytic:.6g}, differences {self.numeric:.6g}"


@dataclass(frozen=True)
class GradientCheck:
    """What `gradcheck` compared; true if all agree.

    Attributes
    ----------
    elements : list of Element
        All that were compared, the worst first.
    """

    elements: list[Element]

    @property
    def worst(self) -> Element:
        """The largest error."""
        return self.elements[0]

    def __bool__(self) -> bool:
        return not self.elements or self.worst.error <= 1.0

    def __str__(self) -> str:
        wrong = [element for element in self.elements if element.error > 1.0]
        verdict = f"{len(wrong)} of {len(self.elements)} derivatives are wrong"
        return "\n".join([verdict, *map(str, wrong[:10])]) if wrong else f"{len(self.elements)} derivatives agree"


def gradcheck(
    target: Any,
    X: Any,
    y: Any = None,
    *,
    loss: Any = "mse",
    seed: int = 0,
    elements: int = 50,
    rtol: float = 0.02,
    atol: float = 1e-3,
    raise_exception: bool = True,
) -> GradientCheck:
    """Compare a gradient with finite differences.

    Parameters
    ----------
    target : Layer, callable or Network
        A layer of your own in NumPy: of its inputs and parameters, for a random projection of its outputs. A loss
        `f(y_true, y_pred) -> (loss per row, d loss/d y_pred)`: of the outputs. A network, with whatever layers and
        losses: of its parameters.
    X : array_like, shape (n, features)
        Inputs of a layer or network. For a loss, y_true.
    y : array_like
        For a network its targets, for a loss y_pred, shape (n, outputs).
    loss : str, Loss or callable
        Of a network.
    seed : int
        Of the weights if there are none yet, of masks and of which elements are compared.
    elements : int
        How many of each array, at most.
    rtol, atol : float
        Allowed is rtol |derivative| + atol times the largest derivative of its array, or a hundredth of the largest of
        all. Sums are in float32, so don't ask for much more.
    raise_exception : bool
        Whether a difference is an error.

    Returns
    -------
    GradientCheck

    Raises
    ------
    ValueError
        If some derivative is wrong; it names the worst.

    Notes
    -----
    Fourth-order differences, (8 f(h) - 8 f(-h) - f(2h) + f(-2h)) / 12 h, and those to the left and to the right, where
    a ReLU has its kink nearby; with three values of h. The best counts. The weights are as they were afterwards.

    Examples
    --------
    >>> import numpy as np, fastdl as fdl
    >>> def absolute(y_true, y_pred):
    ...     return np.abs(y_pred - y_true).sum(axis=1), np.sign(y_pred - y_true)
    >>> print(fdl.gradcheck(absolute, np.zeros((3, 2)), np.ones((3, 2))))
    6 derivatives agree
    """
    seed, elements = check_seed(seed), check_int("elements", elements, 1)
    rtol, atol = check_number("rtol", rtol, 0.0, 1.0), check_number("atol", atol, 0.0, 1.0)
    if isinstance(target, Network):
        pairs = of_network(target, X, y, loss, seed)
    elif isinstance(target, Layer):
        pairs = of_layer(target, X, seed)
    elif callable(target) and not isinstance(target, type | Loss):
        pairs = of_loss(target, X, y)
    else:
        raise TypeError(f"target: expected a layer, a network or a loss in NumPy, got {type(target).__name__}")
    found = []
    sizes = [float(np.abs(gradient).max(initial=0.0)) for _, _, gradient, _ in pairs]
    for number, (name, values, gradient, value) in enumerate(pairs):
        largest = max(sizes[number], FLOOR * max(sizes))
        for place in permutation(values.size, seed, number, STREAM)[:elements]:
            index = tuple(int(i) for i in np.unravel_index(place, values.shape))
            analytic = float(gradient[index])
            numeric, error = closest(values, index, value, analytic, rtol, atol * largest)
            found.append(Element(name, index, analytic, numeric, error))
    result = GradientCheck(sorted(found, key=lambda element: -element.error))
    if raise_exception and not result:
        raise ValueError(f"gradcheck: {result}")
    return result


def closest(
    values: Array, index: tuple[int, ...], value: Callable[[], float], analytic: float, rtol: float, atol: float
) -> tuple[float, float]:
    """The difference quotient that is closest to the gradient, and its error by what is allowed."""
    best = (np.nan, np.inf)
    kept = values[index]
    middle = value()
    try:
        for width in WIDTHS:
            f = []
            for shift in (width, -width, 2 * width, -2 * width):
                values[index] = kept + shift
                f.append(value())
            numeric = (8.0 * (f[0] - f[1]) - (f[2] - f[3])) / (12.0 * width)
            for quotient in (numeric, (f[0] - middle) / width, (middle - f[1]) / width):
                allowed = rtol * max(abs(quotient), abs(analytic)) + atol
                difference = abs(quotient - analytic)
                error = difference / allowed if allowed > 0.0 else 0.0 if difference == 0.0 else np.inf
                if error < best[1]:
                    best = (quotient, error)
    finally:
        values[index] = kept
    return best


Pair = tuple[str, Any, Any, Callable[[], float]]  # name, live values, gradient, objective


def of_layer(layer: Layer, X: Any, seed: int) -> list[Pair]:
    """Inputs and parameters of a layer in NumPy; in float64 as far as its code does not round."""
    if type(layer).forward is Layer.forward:
        raise TypeError(f"{layer.title()} is not in NumPy: give a network that holds it")
    x = np.array(as_array("X", X), np.float64)
    if x.ndim != 2 or not x.size:
        raise ValueError(f"X: expected shape (n, features), got {x.shape}")
    if not layer.__dict__.get("_owned"):
        Sequential(layer).build((x.shape[1],), seed)
    shape = np.shape(layer.forward(x, True))
    projection = random_normal(int(np.prod(shape)), seed, 0, STREAM).reshape(shape).astype(np.float64)

    def value() -> float:
        return float((projection * np.asarray(layer.forward(x, True), np.float64)).sum())

    layer.forward(x, True)
    for name, parameter in layer.params.items():
        layer.grads[name] = np.zeros_like(parameter)
    dx = np.array(layer.backward(projection.astype(np.float32)), np.float64)
    if dx.shape != x.shape:
        raise ValueError(f"{layer.title()}.backward: expected the shape of x, {x.shape}, got {dx.shape}")
    parameters = [(name, layer.params[name], np.array(layer.grads[name], np.float64), value) for name in layer.params]
    return [("x", x, dx, value), *parameters]


def of_loss(function: Callable[..., Any], y_true: Any, y_pred: Any) -> list[Pair]:
    """Outputs that a loss in NumPy is given."""
    target, x = as_array("y_true", y_true), np.array(as_array("y_pred", y_pred), np.float64)
    if x.ndim != 2:
        raise ValueError(f"y_pred: expected shape (n, outputs), got {x.shape}")

    def value() -> float:
        return float(np.asarray(function(target, x.copy())[0], np.float64).sum())

    gradient = np.array(function(target, x.copy())[1], np.float64)
    if gradient.shape != x.shape:
        raise ValueError(f"d loss/d y_pred: expected the shape of y_pred, {x.shape}, got {gradient.shape}")
    return [("y_pred", x, gradient, value)]


def of_network(net: Network, X: Any, y: Any, loss: Any, seed: int) -> list[Pair]:
    """Parameters of a network, for the loss of one batch plus its penalties, with the masks of step 0."""
    trainer = Trainer(net, loss, seed=seed)
    x = check_inputs(net, X, "X")
    net.build((x.shape[1],), seed)
    scaler = net.scaler()
    if scaler is not None and not scaler.adapted:
        scaler.adapt(x, None)
    part, _ = check_part(net, trainer.loss, x, y, None, None, net.classes_)
    step = trainer.step_for_diagnosis(part.size, part.form)
    rows = np.arange(part.size)
    scalars = np.array([[source.base for _, source in step.scalars]])

    def value() -> float:
        step.set(part.x, part.targets, part.weights, rows)
        try:
            step.program.begin(part.size, part.size, 1, seed, 0, scalars)
            run(step.program, TeamSize(1))
            return step.means()["loss"] + float(step.penalty[0])
        finally:
            step.clear()

    value()
    pairs = []
    for prefix, layer in net.walk():
        for name, parameter in layer.parameters_.items():
            if parameter.trainable:
                gradient = step.memory.gradients[id(parameter)].astype(np.float64)
                pairs.append((prefix + name, parameter.value, gradient, value))
    return pairs
