"""L1 and L2 penalties: value, gradient, edge."""

import numpy as np
import pytest
import reference_clip as ref
import support
from hypothesis import given
from hypothesis import strategies as st
from support import SHAPES, U, normal, whole

from fastdl import kernels


def penalised(w: np.ndarray, g: np.ndarray, c1: float, c2: float) -> tuple[float, np.ndarray]:
    g = g.copy()
    return kernels.penalty_l1l2(w, g, c1, c2), g


@pytest.mark.parametrize("factors", [(0.1, 0.0), (0.0, 0.1), (1e-3, 0.7), (0.0, 0.0)])
@pytest.mark.parametrize("shape", [*SHAPES, (40000,)], ids=str)
def test_penalty(shape: tuple[int, ...], factors: tuple[float, float]) -> None:
    w, g = normal(shape), normal(shape, 1)
    w[..., ::3] = 0.0
    c1, c2 = factors
    want, value = ref.penalty_l1l2(w, g, c1, c2)
    # The factors are rounded to float32, the sum twice.
    bound = U * (2.01 * (np.abs(g) + c1 + np.abs(2.0 * c2 * w)) + c1 + np.abs(2.0 * c2 * w))
    for isa, (got_value, got) in support.everywhere(lambda: penalised(w, g, c1, c2)):
        support.assert_within(got, want, bound, isa)
        assert got_value == pytest.approx(value, rel=1e-12, abs=1e-300), isa


def test_gradient_is_that_of_the_value() -> None:
    w = np.random.default_rng(0).normal(size=(4, 3))
    gradient, _ = ref.penalty_l1l2(w, np.zeros_like(w), 0.3, 0.2)
    for at in np.ndindex(w.shape):
        step = np.zeros_like(w)
        step[at] = 1e-6
        ends = [ref.penalty_l1l2(w + sign * step, w, 0.3, 0.2)[1] for sign in (1, -1)]
        assert gradient[at] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-3, abs=1e-5)


@support.property_test
@given(st.integers(0, 70), st.integers(0, 70), st.floats(0.0, 10.0), st.floats(0.0, 10.0))
def test_penalties_add_up(rows: int, columns: int, c1: float, c2: float) -> None:
    w, g = normal((rows, columns)), np.zeros((rows, columns), np.float32)
    both = kernels.penalty_l1l2(w, g, c1, c2)
    one, two = (kernels.penalty_l1l2(w, np.zeros_like(g), *c) for c in ((c1, 0.0), (0.0, c2)))
    assert both == pytest.approx(one + two, rel=1e-12, abs=1e-40)


def test_signs_and_what_is_not_finite() -> None:
    w = np.array([1e-30, -1e-30, 0.0, -0.0, np.inf, -np.inf, np.nan], np.float32)
    for _, (value, g) in support.everywhere(lambda: penalised(w, np.zeros(7, np.float32), 0.5, 0.0)):
        np.testing.assert_array_equal(g, [0.5, -0.5, 0.0, 0.0, 0.5, -0.5, np.nan])
        assert np.isnan(value)
    for _, (value, g) in support.everywhere(lambda: penalised(w[:6], np.zeros(6, np.float32), 0.0, 0.5)):
        np.testing.assert_array_equal(g, w[:6])
        assert value == np.inf
    for _, (value, g) in support.everywhere(lambda: penalised(w[6:], np.ones(1, np.float32), 0.0, 0.5)):
        assert np.isnan(value) and np.isnan(g[0])


def test_value_of_very_different_magnitudes() -> None:
    w = np.concatenate([np.full(5, 1e25), np.full(200000, 1e-25)]).astype(np.float32)
    assert kernels.penalty_l1l2(w, np.zeros_like(w), 0.0, 1.0) == pytest.approx(5e50, rel=1e-6)
    assert kernels.penalty_l1l2(w[5:], np.zeros(200000, np.float32), 0.0, 1.0) == pytest.approx(2e-45, rel=1e-6)


def test_edge() -> None:
    w, g = whole((5, 7)), whole((5, 7), 1)
    support.check_conversions(lambda w: penalised(w, g, 0.5, 0.25), (w,), (0,))
    support.check_refuses_kinds(lambda w: penalised(w, g, 0.5, 0.25), (w,), {0: "w"})
    support.check_in_place(lambda g: kernels.penalty_l1l2(w, g, 0.5), (g,), {0: "g"})
    for shape in ((7, 5), (35,), (5, 6)):
        support.check_refuses(lambda shape=shape: kernels.penalty_l1l2(np.zeros(shape), g), "w", shape, (5, 7))
    support.check_refuses(lambda: kernels.penalty_l1l2(g[:], g, 1.0), "g", "memory")
    for bad in (-1.0, np.nan, np.inf, 1e39, "1", None):
        support.check_refuses(lambda bad=bad: kernels.penalty_l1l2(w, g, bad), "c1")
        support.check_refuses(lambda bad=bad: kernels.penalty_l1l2(w, g, 0.0, bad), "c2")
    np.testing.assert_array_equal(g, whole((5, 7), 1))
    for shape in [(1, 1), (5, 7), (1, 1000)]:
        support.check_stays_inside(
            support.restoring(kernels.penalty_l1l2, 1), (normal(shape), normal(shape, 1), 0.5, 0.25)
        )
