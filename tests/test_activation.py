"""Activations: kernels against float64, forwards and backwards, and the layers on them."""

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reference as ref
import support
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from networks import assert_same_state, blobs, check_gradients, trained
from support import U, assert_same_bits, check_refuses, normal, ulp, whole

from fastdl import kernels, nn
from fastdl.kernels._activation import KINDS

# Units of the last place, as the docstring says, and one rounding of alpha.
ULPS = {
    "identity": 0.0, "relu": 0.0, "leaky_relu": 2.0, "elu": 2.5, "selu": 2.0, "gelu": 7.0, "silu": 3.0, "mish": 4.0,
    "tanh": 2.0, "sigmoid": 2.0, "softplus": 2.0,
}  # fmt: skip
SLOPE = {"identity": 0.0, "relu": 0.0, "selu": 8.0}  # units of 2^-24 that a derivative may be off; others 4
ALPHAS = {"leaky_relu": (None, 0.0, 0.3, 3.0), "elu": (None, 0.0, 0.7, 3.0)}
CASES = [(kind, alpha) for kind in KINDS for alpha in ALPHAS.get(kind, (None,))]
GATE_ENDS = 1.1e-36  # silu and mish are 0 where they would be smaller than that
EVERY_EXPONENT = np.arange(0, 0x7F80_0000, 4079, dtype=np.uint32).view(np.float32)  # half a million from 0 to inf


def forward_bound(want: np.ndarray, kind: str, isa: str) -> np.ndarray:
    """What a value may be off. Without FMA the square in GELU's exponential is rounded, which counts far below 0."""
    if kind == "gelu" and isa not in support.FMA_ISAS:
        return 64.0 * ulp(want) + support.TINY
    return ULPS[kind] * ulp(want) + (GATE_ENDS if kind in ("silu", "mish") else 0.0)


def slope_bound(dy: np.ndarray, want: np.ndarray, kind: str, alpha: float | None) -> np.ndarray:
    return SLOPE.get(kind, 4.0 * max(1.0, alpha or 0.0)) * U * np.abs(dy) + U * np.abs(want)


def saved_of(x: np.ndarray, kind: str, alpha: float | None = None) -> np.ndarray:
    """What a layer keeps for its backward pass."""
    return x if kernels.activation_saves(kind) == "x" else kernels.activation_forward(x, kind, alpha)


@pytest.mark.parametrize(("kind", "alpha"), CASES)
@pytest.mark.parametrize("shape", support.SHAPES, ids=str)
def test_forward(kind: str, alpha: float | None, shape: tuple[int, int]) -> None:
    x = normal(shape, scale=2.0)
    want = ref.activation_forward(x, kind, alpha)
    for isa, got in support.everywhere(lambda: kernels.activation_forward(x, kind, alpha)):
        support.assert_within(got, want, forward_bound(want, kind, isa), isa)


@pytest.mark.parametrize(("kind", "alpha"), CASES)
@pytest.mark.parametrize("shape", support.SHAPES, ids=str)
def test_backward(kind: str, alpha: float | None, shape: tuple[int, int]) -> None:
    dy, saved = normal(shape), saved_of(normal(shape, seed=1, scale=2.0), kind, alpha)
    want = ref.activation_backward(dy, saved, kind, alpha)
    for isa, got in support.everywhere(lambda: kernels.activation_backward(dy, saved, kind, alpha)):
        support.assert_within(got, want, slope_bound(dy, want, kind, alpha), isa)


@support.property_test
@given(
    hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.floats(width=32)),
    st.sampled_from(list(KINDS)),
)
def test_forward_of_anything(x: np.ndarray, kind: str) -> None:
    """Any float32 at all, also NaN, infinities and subnormals."""
    with np.errstate(invalid="ignore"):
        want = ref.activation_forward(x, kind)
    want = np.where(np.abs(want) > np.finfo(np.float32).max, np.copysign(np.inf, want), want)
    for isa, got in support.everywhere(lambda: kernels.activation_forward(x, kind), (1, 2)):
        np.testing.assert_array_equal(np.isnan(got), np.isnan(want), err_msg=isa)
        finite = np.isfinite(want)
        np.testing.assert_array_equal(got[~finite], want[~finite].astype(np.float32), err_msg=isa)
        support.assert_within(got[finite], want[finite], forward_bound(want[finite], kind, isa), isa)


@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_range(kind: str) -> None:
    """Values and slopes from 0 to the largest number on either side; slopes by the reference from x alone."""
    x = np.concatenate([EVERY_EXPONENT, -EVERY_EXPONENT, normal(100_000, scale=4.0)])[None]
    x = np.where(np.abs(x) < support.TINY, np.float32(0.0), x)
    want = ref.activation_forward(x, kind)
    finite = np.abs(want) <= np.finfo(np.float32).max
    saves = kernels.activation_saves(kind)
    one = np.ones_like(x)
    slopes = ref.activation_backward(one, x if saves == "x" else want, kind)
    for isa in support.ISAS:
        with support.team(isa):
            y = kernels.activation_forward(x, kind)
            dx = kernels.activation_backward(one, x if saves == "x" else y, kind)
        np.testing.assert_array_equal(y[~finite], np.sign(want[~finite]) * np.float32(np.inf), err_msg=isa)
        support.assert_within(y[finite], want[finite], forward_bound(want[finite], kind, isa), isa)
        support.assert_within(dx, slopes, 8.0 * U * np.maximum(np.abs(slopes), 1.0), isa)


def test_special_values() -> None:
    inf, nan, tiny = np.inf, np.nan, 1e-30
    x = np.array([[nan, inf, -inf, 0.0, -0.0, tiny, -tiny, 3e38, -3e38]], np.float32)
    log2 = np.log(2.0)
    for kind, want in {
        "identity": x[0],
        "relu": [nan, inf, 0, 0, 0, tiny, 0, 3e38, 0],
        "leaky_relu": [nan, inf, -inf, 0, 0, tiny, -0.01 * tiny, 3e38, -3e36],
        "elu": [nan, inf, -1, 0, 0, tiny, -tiny, 3e38, -1],
        "selu": [nan, inf, -1.7580993, 0, 0, 1.050701 * tiny, -1.7580993 * tiny, 3.152103e38, -1.7580993],
        "gelu": [nan, inf, 0, 0, 0, 0.5 * tiny, -0.5 * tiny, 3e38, 0],
        "silu": [nan, inf, 0, 0, 0, 0.5 * tiny, -0.5 * tiny, 3e38, 0],
        "mish": [nan, inf, 0, 0, 0, 0.6 * tiny, -0.6 * tiny, 3e38, 0],
        "tanh": [nan, 1, -1, 0, 0, tiny, -tiny, 1, -1],
        "sigmoid": [nan, 1, 0, 0.5, 0.5, 0.5, 0.5, 1, 0],
        "softplus": [nan, inf, 0, log2, log2, log2, log2, 3e38, 0],
    }.items():
        for isa, got in support.everywhere(lambda kind=kind: kernels.activation_forward(x, kind)):
            np.testing.assert_allclose(got[0], np.array(want), rtol=1e-6, err_msg=f"{kind} {isa}")


@pytest.mark.parametrize("kind", KINDS)
def test_nan_is_passed_on(kind: str) -> None:
    nan, x = np.full((1, 33), np.nan, np.float32), np.full((1, 33), 0.5, np.float32)
    for _, got in support.everywhere(lambda: kernels.activation_backward(nan, x, kind)):
        assert np.isnan(got).all()
    for _, got in support.everywhere(lambda: kernels.activation_backward(x, nan, kind)):
        assert (np.isnan(got) | (got == x)).all(), "the gradient comes through, or NaN does"


def test_gradients_at_infinity_are_finite() -> None:
    x, one = np.array([[np.inf, -np.inf]], np.float32), np.ones((1, 2), np.float32)
    for kind in KINDS:
        for _, got in support.everywhere(lambda kind=kind: kernels.activation_backward(one, saved_of(x, kind), kind)):
            assert np.isfinite(got).all(), kind


# ------------------------------------------------------------------------------------------------------- the edge

X, Y = whole((5, 7)), whole((5, 7), 1)


@pytest.mark.parametrize("kind", KINDS)
def test_edge(kind: str) -> None:
    def forward(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        return kernels.activation_forward(x, kind, out=out)

    def backward(dy: np.ndarray, saved: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        return kernels.activation_backward(dy, saved, kind, out=out)

    support.check_conversions(forward, (X,), (0,))
    support.check_conversions(backward, (X, Y), (0, 1))
    support.check_refuses_kinds(forward, (X,), {0: "x"})
    support.check_refuses_kinds(backward, (X, Y), {0: "dy", 1: "saved"})
    support.check_out(forward, (X,))
    support.check_out(backward, (X, Y))
    support.check_out_overlap(forward, (X,), 0)
    support.check_out_overlap(backward, (X, Y), 0)
    support.check_out_overlap(backward, (X, Y), 1)
    support.check_stays_inside(forward, (X,), out=Y)
    support.check_stays_inside(backward, (X, Y), out=X)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: kernels.activation_backward(X, Y[:4], "relu"), ["saved", (5, 7), (4, 7)]),
        (lambda: kernels.activation_backward(X, Y[:, :6], "relu"), ["saved", (5, 7), (5, 6)]),
        (lambda: kernels.activation_forward(X, "tanhh"), ["kind", "tanhh", "'tanh'"]),
        (lambda: kernels.activation_forward(X, None), ["kind", "None"]),
        (lambda: kernels.activation_forward(X, ["relu"]), ["kind", "relu"]),
        (lambda: kernels.activation_backward(X, Y, "sigmoidal"), ["kind", "sigmoidal", "'sigmoid'"]),
        (lambda: kernels.activation_saves("swish"), ["kind", "swish"]),
        (lambda: kernels.activation_forward(X, "relu", 0.1), ["alpha", "relu", "0.1"]),
        (lambda: kernels.activation_backward(X, Y, "gelu", alpha=0.0), ["alpha", "gelu", "0.0"]),
        (lambda: kernels.activation_forward(X, "elu", -0.1), ["alpha", "-0.1"]),
        (lambda: kernels.activation_forward(X, "elu", np.inf), ["alpha", "inf"]),
        (lambda: kernels.activation_forward(X, "elu", np.nan), ["alpha", "nan"]),
        (lambda: kernels.activation_forward(X, "elu", "1"), ["alpha", "str"]),
        (lambda: nn.LeakyReLU(-1.0), ["alpha", "-1.0"]),
        (lambda: nn.ELU(float("nan")), ["alpha", "nan"]),
        (lambda: nn.ELU("1"), ["alpha", "str"]),
        (lambda: nn.Activation("geluu"), ["activation", "'gelu'", "geluu"]),
        (lambda: nn.Activation(3), ["activation", "3"]),
    ],
)
def test_bad_arguments(call: Callable[[], Any], words: list[Any]) -> None:
    check_refuses(call, *words)


# --------------------------------------------------------------------------------------------------------- layers

LAYERS = [
    nn.Identity, nn.ReLU, nn.LeakyReLU, lambda: nn.LeakyReLU(0.2), nn.ELU, lambda: nn.ELU(0.5), nn.SELU, nn.GELU,
    nn.SiLU, nn.Mish, nn.Tanh, nn.Sigmoid, nn.Softplus,
]  # fmt: skip


def network(make: Callable[[], nn.Layer]) -> nn.Sequential:
    return nn.Sequential(make(), nn.Dense(9), make(), nn.BatchNorm(), make(), nn.Dense(7), make(), make(), nn.Dense(3))


@pytest.mark.parametrize("make", LAYERS)
def test_gradients_of_a_network(make: Callable[[], nn.Layer]) -> None:
    X, y = blobs(37)
    check_gradients(network(make), X, y)
    check_gradients(nn.Sequential(nn.Residual(make()), nn.Parallel(make(), make()), nn.Dense(3)), X, y)


@pytest.mark.parametrize("make", LAYERS)
def test_kernels_by_hand_give_the_same_bits(make: Callable[[], nn.Layer]) -> None:
    X, _ = blobs(300)
    layer = make()
    net = nn.Sequential(nn.Dense(9), layer, nn.Dense(2))
    net.build(6)
    state = net.state_dict()
    x = kernels.dense_forward(X, state["0.weight"], state["0.bias"])
    x = kernels.activation_forward(x, **layer.options())  # type: ignore[attr-defined]
    assert_same_bits(net.predict(X), kernels.dense_forward(x, state["2.weight"], state["2.bias"]))


COPIES = {"deepcopy": copy.deepcopy, "pickle": lambda net: pickle.loads(pickle.dumps(net))}


@pytest.mark.parametrize("make", LAYERS)
def test_saved_and_copied(make: Callable[[], nn.Layer], tmp_path: Path) -> None:
    X, y = blobs()
    net = network(make)
    trained(net, X, y, epochs=1)
    net.save(tmp_path / "m")
    for twin in (nn.load(tmp_path / "m"), *(how(net) for how in COPIES.values())):
        assert repr(twin) == repr(net)
        assert_same_state(twin.state_dict(), net.state_dict())
        assert_same_bits(twin.predict(X), net.predict(X))


def test_by_name() -> None:
    for kind in KINDS:
        layer = nn.Activation(kind)
        assert layer.kind == kind and type(layer) is getattr(nn, type(layer).__name__)
    assert nn.Activation("leaky_relu").config() == {"alpha": 0.01} and nn.Activation("elu").config() == {"alpha": 1.0}
    assert repr(nn.LeakyReLU(0.3, name="l")) == "LeakyReLU(name='l', alpha=0.3)"


@pytest.mark.parametrize("kind", KINDS)
def test_auto_initial_weights(kind: str) -> None:
    net = nn.Sequential(nn.Dense(300), nn.BatchNorm(), nn.Activation(kind), nn.Dense(1))
    net.build(200)
    he, lecun, glorot = np.sqrt([2 / 200, 1 / 200, 2 / 500])
    want = {"selu": lecun, "identity": glorot, "tanh": glorot, "sigmoid": glorot}.get(kind, he)
    assert net.state_dict()["0.weight"].std() == pytest.approx(want, rel=0.02)


def test_selu_keeps_mean_and_variance() -> None:
    x = normal((500, 256))
    net = nn.Sequential(*(layer for _ in range(8) for layer in (nn.Dense(256), nn.SELU())))
    net.build(256)
    y = net.predict(x)
    assert abs(y.mean()) < 0.1 and 0.8 < y.std() < 1.2
