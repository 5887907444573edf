"""Layer norm and RMS norm: each row by itself, at any offset, and their gradients."""

import copy
import importlib.util
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reference_norm as ref
import support
from hypothesis import given
from hypothesis import strategies as st
from networks import assert_same_state, blobs, trained
from support import U, normal, whole

from fastdl import kernels, nn, optim
from fastdl.fitting import SHUFFLE_STREAM

SHAPES = [*support.SHAPES, (5, 0), (0, 0), (4, 16), (4, 32), (9, 48)]
FORWARD = {"layernorm": kernels.layernorm_forward, "rmsnorm": kernels.rmsnorm_forward}
BACKWARD = {"layernorm": kernels.layernorm_backward, "rmsnorm": kernels.rmsnorm_backward}
NORMS = list(FORWARD)


def inputs(shape: tuple[int, int], offset: float = 0.0, scale: float = 1.0) -> tuple[np.ndarray, ...]:
    """x (B, F), gamma, beta (F,), dy (B, F)."""
    features = shape[1]
    return normal(shape, 0, scale, offset), normal(features, 1, offset=1.0), normal(features, 2), normal(shape, 3)


def parameters(norm: str, gamma: np.ndarray, beta: np.ndarray) -> tuple[np.ndarray, ...]:
    """What the forward pass takes beside x."""
    return (gamma, beta) if norm == "layernorm" else (gamma,)


@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value")
def check_forward(norm: str, x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float = 1e-5) -> None:
    """The bound that the docstrings state."""
    more = parameters(norm, gamma, beta)
    want = getattr(ref, f"{norm}_forward")(x, *more, eps)
    bound = 4.0 * U * np.abs(want)
    if norm == "layernorm":
        bound = U * (6.0 * (np.abs(want) + np.abs(beta)) + 4.0 * np.abs(gamma))
    for isa, got in support.everywhere(lambda: FORWARD[norm](x, *more, eps)):
        support.assert_within(got, want, bound, isa)


def check_backward(norm: str, x: np.ndarray, gamma: np.ndarray, dy: np.ndarray, eps: float = 1e-5) -> None:
    """Sums are float64, so that no bound grows with their length."""
    want = getattr(ref, f"{norm}_backward")(dy, x, gamma, eps)
    h, inverse = ref.row_stats(x, eps, norm == "layernorm")
    g, size = np.abs(dy * ref.f64(gamma)), np.abs(h) + 1.0
    of_row = g + g.mean(axis=1, keepdims=True) + size * (g * size).mean(axis=1, keepdims=True)
    dgamma_bound = 4.0 * U * (np.abs(dy) * size).sum(axis=0) + 2.0 * U * np.abs(want[1])
    dbeta_bound = 1.01 * U * np.abs(dy.astype(np.float64).sum(axis=0)) + 2.0**-45 * np.abs(dy).sum(axis=0)
    bounds = (6.0 * U * inverse * of_row, dgamma_bound, dbeta_bound)
    for isa, got in support.everywhere(lambda: BACKWARD[norm](dy, x, gamma, eps)):
        assert len(got) == len(want)
        for name, one, twin, bound in zip(("dx", "dgamma", "dbeta"), got, want, bounds, strict=False):
            support.assert_within(one, twin, bound, f"{isa}, {name}")


# Constant offsets that float32 sums would drown in, signals smaller and larger than eps, and numbers whose squares are
# far outside the range of float32.
DISTRIBUTIONS = [(0.0, 1.0), (1e4, 1.0), (-1e4, 1e-2), (1e8, 30.0), (0.0, 1e-8), (0.0, 1e25), (-1e30, 1e25)]


@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value")
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("norm", NORMS)
def test_any_shape(norm: str, shape: tuple[int, int]) -> None:
    x, gamma, beta, dy = inputs(shape)
    check_forward(norm, x, gamma, beta)
    check_backward(norm, x, gamma, dy)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
@pytest.mark.parametrize("norm", NORMS)
def test_any_distribution(norm: str, distribution: tuple[float, float]) -> None:
    x, gamma, beta, dy = inputs((21, 83), *distribution)
    check_forward(norm, x, gamma, beta)
    check_backward(norm, x, gamma, dy)


@pytest.mark.parametrize("at", [0, 1, 36])
@pytest.mark.parametrize("norm", NORMS)
def test_an_outlier_in_a_row(norm: str, at: int) -> None:
    """Also in the first place, from which differences are taken."""
    x, gamma, beta, dy = inputs((9, 37))
    x[:, at] += 1e6
    check_forward(norm, x, gamma, beta)
    check_backward(norm, x, gamma, dy)


@support.property_test
@given(
    st.sampled_from(NORMS), st.integers(1, 60), st.integers(1, 60), st.sampled_from([0.0, 1e4, -3e5]),
    st.sampled_from([1e-5, 1e-2, 1.0]), st.integers(0, 9),
)  # fmt: skip
def test_any_small_shape(norm: str, rows: int, features: int, offset: float, eps: float, seed: int) -> None:
    x, gamma = normal((rows, features), seed, offset=offset), normal(features, 1)
    check_forward(norm, x, gamma, normal(features, 2), eps)
    check_backward(norm, x, gamma, normal((rows, features), seed + 10), eps)


@pytest.mark.parametrize("value", [0.1, 1e4, -3e38])
def test_constant_rows_become_beta_and_get_no_gradient(value: float) -> None:
    for features in (1, 16, 37):
        x, dy = np.full((3, features), value, np.float32), normal((3, features))
        gamma, beta = normal(features, 1), normal(features, 2)
        for isa, y in support.everywhere(lambda x=x, g=gamma, b=beta: kernels.layernorm_forward(x, g, b)):
            support.assert_same_bits(y, np.broadcast_to(beta, y.shape).copy(), isa)
        for isa, (_, dgamma, _) in support.everywhere(lambda x=x, g=gamma, d=dy: kernels.layernorm_backward(d, x, g)):
            np.testing.assert_array_equal(dgamma, 0.0, err_msg=isa)


@pytest.mark.parametrize("norm", NORMS)
def test_rows_of_zeros_are_finite(norm: str) -> None:
    x, gamma, beta, dy = inputs((4, 21))
    x[1] = 0.0
    check_forward(norm, x, gamma, beta)
    check_backward(norm, x, gamma, dy)


@pytest.mark.parametrize("norm", NORMS)
def test_the_output_does_not_depend_on_the_scale_of_a_row(norm: str) -> None:
    """With eps = 0, and by powers of two, not even in its bits; nor is dx then anything but divided by it."""
    x, gamma, beta, dy = inputs((6, 45))
    more = parameters(norm, gamma, beta)
    for isa in support.ISAS:
        with support.team(isa, 1):
            y, (dx, dgamma, *_) = FORWARD[norm](x, *more, 0.0), BACKWARD[norm](dy, x, gamma, 0.0)
            for factor in (np.float32(2.0**40), np.float32(2.0**-30)):
                support.assert_same_bits(FORWARD[norm](x * factor, *more, 0.0), y, isa)
                scaled = BACKWARD[norm](dy, x * factor, gamma, 0.0)
                support.assert_same_bits((scaled[0] * factor, scaled[1]), (dx, dgamma), isa)


@pytest.mark.parametrize("norm", NORMS)
def test_a_row_does_not_depend_on_the_other_rows(norm: str) -> None:
    x, gamma, beta, dy = inputs((29, 45))
    more = parameters(norm, gamma, beta)
    y, dx = FORWARD[norm](x, *more), BACKWARD[norm](dy, x, gamma)[0]
    for i in range(29):
        support.assert_same_bits(FORWARD[norm](x[i : i + 1], *more), y[i : i + 1])
        support.assert_same_bits(BACKWARD[norm](dy[i : i + 1], x[i : i + 1], gamma)[0], dx[i : i + 1])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("norm", NORMS)
def test_nan_stays_in_its_row(norm: str, bad: float) -> None:
    x, gamma, beta, dy = inputs((20, 37))
    x[3, 5] = bad
    clean = np.arange(20) != 3
    for isa, y in support.everywhere(lambda: FORWARD[norm](x, *parameters(norm, gamma, beta))):
        assert np.isnan(y[3]).any() and (norm == "rmsnorm" or np.isnan(y[3]).all()), isa
        assert np.isfinite(y[clean]).all(), isa
    for isa, (dx, dgamma, *_) in support.everywhere(lambda: BACKWARD[norm](dy, x, gamma)):
        assert np.isnan(dx[3]).any() and np.isfinite(dx[clean]).all(), isa
        assert np.isnan(dgamma[5]), isa


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs torch")
@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize("norm", NORMS)
def test_as_torch_computes_it_in_float64(norm: str, offset: float) -> None:
    import torch
    from torch.nn import functional

    x, gamma, beta, dy = inputs((33, 70), offset)
    arrays = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in (x, *parameters(norm, gamma, beta))]
    apply = functional.layer_norm if norm == "layernorm" else functional.rms_norm
    y = apply(arrays[0], (70,), *arrays[1:], eps=1e-3)
    y.backward(torch.tensor(dy, dtype=torch.float64))
    np.testing.assert_allclose(FORWARD[norm](x, *parameters(norm, gamma, beta), 1e-3), y.detach(), rtol=1e-6, atol=2e-6)
    for got, want in zip(BACKWARD[norm](dy, x, gamma, 1e-3), arrays, strict=True):
        np.testing.assert_allclose(got, want.grad, rtol=1e-5, atol=1e-5)


# ------------------------------------------------------------------------------------------------------- the edge

X, DY = whole((5, 7)), whole((5, 7), 1)
GAMMA, BETA = whole(7, 2), whole(7, 3)


@pytest.mark.parametrize("norm", NORMS)
def test_edge(norm: str) -> None:
    args = (X, *parameters(norm, GAMMA, BETA))
    support.check_conversions(FORWARD[norm], args, range(len(args)))
    support.check_conversions(BACKWARD[norm], (DY, X, GAMMA), range(3))
    support.check_refuses_kinds(FORWARD[norm], args, dict(enumerate(("x", "gamma", "beta")[: len(args)])))
    support.check_refuses_kinds(BACKWARD[norm], (DY, X, GAMMA), dict(enumerate(("dy", "x", "gamma"))))
    support.check_out(FORWARD[norm], args)
    for place in range(len(args)):
        support.check_out_overlap(FORWARD[norm], args, place)


@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (33, 17), (3, 130), (20, 32)], ids=str)
@pytest.mark.parametrize("norm", NORMS)
def test_memory_outside_the_arrays_is_left_alone(norm: str, shape: tuple[int, int]) -> None:
    x, gamma, beta, dy = inputs(shape)
    support.check_stays_inside(FORWARD[norm], (x, *parameters(norm, gamma, beta)), out=np.zeros_like(x))
    support.check_stays_inside(BACKWARD[norm], (dy, x, gamma))


@pytest.mark.parametrize(
    ("kernel", "args", "words"),
    [
        ("layernorm_forward", (X[0], GAMMA, BETA), ["x", (7,)]),
        ("layernorm_forward", (X, GAMMA[:6], BETA), ["gamma", (6,), (7,)]),
        ("layernorm_forward", (X, GAMMA, BETA[:1]), ["beta", (1,), (7,)]),
        ("layernorm_forward", (X, GAMMA, None), ["beta"]),
        ("layernorm_forward", (X, None, BETA), ["gamma"]),
        ("layernorm_forward", (X, GAMMA, BETA, -1.0), ["eps", "-1"]),
        ("layernorm_forward", (X, GAMMA, BETA, np.nan), ["eps", "nan"]),
        ("layernorm_backward", (DY[:4], X, GAMMA), ["dy", (4, 7), (5, 7)]),
        ("layernorm_backward", (DY, X, GAMMA[:6]), ["gamma", (6,), (7,)]),
        ("layernorm_backward", (DY, X, GAMMA, "1e-5"), ["eps"]),
        ("rmsnorm_forward", (X, X), ["gamma", (5, 7), (7,)]),
        ("rmsnorm_forward", (X, GAMMA, -1.0), ["eps", "-1"]),
        ("rmsnorm_backward", (DY, X[:, :6], GAMMA), ["dy", (5, 7), (5, 6)]),
        ("rmsnorm_backward", (DY, X, GAMMA, None), ["eps"]),
    ],
)
def test_bad_arguments(kernel: str, args: tuple[Any, ...], words: list[Any]) -> None:
    support.check_refuses(lambda: getattr(kernels, kernel)(*args), *words)


# ------------------------------------------------------------------------------------------------------ the layers

LAYERS: list[Callable[..., nn.Layer]] = [nn.LayerNorm, nn.RMSNorm]


def net_of(layer: Callable[..., nn.Layer]) -> nn.Sequential:
    return nn.Sequential(layer(), nn.Dense(9), layer(eps=1e-3), nn.ReLU(), nn.Dense(3))


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_runs_the_kernel(layer: Callable[..., nn.Layer]) -> None:
    """Whatever the batch, in training and inference; its options come through."""
    x, gamma, beta, _ = inputs((300, 33), 3.0)
    net = nn.Sequential(layer(eps=0.1))
    net.build(33)
    assert list(net.parameters()) == ["0.gamma", "0.beta"][: 1 + (layer is nn.LayerNorm)]
    arrays = parameters("layernorm" if layer is nn.LayerNorm else "rmsnorm", gamma, beta)
    net.load_state_dict(dict(zip(net.parameters(), arrays, strict=True)))
    want = (kernels.layernorm_forward if layer is nn.LayerNorm else kernels.rmsnorm_forward)(x, *arrays, 0.1)
    support.assert_same_bits(net.predict(x), want)
    support.assert_same_bits(net(x, training=True), want)
    support.assert_same_bits(net(x[:1], training=True), want[:1])


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("rows", [1, 7, 40])
def test_a_program_gives_the_bits_of_the_kernels(layer: Callable[..., nn.Layer], rows: int) -> None:
    """One step of SGD at rate 1 on a batch of several sizes, in a program made for the largest."""
    X, _ = blobs(rows)
    net = nn.Sequential(layer())
    net.build(6)
    before = net.parameters()["0.gamma"].copy()
    target = normal((rows, 6), 5)
    trained(net, X, target, {"loss": "mse", "optimizer": optim.SGD(1.0), "seed": 3}, epochs=1, batch_size=40)
    gamma, beta = np.ones(6, np.float32), np.zeros(6, np.float32)
    order = kernels.permutation(rows, 3, 0, SHUFFLE_STREAM)
    if layer is nn.LayerNorm:
        dy = kernels.mse(kernels.layernorm_forward(X[order], gamma, beta), target[order])[1]
        gradients = kernels.layernorm_backward(dy, X[order], gamma)[1:]
    else:
        dy = kernels.mse(kernels.rmsnorm_forward(X[order], gamma), target[order])[1]
        gradients = kernels.rmsnorm_backward(dy, X[order], gamma)[1:]
    support.assert_same_bits(net.parameters()["0.gamma"], before - gradients[0])
    if layer is nn.LayerNorm:
        support.assert_same_bits(net.parameters()["0.beta"], -gradients[1])


@pytest.mark.parametrize("layer", LAYERS)
def test_the_same_bits_on_every_team(layer: Callable[..., nn.Layer]) -> None:
    X, y = blobs(400, 40)

    def train() -> list[np.ndarray]:
        net = nn.Sequential(nn.Dense(130), layer(), nn.Tanh(), nn.Dense(3))
        trained(net, X, y, epochs=1, batch_size=300)
        return list(net.state_dict().values())

    for _ in support.everywhere(train):
        pass


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("how", ["file", "deepcopy", "pickle"])
def test_copies(layer: Callable[..., nn.Layer], how: str, tmp_path: Path) -> None:
    X, y = blobs()
    net = net_of(layer)
    trained(net, X, y)
    if how == "file":
        net.save(tmp_path / "m")
        back = nn.load(tmp_path / "m")
    else:
        back = copy.deepcopy(net) if how == "deepcopy" else pickle.loads(pickle.dumps(net))
    assert repr(back) == repr(net) and "eps=0.001" in repr(back)
    assert_same_state(back.state_dict(), net.state_dict())
    support.assert_same_bits(back.predict(X), net.predict(X))
    for one in (net, back):
        trained(one, X, y)
    assert_same_state(back.state_dict(), net.state_dict())


@pytest.mark.parametrize("layer", LAYERS)
def test_a_dense_layer_looks_past_it_for_its_activation(layer: Callable[..., nn.Layer]) -> None:
    with_norm, without = nn.Sequential(nn.Dense(50), layer(), nn.ReLU()), nn.Sequential(nn.Dense(50), nn.ReLU())
    for net in (with_norm, without):
        net.build(60)
    support.assert_same_bits(with_norm.parameters()["0.weight"], without.parameters()["0.weight"])


@pytest.mark.parametrize("layer", LAYERS)
def test_a_residual_branch_may_begin_at_zero_by_its_scale(layer: Callable[..., nn.Layer]) -> None:
    X = normal((5, 6))
    net = nn.Sequential(nn.Residual(nn.Dense(6), layer(), nn.Tanh(), zero_init=True))
    net.build(6)
    support.assert_same_bits(net.predict(X), X)


@pytest.mark.parametrize("layer", LAYERS)
def test_scale_and_shift_do_not_decay(layer: Callable[..., nn.Layer]) -> None:
    net = net_of(layer)
    net.build(6)
    decays = dict(zip(net.parameters(), (segment.decay for segment in net.segments()), strict=True))
    assert {name for name, decay in decays.items() if decay} == {"1.weight", "4.weight"}


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("eps", [0.0, -1.0, np.inf, np.nan, "1e-5", None])
def test_options_are_refused(layer: Callable[..., nn.Layer], eps: Any) -> None:
    support.check_refuses(lambda: layer(eps=eps), "eps")
