"""The norm over all gradients and clipping by it."""

import math
from typing import Any

import numpy as np
import pytest
import reference as ref
import support
from hypothesis import given
from hypothesis import strategies as st
from support import U, normal, whole

from fastdl import kernels


def several(scale: float = 1.0, seed: int = 0) -> list[np.ndarray]:
    """Arrays as a network has them: matrices, vectors, one empty, one longer than a chunk."""
    shapes = [(17, 33), (33,), (0, 5), (1, 1), (301, 257), (7,)]
    return [normal(shape, seed + i, scale) for i, shape in enumerate(shapes)]


def check_norm(arrays: list[np.ndarray]) -> None:
    """Squares and sums are in float64, so that the result is better than float32 could hold."""
    want = ref.global_norm(arrays)
    for isa, got in support.everywhere(lambda: kernels.global_norm(arrays)):
        assert isinstance(got, float)
        assert got == pytest.approx(want, rel=1e-12, abs=0.0), isa


@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e-20, 1e10, 1e25, 1e37])
def test_norm(scale: float) -> None:
    check_norm(several(scale))


@support.property_test
@given(st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70)), max_size=5), st.integers(-30, 36))
def test_norm_of_any_arrays(shapes: list[tuple[int, int]], exponent: int) -> None:
    check_norm([normal(shape, i, 10.0**exponent) for i, shape in enumerate(shapes)])


def test_norm_of_very_different_magnitudes() -> None:
    check_norm([np.full((3, 5), 1e25, np.float32), np.full((400, 500), 1e-30, np.float32)])
    check_norm([np.full((3, 5), 1e-30, np.float32)])


def test_norm_of_nothing() -> None:
    assert kernels.global_norm([]) == 0.0
    assert kernels.global_norm([np.zeros((0, 4), np.float32)]) == 0.0
    assert kernels.global_norm([np.zeros((3, 4), np.float32)]) == 0.0
    assert kernels.clip_by_global_norm([], 1.0) == 0.0


def test_norm_shows_nan_and_infinity() -> None:
    for value in (np.nan, np.inf, -np.inf):
        arrays = several()
        arrays[4][200, 100] = value
        for isa, got in support.everywhere(lambda arrays=arrays: kernels.global_norm(arrays)):
            assert math.isnan(got) if math.isnan(value) else got == math.inf, isa


@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e25])
@pytest.mark.parametrize("part", [0.01, 0.999, 1.001, 100.0])
def test_clip(scale: float, part: float) -> None:
    """theta just below and just above the norm, and far from it."""
    arrays = several(scale)
    theta = part * ref.global_norm(arrays)
    want, norm = ref.clip_by_global_norm(arrays, theta)

    def clipped() -> tuple[Any, ...]:
        mine = [array.copy() for array in arrays]
        return kernels.clip_by_global_norm(mine, theta), *mine

    for isa, (got_norm, *got) in support.everywhere(clipped):
        assert got_norm == pytest.approx(norm, rel=1e-12), isa
        for one, exact, before in zip(got, want, arrays, strict=True):
            if part > 1.0:
                support.assert_same_bits(one, before, f"{isa}, below theta nothing changes")
            else:
                support.assert_within(one, exact, 2.5 * U * np.abs(exact), isa)


def test_clip_reaches_theta() -> None:
    arrays = several(1e3)
    kernels.clip_by_global_norm(arrays, 0.125)
    assert kernels.global_norm(arrays) == pytest.approx(0.125, rel=1e-6)


# ------------------------------------------------------------------------------------------------------- the edge


def test_edge() -> None:
    x = whole((5, 7))
    support.check_conversions(lambda a: kernels.global_norm([x, a]), (x,), (0,))
    support.check_refuses_kinds(lambda a: kernels.global_norm([x, a]), (x,), {0: "arrays"})
    for shape in [(1, 1), (5, 7), (1, 1000)]:
        support.check_stays_inside(lambda a: kernels.global_norm([a]), (normal(shape),))
    for bad in (x[0, 0], 3.0, None, "abc"):
        support.check_refuses(lambda bad=bad: kernels.global_norm(bad), "arrays")


def test_clip_refuses_what_it_cannot_change_in_place_before_changing_any() -> None:
    good = normal((5, 7), scale=100.0)
    before = good.copy()
    read_only = good.copy()
    read_only.flags.writeable = False
    for bad in (read_only, good.astype(np.float64), good.astype(">f4"), np.asfortranarray(good), good[:, ::2], [1.0]):
        support.check_refuses(lambda bad=bad: kernels.clip_by_global_norm([good, bad], 1.0), "arrays")
        np.testing.assert_array_equal(good, before)


@pytest.mark.parametrize("theta", [0.0, -1.0, np.nan, "1", None])
def test_theta_outside_its_domain(theta: Any) -> None:
    arrays = several()
    support.check_refuses(lambda: kernels.clip_by_global_norm(arrays, theta), "theta")
    support.assert_same_bits(tuple(arrays), tuple(several()))
