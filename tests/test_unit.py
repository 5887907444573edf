"""Limits on the norm of each unit: adaptive gradient clipping and max-norm."""

from typing import Any

import numpy as np
import pytest
import reference_clip as ref
import support
from hypothesis import given
from hypothesis import strategies as st
from support import SHAPES, U, normal, whole

from fastdl import kernels


def spread(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Columns of very different sizes; the first is zero."""
    factors = 10.0 ** np.linspace(-4, 2, shape[-1])
    factors[0] = 0.0
    return (normal(shape, seed) * factors).astype(np.float32)


def max_normed(w: np.ndarray, limit: float) -> np.ndarray:
    w = w.copy()
    kernels.max_norm(w, limit)
    return w


def adaptively(w: Any, g: np.ndarray, *args: float) -> np.ndarray:
    g = g.copy()
    kernels.adaptive_clip(w, g, *args)
    return g


@pytest.mark.parametrize("shape", [*SHAPES, (5, 0), (2000, 40), (3, 700)], ids=str)
def test_max_norm(shape: tuple[int, int]) -> None:
    w = spread(shape) if shape[1] else normal(shape)
    for limit in (1e-3, 1.0, 1e6):
        want = ref.max_norm(w, limit)
        for isa, got in support.everywhere(lambda limit=limit: max_normed(w, limit)):
            support.assert_within(got, want, 2.01 * U * np.abs(want), isa)
            below = np.sqrt(np.square(w.astype(np.float64)).sum(axis=0)) <= limit
            support.assert_same_bits(got[:, below], w[:, below], isa)


@pytest.mark.parametrize("shape", [*SHAPES, (5, 0), (2000, 40), (3, 700), (1,), (37,), (40000,)], ids=str)
def test_adaptive_clip(shape: tuple[int, ...]) -> None:
    w, g = (spread(shape, seed) if shape[-1] and len(shape) == 2 else normal(shape, seed) for seed in (1, 2))
    g = g[..., ::-1].copy()  # so that large weights meet small gradients
    for args in ((), (0.5, 0.1), (1e6,)):
        want = ref.adaptive_clip(w, g, *args)
        for isa, got in support.everywhere(lambda args=args: adaptively(w, g, *args)):
            support.assert_within(got, want, 2.01 * U * np.abs(want), isa)


@support.property_test
@given(st.integers(1, 40), st.integers(1, 300), st.floats(1e-3, 1e3))
def test_no_column_is_longer_than_allowed(rows: int, columns: int, limit: float) -> None:
    w = spread((rows, columns), rows)
    short = np.linalg.norm(max_normed(w, limit).astype(np.float64), axis=0)
    assert (short <= limit * (1.0 + 2.01 * U)).all()
    g = np.linalg.norm(adaptively(w, w[:, ::-1].copy(), 0.01, 1e-3).astype(np.float64), axis=0)
    limits = 0.01 * np.maximum(np.linalg.norm(w.astype(np.float64), axis=0), 1e-3)
    assert (g <= limits * (1.0 + 2.01 * U)).all()


def test_units_are_columns_and_a_vector_is_one() -> None:
    w = np.array([[3.0, 0.3], [4.0, 0.4]], np.float32)
    np.testing.assert_allclose(max_normed(w, 1.0), [[0.6, 0.3], [0.8, 0.4]], rtol=2.0 * U)
    g = np.array([3.0, 4.0], np.float32)
    np.testing.assert_allclose(adaptively(np.zeros(2), g, 1.0, 1.0), [0.6, 0.8], rtol=2.0 * U)
    np.testing.assert_allclose(adaptively(np.zeros((1, 2)), g[None], 1.0, 1.0), [[1.0, 1.0]], rtol=2.0 * U)


def test_what_is_not_finite_stays_and_its_neighbours_are_scaled() -> None:
    for bad in (np.nan, np.inf, -np.inf):
        w = normal((6, 20), scale=10.0)
        w[2, 3] = bad
        others = np.arange(20) != 3
        for isa, got in support.everywhere(lambda w=w: max_normed(w, 1.0)):
            support.assert_same_bits(got[:, 3], w[:, 3], isa)
            np.testing.assert_allclose(np.linalg.norm(got[:, others], axis=0), 1.0, rtol=1e-6)
        for isa, got in support.everywhere(lambda w=w: adaptively(np.ones((6, 20)), w, 0.1)):
            support.assert_same_bits(got[:, 3], w[:, 3], isa)
        g = normal((6, 20), 5)
        for isa, got in support.everywhere(lambda w=w, g=g: adaptively(w, g, 1e-9)):
            support.assert_same_bits(got[:, 3], g[:, 3], isa)  # a weight that is not finite sets no limit
            assert (np.abs(got[:, others]) < np.abs(g[:, others])).all()


# ------------------------------------------------------------------------------------------------------- the edge


def test_edge() -> None:
    w, g = whole((5, 7)), whole((5, 7), 1) * 100.0
    support.check_conversions(lambda w: adaptively(w, g), (w,), (0,))
    support.check_refuses_kinds(lambda w: adaptively(w, g), (w,), {0: "w"})
    support.check_in_place(kernels.max_norm, (g, 1.0), {0: "w"})
    support.check_in_place(lambda g: kernels.adaptive_clip(w, g), (g,), {0: "g"})
    for shape in ((7, 5), (35,), (5, 6)):
        support.check_refuses(lambda shape=shape: kernels.adaptive_clip(np.zeros(shape), g), "w", shape, (5, 7))
    support.check_refuses(lambda: kernels.adaptive_clip(g[:], g), "g", "memory")
    support.check_refuses(lambda: kernels.max_norm(g[0], 1.0), "w", (7,))
    support.check_refuses(lambda: kernels.adaptive_clip(np.zeros((1, 2, 3)), np.zeros((1, 2, 3), np.float32)), "g")
    for bad in (0.0, -1.0, np.nan, "1", None):
        support.check_refuses(lambda bad=bad: kernels.max_norm(g, bad), "limit")
        support.check_refuses(lambda bad=bad: kernels.adaptive_clip(w, g, bad), "factor")
    for bad in (-1.0, np.nan, "1"):
        support.check_refuses(lambda bad=bad: kernels.adaptive_clip(w, g, 0.1, bad), "eps")
    np.testing.assert_array_equal(g, whole((5, 7), 1) * 100.0)
    for shape in [(1, 1), (5, 7), (3, 33)]:
        support.check_stays_inside(support.restoring(kernels.max_norm), (normal(shape), 0.01))
        support.check_stays_inside(support.restoring(kernels.adaptive_clip, 1), (normal(shape), normal(shape, 1)))
