"""The smooth bound: x near 0, never beyond the bound, whatever comes."""

import numpy as np
import pytest
import reference as ref
import support
from hypothesis import given
from hypothesis import strategies as st
from support import U, normal, whole

from fastdl import kernels


@pytest.mark.parametrize("clip", [1e-3, 1.0, 3.0, 1e6])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e10])
@pytest.mark.parametrize("shape", [*support.SHAPES, (5, 0)], ids=str)
def test_against_the_reference(clip: float, scale: float, shape: tuple[int, int]) -> None:
    x = normal(shape, scale=scale)
    want = ref.smooth_clip(x, clip)
    for isa, got in support.everywhere(lambda: kernels.smooth_clip(x, clip)):
        support.assert_within(got, want, 8.0 * U * np.abs(want), isa)


@support.property_test
@given(st.floats(width=32, allow_nan=False), st.floats(1e-30, 1e30))
def test_never_beyond_the_bound_and_odd(x: float, clip: float) -> None:
    y = kernels.smooth_clip([[x, -x]], clip)[0]
    assert abs(y[0]) <= np.float32(clip) * np.float32(1 + 2 * U) and abs(y[0]) <= abs(x)
    support.assert_same_bits(y[1], -y[0])


def test_rises_without_a_jump() -> None:
    x = np.linspace(-10, 10, 100001)
    y = kernels.smooth_clip(x[None], 3.0)[0].astype(np.float64)
    assert np.diff(y).min() > -8 * U * 3  # the two forms meet at |x| = clip


def test_extremes() -> None:
    x = np.array([[np.nan, np.inf, -np.inf, 3e38, -3e38, 0.0, -0.0]], np.float32)
    want = np.array([[np.nan, 3, -3, 3, -3, 0, -0.0]], np.float32)
    for isa, got in support.everywhere(lambda: kernels.smooth_clip(x, 3.0)):
        np.testing.assert_array_equal(got, want, err_msg=isa)
        assert np.signbit(got[0, 6]), isa


X = whole((5, 7))


def test_edge() -> None:
    support.check_conversions(kernels.smooth_clip, (X, 2.0), (0,))
    support.check_refuses_kinds(kernels.smooth_clip, (X, 2.0), {0: "x"})
    support.check_out(kernels.smooth_clip, (X, 2.0))
    support.check_out_overlap(kernels.smooth_clip, (X, 2.0), 0)
    for shape in [(1, 1), (5, 7), (3, 33), (17, 64)]:
        support.check_stays_inside(kernels.smooth_clip, (normal(shape), 2.0), out=np.zeros(shape, np.float32))
    for clip in (0.0, -1.0, float("nan"), float("inf"), 1e31, "3", None):
        support.check_refuses(lambda clip=clip: kernels.smooth_clip(X, clip), "clip")
    support.check_refuses(lambda: kernels.smooth_clip(X[0], 2.0), "x", "(7,)")
