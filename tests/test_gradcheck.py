"""The public gradient check: right gradients pass, wrong ones are found and named, and nothing changes."""

from typing import Any

import numpy as np
import pytest
from networks import blobs, mlp, unchanged

import fastdl as fdl
from fastdl import nn

X, Y = blobs(20)


class Swish(nn.Layer):
    """x sigmoid(b x) with a slope for each feature; `wrong` spoils one part of its gradient."""

    def __init__(self, wrong: str = "") -> None:
        super().__init__()
        self.wrong = wrong

    def build(self, in_shape: tuple[int, ...]) -> None:
        self.add_parameter("slope", in_shape, "ones")

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.x, self.s = x, 1 / (1 + np.exp(-self.params["slope"] * x))
        return x * self.s

    def backward(self, dy: np.ndarray) -> np.ndarray:
        s, x = self.s, self.x
        inside = s * (1 - s)
        self.grads["slope"][...] = (dy * x * x * inside).sum(axis=0) * (1.1 if self.wrong == "slope" else 1.0)
        dx = dy * (s + self.params["slope"] * x * inside)
        if self.wrong == "x":
            dx = dx.copy()
            dx[3, 2] *= -1
        return dx


def test_a_layer_of_ones_own() -> None:
    result = fdl.gradcheck(Swish(), X)
    assert result
    assert {element.name for element in result.elements} == {"x", "slope"}
    assert result.worst.error < 0.1
    for wrong, name in (("slope", "slope"), ("x", "x")):
        with pytest.raises(ValueError, match=rf"wrong\n{name}\["):
            fdl.gradcheck(Swish(wrong), X, elements=1000)
    found = fdl.gradcheck(Swish("x"), X, elements=1000, raise_exception=False)
    assert not found
    assert (found.worst.name, found.worst.index) == ("x", (3, 2))
    assert found.worst.analytic == pytest.approx(-found.worst.numeric, rel=0.1)


def test_a_layer_that_is_in_a_network_already() -> None:
    layer = Swish()
    net = nn.Sequential(nn.Dense(4), layer, nn.Dense(3))
    net.build(6)
    with unchanged(net):
        assert fdl.gradcheck(net, X, np.zeros((20, 3)))
        assert fdl.gradcheck(layer, X[:, :4])
    with pytest.raises(ValueError, match=r"1\.slope\["):
        fdl.gradcheck(nn.Sequential(nn.Dense(4), Swish("slope"), nn.Dense(3)), X, np.ones((20, 3)))


def squared(y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return ((y_pred - y_true) ** 2).sum(axis=1), 2 * (y_pred - y_true)


def halved(y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return ((y_pred - y_true) ** 2).sum(axis=1), y_pred - y_true


def test_losses_of_ones_own() -> None:
    y_true, y_pred = X[:, :3], X[:, 3:]
    assert fdl.gradcheck(squared, y_true, y_pred)
    with pytest.raises(ValueError, match="y_pred"):
        fdl.gradcheck(halved, y_true, y_pred)
    assert fdl.gradcheck(mlp(), X, X[:, :3], loss=squared)
    with pytest.raises(ValueError, match="weight|bias"):
        fdl.gradcheck(mlp(), X, X[:, :3], loss=halved)


NETS: dict[str, tuple[Any, Any, np.ndarray]] = {
    "everything": (lambda: mlp(), "cross_entropy", Y),
    "residual": (
        lambda: nn.Sequential(nn.Dense(8), nn.Residual(nn.Dense(8), nn.LayerNorm(), nn.GELU()), nn.Dense(3)),
        "cross_entropy",
        Y,
    ),
    "parallel": (
        lambda: nn.Sequential(nn.Parallel(nn.Dense(4), nn.Sequential(nn.Dense(5), nn.SiLU())), nn.Dense(3)),
        "huber",
        X[:, :3],
    ),
    "weight norm and a penalty": (
        lambda: nn.Sequential(nn.Dense(8, weight_norm=True, penalty=fdl.L2(0.1)), nn.Tanh(), nn.Dense(3)),
        "mse",
        X[:, :3],
    ),
}


@pytest.mark.parametrize("name", NETS)
def test_networks_of_fastdl(name: str) -> None:
    make, loss, y = NETS[name]
    net = make()
    net.build(6)
    scaler = net.scaler()
    if scaler is not None:
        scaler.adapt(X, None)
    with unchanged(net):
        result = fdl.gradcheck(net, X, y, loss=loss, elements=20)
    assert {element.name for element in result.elements} == set(net.parameters())
    errors = [element.error for element in result.elements]
    assert errors == sorted(errors, reverse=True)


def test_bad_arguments() -> None:
    for call, words in (
        (lambda: fdl.gradcheck(nn.Dense(3), X), "NumPy"),
        (lambda: fdl.gradcheck(3, X), "target"),
        (lambda: fdl.gradcheck("mse", X, X), "target"),
        (lambda: fdl.gradcheck(Swish(), X[0]), "X"),
        (lambda: fdl.gradcheck(squared, X, X[0]), "y_pred"),
        (lambda: fdl.gradcheck(mlp(), X, Y, loss="cross_entropy", elements=0), "elements"),
        (lambda: fdl.gradcheck(mlp(), X, Y, loss="cross_entropy", rtol=-1), "rtol"),
        (lambda: fdl.gradcheck(mlp(), X, Y[:3], loss="cross_entropy"), "y"),
        (lambda: fdl.gradcheck(lambda t, p: (p.sum(axis=1), p[:, :1]), X, X), "y_pred"),
    ):
        with pytest.raises((ValueError, TypeError), match=words):
            call()
