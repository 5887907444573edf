"""Orthonormal rows: against a QR decomposition in float64, and at the edge."""

import numpy as np
import pytest
import support
from support import normal, whole

from fastdl import kernels

SHAPES = [(0, 0), (0, 5), (1, 1), (1, 37), (2, 3), (16, 16), (17, 33), (31, 129), (200, 257)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_against_a_decomposition_in_float64(shape: tuple[int, int]) -> None:
    a = normal(shape)
    q, r = np.linalg.qr(a.astype(np.float64).T)
    want = (q * np.sign(np.diag(r))).T
    for isa, got in support.everywhere(lambda: kernels.orthonormalize(a)):
        support.assert_within(got, want, 1e-7, isa)


def test_rows_that_lean_on_each_other() -> None:
    """Of condition 10^6, and of very different lengths."""
    a = np.ones((20, 50), np.float32) + 1e-5 * normal((20, 50))
    a *= np.logspace(-15, 15, 20, dtype=np.float32)[:, None]
    for isa, got in support.everywhere(lambda: kernels.orthonormalize(a)):
        got = got.astype(np.float64)
        np.testing.assert_allclose(got @ got.T, np.eye(20), atol=3e-7, err_msg=isa)


def test_nan_spreads_to_the_rows_below() -> None:
    a = normal((4, 9))
    a[2, 3] = np.nan
    for isa, got in support.everywhere(lambda: kernels.orthonormalize(a)):
        assert np.isnan(got[2:]).all() and np.isfinite(got[:2]).all(), isa


X = whole((5, 17))


def test_edge() -> None:
    support.check_conversions(kernels.orthonormalize, (X,), (0,))
    support.check_refuses_kinds(kernels.orthonormalize, (X,), {0: "a"})
    support.check_out(kernels.orthonormalize, (X,))
    support.check_out_overlap(kernels.orthonormalize, (X,), 0)
    support.check_stays_inside(kernels.orthonormalize, (X,), out=np.zeros_like(X))
    for words, a in [
        (["a", "(3, 2)"], np.ones((3, 2))), (["a", "(2,)"], np.ones(2)), (["a", "row 0"], np.zeros((1, 3))),
        (["a", "row 2"], np.array([[1.0, 2, 3, 4], [0, 1, 7, 1], [2, 3, -1, 7]])),
    ]:  # fmt: skip
        support.check_refuses(lambda a=a: kernels.orthonormalize(a), *words)
