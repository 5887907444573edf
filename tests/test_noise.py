"""Gaussian noise: the stream's normal deviates, whatever the shape and however the batch is cut."""

from pathlib import Path

import numpy as np
import pytest
import reference as ref
import reference_noise as twin
import support
from hypothesis import given
from hypothesis import strategies as st
from networks import blobs, trained
from support import U, assert_same_bits, normal, whole

from fastdl import kernels, nn

PLACE = (2**40 + 3, 5, 2)


@pytest.mark.parametrize("std", [0.0, 1e-3, 1.0, 1e20])
@pytest.mark.parametrize("shape", [*support.SHAPES, (63, 64), (5, 0)], ids=str)
def test_against_the_reference(std: float, shape: tuple[int, int]) -> None:
    x = normal(shape)
    want = twin.gaussian_noise(x, std, *PLACE)
    # Six roundings of the longest radius, one of std, one of the sum.
    bound = 7.0 * U * 5.77 * std + U * np.abs(want)
    for isa, got in support.everywhere(lambda: kernels.gaussian_noise(x, std, *PLACE)):
        support.assert_within(got, want, bound, isa)


@support.property_test
@given(st.integers(0, 40), st.integers(0, 70), st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1))
def test_deviates_are_those_of_random_normal(rows: int, columns: int, seed: int, step: int) -> None:
    zeros = np.zeros((rows, columns), np.float32)
    for isa in support.ISAS:
        with support.team(isa):
            got = kernels.gaussian_noise(zeros, 1.0, seed, step, 9)
            want = kernels.random_normal(rows * columns, seed, step, 9).reshape(rows, columns)
            np.testing.assert_array_equal(got, want)


def test_mean_and_std() -> None:
    y = kernels.gaussian_noise(np.ones((500, 1000)), 0.5, 3).astype(np.float64)
    assert abs(y.mean() - 1.0) < 5 * 0.5 / np.sqrt(y.size)
    assert y.std() == pytest.approx(0.5, rel=5 / np.sqrt(2 * y.size))


def test_what_is_not_finite_stays() -> None:
    x = np.tile(np.array([np.nan, np.inf, -np.inf], np.float32), (4, 12))
    for isa, got in support.everywhere(lambda: kernels.gaussian_noise(x, 1.0, 1)):
        np.testing.assert_array_equal(got, x, err_msg=isa)


X = whole((5, 7))


def test_edge() -> None:
    kernel = kernels.gaussian_noise
    support.check_conversions(kernel, (X, 0.5, 1), (0,))
    support.check_refuses_kinds(kernel, (X, 0.5, 1), {0: "x"})
    support.check_out(kernel, (X, 0.5, 1))
    support.check_out_overlap(kernel, (X, 0.5, 1), 0)
    for shape in [(1, 1), (5, 7), (3, 33), (17, 64)]:
        support.check_stays_inside(kernel, (normal(shape), 0.5, 1), out=np.zeros(shape, np.float32))
    for words, arguments in [
        (["std", -0.5], (X, -0.5, 1)), (["std", "nan"], (X, np.nan, 1)), (["std", "inf"], (X, np.inf, 1)),
        (["std", "str"], (X, "a", 1)), (["seed", -1], (X, 0.5, -1)), (["step", 2**32], (X, 0.5, 1, 2**32)),
        (["stream", "float"], (X, 0.5, 1, 0, 0.5)), (["x", (5,)], (X[:, 0], 0.5, 1)),
    ]:  # fmt: skip
        support.check_refuses(lambda arguments=arguments: kernel(*arguments), *words)


# ------------------------------------------------------------------------------------------------------- the layer


def test_in_training_the_layer_is_the_kernel_and_in_inference_nothing() -> None:
    x = normal((50, 13))
    net = nn.Sequential(nn.GaussianNoise(0.0), nn.GaussianNoise(0.2))
    net.build(13)
    assert_same_bits(net(x), x)
    want = kernels.gaussian_noise(x, 0.2, 7, 3, 1)  # the one before it takes stream 0, active or not
    assert_same_bits(net(x, training=True, seed=7, step=3), want)


def test_gradient_through_the_layer() -> None:
    X, _ = blobs(40)
    y = normal((40, 4), seed=1)
    net = nn.Sequential(nn.Dense(5), nn.GaussianNoise(0.3), nn.Dense(4))
    net.build(6)
    state = {name: array.astype(np.float64) for name, array in net.state_dict().items()}
    trained(net, X, y, {"loss": "mse", "optimizer": "sgd", "seed": 8}, epochs=1, batch_size=40)
    order = kernels.permutation(40, 8, 0, 1 << 29)
    hidden = ref.dense_forward(X[order], state["0.weight"], state["0.bias"])
    noisy = twin.gaussian_noise(hidden, 0.3, 8, 0, 0)
    _, dy = ref.mse(ref.dense_forward(noisy, state["2.weight"], state["2.bias"]), y[order])
    dx, dw, _ = ref.dense_backward(dy, noisy, state["2.weight"])
    for name, gradient in (("2.weight", dw), ("0.weight", X[order].astype(np.float64).T @ dx)):
        moved = (state[name] - net.state_dict()[name]) / 0.01
        np.testing.assert_allclose(moved, gradient, rtol=1e-3, atol=2e-5)


def test_every_step_and_layer_has_noise_of_its_own() -> None:
    x = np.zeros((20, 5), np.float32)
    net = nn.Sequential(nn.GaussianNoise(1.0))
    net.build(5)
    draws = [net(x, training=True, seed=seed, step=step) for seed, step in [(0, 0), (0, 1), (1, 0)]]
    assert all((draws[i] != draws[j]).all() for i, j in [(0, 1), (0, 2), (1, 2)])


def test_saved_and_loaded(tmp_path: Path) -> None:
    X, y = blobs()
    net = nn.Sequential(nn.GaussianNoise(0.25), nn.Dense(3))
    trained(net, X, y)
    net.save(tmp_path / "m.safetensors")
    loaded = nn.load(tmp_path / "m.safetensors")
    assert loaded.layers[0].std == 0.25
    assert_same_bits(loaded.predict(X), net.predict(X))
    assert_same_bits(loaded(X, training=True), net(X, training=True))


def test_auto_looks_past_it() -> None:
    nets = [nn.Sequential(nn.Dense(9), *between, nn.ReLU()) for between in ([], [nn.GaussianNoise(0.1)])]
    for net in nets:
        net.build(5)
    assert_same_bits(nets[1].state_dict()["0.weight"], nets[0].state_dict()["0.weight"])


def test_refuses() -> None:
    support.check_refuses(lambda: nn.GaussianNoise(-1.0), "std", -1.0)
    support.check_refuses(lambda: nn.GaussianNoise("a"), "std", "str")
