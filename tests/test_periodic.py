"""Periodic embeddings: each number beside mixtures of its waves, and their gradients."""

import numpy as np
import pytest
import reference_table as ref
import support
from hypothesis import given
from hypothesis import strategies as st
from networks import blobs
from support import U, normal, whole

import fastdl as fdl
from fastdl import kernels, nn, optim


def inputs(rows: int, n: int, k: int = 16, m: int = 3, seed: int = 0) -> tuple[np.ndarray, ...]:
    """x, frequency, phase, weight, bias."""
    weight = normal((k * m, n), seed + 3).reshape(k, m, n)
    return normal((rows, n), seed), normal((k, n), seed + 1), normal((k, n), seed + 2), weight, normal((m, n), seed + 4)


def check(rows: int, n: int, k: int = 16, m: int = 3, seed: int = 0) -> None:
    """The bounds that docs/kernels.md states."""
    x, frequency, phase, weight, bias = given = inputs(rows, n, k, m, seed)
    dy = normal((rows, (1 + m) * n), seed + 5)
    turns = np.abs(x[:, None].astype(np.float64) * frequency) + np.abs(phase)
    most = 2.0 * np.pi * turns.max(initial=0.0)
    size = np.abs(weight).sum(axis=0) + np.abs(bias)
    y = ref.periodic_forward(*given)
    bound = np.concatenate(
        [np.zeros((rows, n)), np.tile((most + k + 6.0) * U * size.reshape(1, m * n), (rows, 1))], axis=1
    )
    for isa, got in support.everywhere(lambda: kernels.periodic_forward(*given)):
        support.assert_within(got, y, bound, isa)
    want = ref.periodic_backward(dy, *given)
    dz = np.abs(dy[:, n:].reshape(rows, m, n))
    slope = 2.0 * np.pi * np.einsum("bmn,kmn->bkn", dz, np.abs(weight))
    loose = (most + 48.0 + m) * U
    bounds = (
        loose * (np.abs(dy[:, :n]) + (slope * np.abs(frequency)).sum(axis=1)),
        loose * (slope * np.abs(x)[:, None]).sum(axis=0),
        loose * slope.sum(axis=0),
        loose * np.broadcast_to(dz.sum(axis=0), weight.shape),
        loose * dz.sum(axis=0),
    )
    for isa, got in support.everywhere(lambda: kernels.periodic_backward(dy, *given)):
        for name, one, twin, limit in zip(("dx", "df", "dp", "dw", "db"), got, want, bounds, strict=True):
            support.assert_within(one, twin, limit, f"{isa}, {name}")


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (37, 1), (33, 17), (65, 16), (100, 33), (0, 3), (5, 0)], ids=str)
def test_any_shape(shape: tuple[int, int]) -> None:
    check(*shape)


@support.property_test
@given(st.integers(1, 40), st.integers(1, 20), st.integers(1, 20), st.integers(1, 8), st.integers(0, 9))
def test_any_small_shape(rows: int, n: int, k: int, m: int, seed: int) -> None:
    check(rows, n, k, m, seed)


def test_nan_and_large_numbers_pass_without_a_crash() -> None:
    x, *coefficients = inputs(4, 5)
    x[0, 0], x[1, 1], x[2, 2] = np.nan, np.inf, 1e30
    y = kernels.periodic_forward(x, *coefficients)
    assert np.isnan(y[0, [0, 5, 10, 15]]).all() and np.isnan(y[1, [6, 11]]).all()
    assert np.isfinite(y[2, [7, 12, 17]]).all()
    assert np.isfinite(np.delete(y[3], [])).all()


@pytest.mark.parametrize("power", [0, 10, 20, 21, 22, 23, 24, 30, 60, 126])
def test_any_number_of_turns(power: int) -> None:
    """Those of 2^23 and more are whole, the others exact: frequency is one, phase nought."""
    turns = np.ldexp(1.0 + np.arange(16) / 16.0, power).astype(np.float32)
    x = np.stack([turns, -turns, np.nextafter(turns, np.float32(0.0))])
    one, nought = np.ones((1, 16), np.float32), np.zeros((1, 16), np.float32)
    part = np.remainder(x.astype(np.float64), 1.0)
    weight = one.reshape(1, 1, 16)
    for isa, y in support.everywhere(lambda: kernels.periodic_forward(x, one, nought, weight, nought)):
        support.assert_within(y[:, 16:], np.cos(2.0 * np.pi * part), 4.0 * U, isa)
    dy = np.concatenate([np.zeros_like(x), np.ones_like(x)], axis=1)
    for isa, slopes in support.everywhere(lambda: kernels.periodic_backward(dy, x, one, nought, weight, nought)):
        want = -2.0 * np.pi * np.sin(2.0 * np.pi * part)
        support.assert_within(slopes[0], want, 40.0 * U, isa)


def test_edge() -> None:
    given = (whole((5, 7)), whole((4, 7)), whole((4, 7)), np.ones((4, 2, 7), np.float32), whole((2, 7)))
    support.check_conversions(kernels.periodic_forward, given, (0, 1, 2, 4))
    support.check_out(kernels.periodic_forward, given)
    for place, name in enumerate(("frequency", "phase", "weight", "bias"), start=1):
        bad = [*given]
        bad[place] = np.ones((3, 3), np.float32)
        support.check_refuses(lambda bad=bad: kernels.periodic_forward(*bad), name)
    support.check_refuses(lambda: kernels.periodic_forward(*given[:4], np.ones((9, 7))), "bias", "8")
    support.check_refuses(lambda: kernels.periodic_backward(np.ones((5, 7)), *given), "dy", "(5, 21)")


def test_a_network_learns_a_wave_that_a_plain_one_does_not() -> None:
    x = np.linspace(-1.0, 1.0, 512, dtype=np.float32)[:, None]
    y = np.sin(40.0 * x[:, 0])
    losses = []
    for layers in ([nn.PeriodicEmbedding(sigma=5.0)], []):
        net = nn.Sequential(*layers, nn.Dense(32), nn.ReLU(), nn.Dense(1))
        trainer = fdl.Trainer(net, "mse", optim.Adam(1e-2))
        losses.append(trainer.fit(x, y, epochs=60, batch_size=64, progress=False)["loss"][-1])
    assert losses[0] < 0.1 < losses[1]


def test_columns_that_are_not_embedded_pass() -> None:
    x = normal((6, 5))
    net = nn.Sequential(nn.PeriodicEmbedding(2, waves=4, mixtures=1))
    assert net.build(5) == (7,)
    y = net.predict(x)
    np.testing.assert_array_equal(y[:, :3], x[:, 2:])
    np.testing.assert_array_equal(y[:, 3:5], x[:, :2])


def test_coefficients_learn_at_their_own_rate() -> None:
    X, y = blobs(40)
    moved = []
    for rate in (1.0, 0.5):
        net = nn.Sequential(nn.PeriodicEmbedding(lr_factor=rate), nn.Dense(3, init="glorot"))
        net.build(X.shape[1])
        before = net.state_dict()
        fdl.Trainer(net, optimizer=optim.SGD(0.125)).fit(X, y, batch_size=40, progress=False)
        moved.append({name: array - before[name] for name, array in net.state_dict().items()})
    for name in ("0.frequency", "0.phase", "0.weight", "0.bias"):
        assert np.abs(moved[0][name]).max() > 1e-5, name
        np.testing.assert_allclose(moved[1][name], 0.5 * moved[0][name], rtol=0.05, atol=1e-5, err_msg=name)


def test_adam_moves_and_decays_phases_as_if_in_radians() -> None:
    net = nn.Sequential(nn.PeriodicEmbedding(lr_factor=0.1, decay=1.0))
    net.build(4)
    found = {name: (parameter.lr_factor, parameter.decay) for name, parameter in net.layers[0].parameters_.items()}
    radians = 2.0 * np.pi
    assert found.pop("phase") == pytest.approx((0.1 / radians, radians))
    assert found == dict.fromkeys(("frequency", "weight", "bias"), (0.1, 1.0))


@pytest.mark.parametrize(
    "options",
    [{"features": 0}, {"waves": 0}, {"mixtures": 9}, {"sigma": -1.0}, {"lr_factor": -1.0}, {"decay": -1.0}],
)
def test_bad_options_are_refused(options: dict[str, float]) -> None:
    support.check_refuses(lambda: nn.PeriodicEmbedding(**options), *options)  # type: ignore[arg-type]


def test_more_features_than_there_are_is_refused() -> None:
    support.check_refuses(lambda: nn.Sequential(nn.PeriodicEmbedding(9)).build(4), "features=9", "4")
