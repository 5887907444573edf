"""Alpha dropout: dropout's own mask, and an affine map that keeps mean 0 and variance 1."""

from pathlib import Path

import numpy as np
import pytest
import reference as ref
import reference_noise as twin
import support
from networks import blobs, trained
from support import U, assert_same_bits, normal, whole
from test_reference import gradcheck

from fastdl import kernels, nn

RATES = [0.0, 0.05, 0.5, 0.9, 0.999]
PLACE = (2**40 + 3, 5, 2)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("shape", support.SHAPES, ids=str)
def test_forward_and_backward(rate: float, shape: tuple[int, int]) -> None:
    x, a = normal(shape), twin.alpha_scale(rate)
    want = twin.alpha_dropout_forward(x, rate, *PLACE)
    bound = 4.0 * U * a * (np.abs(x) - twin.ALPHA * (1.0 + rate))
    for isa, got in support.everywhere(lambda: kernels.alpha_dropout_forward(x, rate, *PLACE)):
        support.assert_within(got, want, bound, isa)
    want = twin.alpha_dropout_backward(x, rate, *PLACE)
    for isa, got in support.everywhere(lambda: kernels.alpha_dropout_backward(x, rate, *PLACE)):
        support.assert_within(got, want, 2.0 * U * np.abs(want), isa)


def test_gradient_of_the_reference() -> None:
    x, dy = np.random.default_rng(0).normal(size=(2, 7, 5))
    gradcheck(
        lambda x: twin.alpha_dropout_forward(x, 0.4, *PLACE), [twin.alpha_dropout_backward(dy, 0.4, *PLACE)], [x], dy
    )


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.7])
def test_mean_and_variance_stay(rate: float) -> None:
    y = kernels.alpha_dropout_forward(normal((1000, 1000), seed=3), rate, 1).astype(np.float64)
    assert abs(y.mean()) < 5e-3
    assert y.var() == pytest.approx(1.0, abs=1e-2)


def test_the_mask_is_that_of_dropout() -> None:
    x = np.abs(normal((61, 77)))
    y = kernels.alpha_dropout_forward(x, 0.3, 1, 2, 3)
    np.testing.assert_array_equal(y == y.min(), ~kernels.dropout_mask(x.shape, 0.3, 1, 2, 3))


def test_nan_passes_kept_or_dropped() -> None:
    x = np.full((9, 35), np.nan, np.float32)
    for kernel in (kernels.alpha_dropout_forward, kernels.alpha_dropout_backward):
        for isa, got in support.everywhere(lambda kernel=kernel: kernel(x, 0.5, 1)):
            assert np.isnan(got).all(), isa


X = whole((5, 7))


@pytest.mark.parametrize("name", ["alpha_dropout_forward", "alpha_dropout_backward"])
def test_edge(name: str) -> None:
    kernel, argument = getattr(kernels, name), "x" if name.endswith("forward") else "dy"
    support.check_conversions(kernel, (X, 0.5, 1), (0,))
    support.check_refuses_kinds(kernel, (X, 0.5, 1), {0: argument})
    support.check_out(kernel, (X, 0.5, 1))
    support.check_out_overlap(kernel, (X, 0.5, 1), 0)
    for shape in [(1, 1), (5, 7), (3, 33), (17, 64)]:
        support.check_stays_inside(kernel, (normal(shape), 0.5, 1), out=np.zeros(shape, np.float32))
    for words, arguments in [
        (["rate", 1.0], (X, 1.0, 1)), (["rate", "nan"], (X, np.nan, 1)), (["rate", "str"], (X, "a", 1)),
        (["seed", -1], (X, 0.5, -1)), (["step", 2**32], (X, 0.5, 1, 2**32)), (["stream", "float"], (X, 0.5, 1, 0, 0.5)),
        ([argument, (5,)], (X[:, 0], 0.5, 1)),
    ]:  # fmt: skip
        support.check_refuses(lambda arguments=arguments: kernel(*arguments), *words)


# ------------------------------------------------------------------------------------------------------- the layer


def test_in_training_the_layer_is_the_kernel_and_in_inference_nothing() -> None:
    x = normal((50, 13))
    net = nn.Sequential(nn.Dropout(0.0), nn.AlphaDropout(0.4))
    net.build(13)
    assert_same_bits(net(x), x)
    want = kernels.alpha_dropout_forward(x, 0.4, 7, 3, 1)  # the dropout before it takes stream 0, active or not
    assert_same_bits(net(x, training=True, seed=7, step=3), want)


def test_gradient_through_the_layer() -> None:
    """A step of SGD at rate 1 on the mean square moves the weights by the gradient."""
    X, _ = blobs(40)
    y = normal((40, 4), seed=1)
    net = nn.Sequential(nn.Dense(5), nn.AlphaDropout(0.3), nn.Dense(4))
    net.build(6)
    state = {name: array.astype(np.float64) for name, array in net.state_dict().items()}
    trained(net, X, y, {"loss": "mse", "optimizer": "sgd", "seed": 8}, epochs=1, batch_size=40)
    order = kernels.permutation(40, 8, 0, 1 << 29)
    hidden = ref.dense_forward(X[order], state["0.weight"], state["0.bias"])
    dropped = twin.alpha_dropout_forward(hidden, 0.3, 8, 0, 0)
    _, dy = ref.mse(ref.dense_forward(dropped, state["2.weight"], state["2.bias"]), y[order])
    dx, *_ = ref.dense_backward(dy, dropped, state["2.weight"])
    _, dw, _ = ref.dense_backward(twin.alpha_dropout_backward(dx, 0.3, 8, 0, 0), X[order], state["0.weight"])
    moved = (state["0.weight"] - net.state_dict()["0.weight"]) / 0.01
    np.testing.assert_allclose(moved, dw, rtol=1e-3, atol=2e-5)


def test_saved_and_loaded(tmp_path: Path) -> None:
    X, y = blobs()
    net = nn.Sequential(nn.Dense(8), nn.AlphaDropout(0.25), nn.Dense(3))
    trained(net, X, y)
    net.save(tmp_path / "m.safetensors")
    loaded = nn.load(tmp_path / "m.safetensors")
    assert loaded.layers[1].rate == 0.25
    assert_same_bits(loaded.predict(X), net.predict(X))
    assert_same_bits(loaded(X, training=True), net(X, training=True))


def test_auto_looks_past_it() -> None:
    nets = [nn.Sequential(nn.Dense(9), *between, nn.ReLU()) for between in ([], [nn.AlphaDropout(0.1)])]
    for net in nets:
        net.build(5)
    assert_same_bits(nets[1].state_dict()["0.weight"], nets[0].state_dict()["0.weight"])


def test_refuses() -> None:
    support.check_refuses(lambda: nn.AlphaDropout(1.0), "rate", 1.0)
    support.check_refuses(lambda: nn.AlphaDropout("a"), "rate", "str")
