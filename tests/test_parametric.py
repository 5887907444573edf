"""Activations that each feature takes as much of as it has learned to."""

import numpy as np
import pytest
import reference_table as ref
import support
from networks import blobs
from support import U, normal, whole

import fastdl as fdl
from fastdl import kernels, nn, optim
from fastdl.kernels._activation import KINDS

SHAPES = [*support.SHAPES, (5, 0), (0, 0), (70, 33)]


def check(kind: str, shape: tuple[int, int]) -> None:
    """Against the reference, from the values of f itself, whose errors have tests of their own."""
    x, dy, alpha = normal(shape), normal(shape, 1), normal(shape[1], 2)

    def run() -> tuple[np.ndarray, ...]:
        f = kernels.activation_forward(x, kind)
        df = kernels.activation_backward(dy, x if kernels.activation_saves(kind) == "x" else f, kind)
        return (
            f,
            df,
            kernels.parametric_forward(x, alpha, kind),
            *kernels.parametric_backward(dy, x, alpha, kind),
        )

    for isa, (f, df, y, dx, dalpha) in support.everywhere(run):
        gap = np.abs(f.astype(np.float64) - x)
        want = ref.parametric_forward(x, f, alpha)
        support.assert_within(y, want, U * (2.0 * np.abs(alpha) * gap + np.abs(want)), isa)
        want_dx, want_dalpha = ref.parametric_backward(dy, x, f, df, alpha)
        terms = np.abs(alpha * df) + np.abs((1.0 - alpha) * dy)
        support.assert_within(dx, want_dx, 3.0 * U * terms, isa)
        sums = (np.abs(dy) * gap).sum(axis=0)
        support.assert_within(dalpha, want_dalpha, 1.01 * U * (np.abs(want_dalpha) + sums), isa)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind(kind: str) -> None:
    check(kind, (21, 45))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", ["selu", "mish"])
def test_any_shape(kind: str, shape: tuple[int, int]) -> None:
    check(kind, shape)


def test_neutral_values() -> None:
    """With alpha 0 it is x to the bit, with alpha 1 the activation to a rounding."""
    x = normal((9, 20))
    support.assert_same_bits(kernels.parametric_forward(x, np.zeros(20), "mish"), x)
    f = kernels.activation_forward(x, "mish")
    np.testing.assert_allclose(kernels.parametric_forward(x, np.ones(20), "mish"), f, rtol=1e-6, atol=1e-6)


def test_edge() -> None:
    X, alpha = whole((5, 7)), whole(7)
    support.check_conversions(kernels.parametric_forward, (X, alpha, "relu"), (0, 1))
    support.check_out(kernels.parametric_forward, (X, alpha, "relu"))
    support.check_conversions(kernels.parametric_backward, (X, X, alpha, "relu"), (0, 1, 2))
    support.check_refuses(lambda: kernels.parametric_forward(X, alpha[:3], "relu"), "alpha", "(7,)")
    support.check_refuses(lambda: kernels.parametric_forward(X, alpha, "rulu"), "relu")
    support.check_refuses(lambda: kernels.parametric_backward(X[:2], X, alpha, "relu"), "dy", "(5, 7)")
    support.check_refuses(lambda: nn.ParametricActivation("rulu"), "relu")
    support.check_refuses(lambda: nn.ParametricActivation(lr_factor=-1.0), "lr_factor")
    support.check_refuses(lambda: nn.ParametricActivation(decay=-1.0), "decay")


@pytest.mark.parametrize("decay", [0.0, 1.0])
def test_alpha_decays_when_asked(decay: float) -> None:
    net = nn.Sequential(nn.ParametricActivation(decay=decay))
    net.build(4)
    assert [segment.decay for segment in net.segments()] == [decay]


def test_alpha_moves_at_its_own_rate() -> None:
    X, y = blobs(40)
    moved = []
    for rate in (1.0, 0.5):
        net = nn.Sequential(nn.Dense(9, init="glorot"), nn.ParametricActivation("selu", rate), nn.Dense(3))
        fdl.Trainer(net, optimizer=optim.SGD(0.125)).fit(X, y, batch_size=40, progress=False)
        moved.append(net.parameters()["1.alpha"].astype(np.float64) - 1.0)
    assert np.abs(moved[0]).max() > 1e-4
    np.testing.assert_allclose(moved[1], 0.5 * moved[0], rtol=1e-2, atol=1e-6)


def test_the_automatic_init_looks_at_its_kind() -> None:
    net = nn.Sequential(nn.Dense(5), nn.ParametricActivation("relu"), nn.Dense(2))
    net.build(4)
    assert type(net.layers[0].parameters_["weight"].init).__name__ == "He"
