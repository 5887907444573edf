"""Weight norm: columns of the length that is asked for, gradients of direction and length, and the layer with it."""

import copy
import importlib.util
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reference_norm as ref
import reference_optimizer
import support
from hypothesis import given
from hypothesis import strategies as st
from networks import assert_same_state, blobs, trained, twin_training
from support import U, normal, whole

from fastdl import kernels, nn, optim
from fastdl.fitting import SHUFFLE_STREAM

SHAPES = [*support.SHAPES, (5, 0), (0, 0)]


def inputs(shape: tuple[int, int], scale: float = 1.0) -> tuple[np.ndarray, ...]:
    """v (I, O), g (O,), dw (I, O)."""
    return normal(shape, 0, scale), normal(shape[1], 1), normal(shape, 2)


def check(v: np.ndarray, g: np.ndarray, dw: np.ndarray) -> None:
    """Float64 throughout: one rounding at the end, and in dv what cancels."""
    want, (dv, dg) = ref.weightnorm_forward(v, g), ref.weightnorm_backward(dw, v, g)
    unit, inverse = ref.directions(v)
    length = 2.0**-49 * np.abs(dw * unit).sum(axis=0)
    parts = np.abs(g * inverse) * (2.0**-49 * np.abs(dw) + np.abs(unit) * length)
    for isa, got in support.everywhere(lambda: kernels.weightnorm_forward(v, g)):
        support.assert_within(got, want, 1.01 * U * np.abs(want), isa)
    for isa, (got_dv, got_dg) in support.everywhere(lambda: kernels.weightnorm_backward(dw, v, g)):
        support.assert_within(got_dv, dv, 1.01 * U * np.abs(dv) + parts, f"{isa}, dv")
        support.assert_within(got_dg, dg, 1.01 * U * np.abs(dg) + length, f"{isa}, dg")


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_any_shape(shape: tuple[int, int]) -> None:
    check(*inputs(shape))


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1e25, 5e36])
def test_lengths_far_from_one(scale: float) -> None:
    """Their squares, and in the last case they themselves, are beyond float32."""
    check(*inputs((400, 33), scale))


@support.property_test
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 9))
def test_any_small_shape(rows: int, columns: int, seed: int) -> None:
    check(normal((rows, columns), seed), normal(columns, 1), normal((rows, columns), seed + 10))


@support.property_test
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 9))
def test_length_and_right_angle(rows: int, columns: int, seed: int) -> None:
    """Each column of w is |g| long and dv at right angles to it, so that a step along dv never shortens v."""
    v, g, dw = normal((rows, columns), seed), normal(columns, 1), normal((rows, columns), seed + 10)
    w, (dv, _) = kernels.weightnorm_forward(v, g), kernels.weightnorm_backward(dw, v, g)
    np.testing.assert_allclose(np.sqrt(np.square(w.astype(np.float64)).sum(axis=0)), np.abs(g), rtol=2.0 * U)
    dot = np.abs((dv.astype(np.float64) * v).sum(axis=0))
    assert (
        dot <= 2.0 * U * np.abs(dv * ref.f64(v)).sum(axis=0) + 1e-12 * np.abs(g * dw * ref.f64(v)).sum(axis=0)
    ).all()


def test_a_column_of_zeros_has_no_direction() -> None:
    v, g, dw = inputs((9, 21))
    v[:, [0, 17]] = 0.0
    check(v, g, dw)
    assert not kernels.weightnorm_forward(v, g)[:, [0, 17]].any()
    dv, dg = kernels.weightnorm_backward(dw, v, g)
    assert not dv[:, [0, 17]].any() and not dg[[0, 17]].any()


@pytest.mark.parametrize("place", ["v", "g", "dw"])
@pytest.mark.parametrize("zeros", [False, True])
def test_nan_stays_in_its_column_and_shows(place: str, zeros: bool) -> None:
    v, g, dw = inputs((9, 21))
    v[:, 5] = 0.0 if zeros else v[:, 5]
    {"v": v, "g": g[None], "dw": dw}[place][0, 5] = np.nan
    clean = np.arange(21) != 5
    for isa, w in support.everywhere(lambda: kernels.weightnorm_forward(v, g)):
        assert np.isnan(w[:, 5]).any() == (place != "dw") and np.isfinite(w[:, clean]).all(), isa
    for isa, (dv, dg) in support.everywhere(lambda: kernels.weightnorm_backward(dw, v, g)):
        assert np.isnan(dv[:, 5]).any() and np.isfinite(dv[:, clean]).all(), isa
        assert np.isnan(dg[5]) == (place != "g") and np.isfinite(dg[clean]).all(), isa


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs torch")
def test_as_torch_computes_it_in_float64() -> None:
    """Its weights are (out, in)."""
    import torch
    from torch.nn.utils import parametrizations

    (v, g, dw), x = inputs((17, 9)), normal((5, 17), 4)
    dense = parametrizations.weight_norm(torch.nn.Linear(17, 9, bias=False, dtype=torch.float64), dim=0)
    length, direction = dense.parametrizations.weight.original0, dense.parametrizations.weight.original1
    with torch.no_grad():
        length.copy_(torch.tensor(g[:, None]))
        direction.copy_(torch.tensor(v.T.copy()))
    (dense(torch.tensor(x, dtype=torch.float64)) * torch.tensor(dw[:5])).sum().backward()
    w = kernels.weightnorm_forward(v, g)
    np.testing.assert_allclose(w.T, dense.weight.detach(), rtol=1e-6)
    dv, dg = kernels.weightnorm_backward(kernels.matmul(x, dw[:5], transpose_a=True), v, g)
    np.testing.assert_allclose(dv.T, direction.grad, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(dg, length.grad[:, 0], rtol=1e-4, atol=1e-5)


# ------------------------------------------------------------------------------------------------------- the edge

V, G, DW = whole((5, 7)), whole(7, 1), whole((5, 7), 2)


def test_edge() -> None:
    support.check_conversions(kernels.weightnorm_forward, (V, G), range(2))
    support.check_conversions(kernels.weightnorm_backward, (DW, V, G), range(3))
    support.check_refuses_kinds(kernels.weightnorm_forward, (V, G), {0: "v", 1: "g"})
    support.check_refuses_kinds(kernels.weightnorm_backward, (DW, V, G), {0: "dw", 1: "v", 2: "g"})
    support.check_out(kernels.weightnorm_forward, (V, G))
    for place in range(2):
        support.check_out_overlap(kernels.weightnorm_forward, (V, G), place)


@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (33, 17), (3, 130)], ids=str)
def test_memory_outside_the_arrays_is_left_alone(shape: tuple[int, int]) -> None:
    v, g, dw = inputs(shape)
    support.check_stays_inside(kernels.weightnorm_forward, (v, g), out=np.zeros_like(v))
    support.check_stays_inside(kernels.weightnorm_backward, (dw, v, g))


@pytest.mark.parametrize(
    ("kernel", "args", "words"),
    [
        ("weightnorm_forward", (V[0], G), ["v", (7,)]),
        ("weightnorm_forward", (V, G[:6]), ["g", (6,), (7,)]),
        ("weightnorm_forward", (V, None), ["g"]),
        ("weightnorm_backward", (DW[:4], V, G), ["dw", (4, 7), (5, 7)]),
        ("weightnorm_backward", (DW, V, DW), ["g", (5, 7), (7,)]),
    ],
)
def test_bad_arguments(kernel: str, args: tuple[Any, ...], words: list[Any]) -> None:
    support.check_refuses(lambda: getattr(kernels, kernel)(*args), *words)


# ------------------------------------------------------------------------------------------------------- the layer


def net_of(weight_norm: bool = True, units: int = 9) -> nn.Sequential:
    return nn.Sequential(
        nn.Dense(units, weight_norm=weight_norm), nn.ReLU(), nn.Dense(3, bias=False, weight_norm=weight_norm)
    )


def test_it_begins_as_the_layer_without_it() -> None:
    first, second = nn.Sequential(nn.Dense(9, init="he")), nn.Sequential(nn.Dense(9, init="he", weight_norm=True))
    for net in (first, second):
        net.build(6, seed=5)
    v, gain = second.parameters()["0.weight"], second.parameters()["0.gain"]
    assert list(second.parameters()) == ["0.weight", "0.bias", "0.gain"]
    support.assert_same_bits(v, first.parameters()["0.weight"])
    np.testing.assert_allclose(gain, np.sqrt(np.square(v.astype(np.float64)).sum(axis=0)), rtol=U)
    np.testing.assert_allclose(second.predict(np.eye(6)), first.predict(np.eye(6)), rtol=3.0 * U)


def test_a_residual_branch_that_begins_at_zero_can_learn() -> None:
    """Its gain is 0 then, and not its direction, which would have no way back."""
    X, y = blobs()
    net = nn.Sequential(nn.Residual(nn.Tanh(), nn.Dense(6, weight_norm=True), zero_init=True), nn.Dense(3))
    net.build(6)
    assert net.parameters()["0.1.weight"].all() and not net.parameters()["0.1.gain"].any()
    trained(net, X, y)
    assert net.parameters()["0.1.gain"].all()


def test_the_length_is_the_gain_alone() -> None:
    net = nn.Sequential(nn.Dense(4, weight_norm=True, bias=False))
    net.build(6)
    X = normal((5, 6))
    before = net.predict(X)
    net.parameters()["0.weight"][...] *= 8.0
    support.assert_same_bits(net.predict(X), before)
    net.parameters()["0.gain"][...] *= 2.0
    support.assert_same_bits(net.predict(X), 2.0 * before)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_training_follows_the_twin(decay: float) -> None:
    """The direction decays, the gain does not; and without weight norm the steps would be others."""
    X, y = blobs(60)
    net = net_of()
    net.build(6, seed=3)
    start, rate = net.state_dict(), 0.2
    orders = [kernels.permutation(60, 3, epoch, SHUFFLE_STREAM) for epoch in range(3)]
    batches = [(X[o[i : i + 16]], y[o[i : i + 16]]) for o in orders for i in range(0, 60, 16)]

    def sgd(name: str, w: np.ndarray, g: np.ndarray, slots: Any, step: int) -> np.ndarray:
        return reference_optimizer.sgd_update(w, g, rate, decay if name.endswith("weight") else 0.0)[0]

    want, _ = twin_training(net, start, batches, sgd)
    optimizer = optim.SGD(rate, weight_decay=decay)
    trained(net, X, y, {"optimizer": optimizer, "seed": 3}, epochs=3, batch_size=16)
    for name, array in net.state_dict().items():
        np.testing.assert_allclose(array, want[name], rtol=2e-4, atol=1e-5, err_msg=name)
        assert np.abs(array - start[name]).max() > 1e-3, name
    other = net_of(False)
    other.build(6, seed=3)
    other.load_state_dict({name: array for name, array in start.items() if not name.endswith("gain")})
    trained(other, X, y, {"optimizer": optimizer, "seed": 3}, epochs=3, batch_size=16)
    assert np.abs(other.state_dict()["0.weight"] - want["0.weight"]).max() > 1e-3


def test_the_same_bits_on_every_team() -> None:
    X, y = blobs(90, 300)

    def train() -> list[np.ndarray]:
        net = net_of(units=70)
        trained(net, X, y, epochs=1, batch_size=32)
        return [*net.state_dict().values(), net.predict(X)]

    for _ in support.everywhere(train):
        pass


def test_a_unit_of_zeros_stays_and_does_no_harm() -> None:
    X, y = blobs()
    net = net_of()
    net.build(6)
    net.parameters()["0.weight"][:, 2] = 0.0
    trained(net, X, y)
    assert all(np.isfinite(array).all() for array in net.state_dict().values())
    assert not net.state_dict()["0.weight"][:, 2].any()


@pytest.mark.parametrize("how", ["file", "deepcopy", "pickle"])
def test_copies(how: str, tmp_path: Path) -> None:
    X, y = blobs()
    net = net_of()
    trained(net, X, y)
    if how == "file":
        net.save(tmp_path / "m")
        back = nn.load(tmp_path / "m")
    else:
        back = copy.deepcopy(net) if how == "deepcopy" else pickle.loads(pickle.dumps(net))
    assert repr(back) == repr(net) and "weight_norm=True" in repr(back)
    assert_same_state(back.state_dict(), net.state_dict())
    support.assert_same_bits(back.predict(X), net.predict(X))
    for one in (net, back):
        trained(one, X, y)
    assert_same_state(back.state_dict(), net.state_dict())


@pytest.mark.parametrize("value", [1, 0.5, "yes", None])
def test_options_are_refused(value: Any) -> None:
    support.check_refuses(lambda: nn.Dense(3, weight_norm=value), "weight_norm", type(value).__name__)
