"""Softmax of rows and its logarithm; the accuracy of softmax itself is in test_loss.py."""

import numpy as np
import pytest
import reference as ref
import support
from hypothesis import given
from hypothesis import strategies as st
from support import U, normal, whole

from fastdl import kernels

BOTH = ["softmax", "log_softmax"]


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0, 1e6])
@pytest.mark.parametrize("shape", support.SHAPES, ids=str)
def test_log_softmax(shape: tuple[int, int], scale: float) -> None:
    x = normal(shape, scale=scale)
    want = ref.log_softmax(x)
    bound = U * (shape[1] / 16.0 + 3.0 * np.abs(want) + 3.0 * np.log(max(shape[1], 1)) + 8.0)
    for isa, got in support.everywhere(lambda: kernels.log_softmax(x)):
        support.assert_within(got, want, bound, isa)


@support.property_test
@given(st.integers(0, 9), st.integers(1, 40), st.floats(-1e4, 1e4))
def test_one_is_the_logarithm_of_the_other(rows: int, columns: int, offset: float) -> None:
    x = normal((rows, columns), seed=columns, scale=3.0, offset=offset)
    p, log_p = kernels.softmax(x), kernels.log_softmax(x).astype(np.float64)
    np.testing.assert_allclose(np.exp(log_p), p, rtol=1e-5)
    np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-5)
    assert (log_p <= 1e-6).all()


@pytest.mark.parametrize("width", [3, 16, 37])
@pytest.mark.parametrize("name", BOTH)
def test_rows_that_are_not_finite(name: str, width: int) -> None:
    """Minus infinity is a class that cannot be; anything else that is not finite spoils its row, and no other."""
    x = normal((6, width))
    x[1, ::2] = -np.inf
    x[2, width // 2] = np.inf
    x[3, width - 1] = np.nan
    x[4] = -np.inf
    fine = [0, 1, 5]
    with np.errstate(divide="ignore"):
        want = getattr(ref, name)(x[fine])
    for isa, got in support.everywhere(lambda: getattr(kernels, name)(x)):
        assert np.isnan(got[[2, 3, 4]]).all(), isa
        np.testing.assert_allclose(got[fine], want, rtol=1e-5, atol=1e-6, err_msg=isa)
        assert (got[1, ::2] == (0.0 if name == "softmax" else -np.inf)).all(), isa


def test_logits_of_any_size() -> None:
    x = np.array([[3e38, -3e38, 0.0], [-1e4, -1e4, -1e4]], np.float32)
    want = [[0.0, -np.inf, -3e38], [-np.log(3)] * 3]
    for isa, got in support.everywhere(lambda: kernels.log_softmax(x)):
        np.testing.assert_allclose(got, want, rtol=1e-6, err_msg=isa)


X = whole((5, 7))


@pytest.mark.parametrize("name", BOTH)
def test_edge(name: str) -> None:
    kernel = getattr(kernels, name)
    support.check_conversions(kernel, (X,), (0,))
    support.check_refuses_kinds(kernel, (X,), {0: "x"})
    support.check_out(kernel, (X,))
    support.check_out_overlap(kernel, (X,), 0)
    for shape in [(1, 1), (5, 7), (3, 33), (17, 64)]:
        support.check_stays_inside(kernel, (normal(shape),), out=np.zeros(shape, np.float32))
    support.check_refuses(lambda: kernel(X[0]), "x", "(7,)")
    assert kernel(np.zeros((5, 0))).shape == (5, 0)
