"""A factor for each feature, and its gradient."""

import numpy as np
import pytest
import reference_table as ref
import support
from networks import blobs
from support import U, normal, whole

import fastdl as fdl
from fastdl import kernels, nn, optim

SHAPES = [*support.SHAPES, (5, 0), (0, 0), (70, 33)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_against_the_reference(shape: tuple[int, int]) -> None:
    x, dy, factor = normal(shape), normal(shape, 1), normal(shape[1], 2)
    want = ref.feature_scale_backward(dy, x, factor)
    sizes = np.abs(dy.astype(np.float64) * x).sum(axis=0)
    for isa, y in support.everywhere(lambda: kernels.feature_scale_forward(x, factor)):
        support.assert_same_bits(y, x * factor, isa)
    for isa, (dx, dfactor) in support.everywhere(lambda: kernels.feature_scale_backward(dy, x, factor)):
        support.assert_same_bits(dx, dy * factor, isa)
        support.assert_within(dfactor, want[1], 1.01 * U * np.abs(want[1]) + 2.0**-45 * sizes, isa)


def test_edge() -> None:
    X, factor = whole((5, 7)), whole(7)
    support.check_conversions(kernels.feature_scale_forward, (X, factor), (0, 1))
    support.check_refuses_kinds(kernels.feature_scale_forward, (X, factor), {0: "x", 1: "factor"})
    support.check_out(kernels.feature_scale_forward, (X, factor))
    support.check_out_overlap(kernels.feature_scale_forward, (X, factor), 0)
    support.check_conversions(kernels.feature_scale_backward, (X, X, factor), (0, 1, 2))
    support.check_refuses(lambda: kernels.feature_scale_forward(X, factor[:3]), "factor", "(7,)")
    support.check_refuses(lambda: kernels.feature_scale_backward(X[:2], X, factor), "dy", "(5, 7)")
    for shape in [(1, 1), (5, 7), (3, 33)]:
        of_shape = (normal(shape), normal(shape[1]))
        support.check_stays_inside(kernels.feature_scale_forward, of_shape, out=np.zeros(shape, np.float32))


def test_a_training_step_moves_factors_and_their_rate_is_multiplied() -> None:
    """y = x factor w: with SGD the factors go against the gradient, six times as fast as without lr_factor."""
    X, y = blobs(40)
    moved = []
    for rate in (1.0, 6.0):
        net = nn.Sequential(nn.FeatureScale(rate), nn.Dense(3, init="glorot"))
        fdl.Trainer(net, optimizer=optim.SGD(0.125)).fit(X, y, batch_size=40, progress=False)
        moved.append(net.parameters()["0.factor"].astype(np.float64) - 1.0)
    assert np.abs(moved[0]).max() > 1e-4
    np.testing.assert_allclose(moved[1], 6.0 * moved[0], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("decay", [0.0, 1.5])
def test_factors_decay_when_asked(decay: float) -> None:
    net = nn.Sequential(nn.FeatureScale(decay=decay), nn.Dense(2))
    net.build(4)
    assert [segment.decay for segment in net.segments()] == [decay, 1.0, 0.0]


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_bad_rates_are_refused(value: float) -> None:
    support.check_refuses(lambda: nn.FeatureScale(value), "lr_factor")
    support.check_refuses(lambda: nn.FeatureScale(decay=value), "decay")
