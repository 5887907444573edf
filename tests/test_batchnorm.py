"""Batch norm: statistics that survive large offsets and outliers, the normalisation, and its gradient."""

from typing import Any

import numpy as np
import pytest
import reference as ref
import support
from hypothesis import given
from hypothesis import strategies as st
from support import U, normal, whole

from fastdl import kernels

SHAPES = [shape for shape in support.SHAPES if shape[0]]


def inputs(shape: tuple[int, int], offset: float = 0.0, scale: float = 1.0) -> tuple[np.ndarray, ...]:
    """x (B, F), gamma, beta (F,), dy (B, F)."""
    features = shape[1]
    return normal(shape, 0, scale, offset), normal(features, 1, offset=1.0), normal(features, 2), normal(shape, 3)


def outliers(row: int, size: float) -> np.ndarray:
    """Ordinary numbers with one row far off. Shifting by that row, or squaring before subtracting, loses the rest."""
    x = normal((64, 37))
    x[row] += size
    return x


def check_stats(x: np.ndarray) -> None:
    """Float64 throughout: even an outlier in the first row, from which sums are taken, costs only a factor of B."""
    mean, var = ref.batchnorm_stats(x)
    bound = 8.0 * len(x) * 2.0**-53
    for isa, (got_mean, got_var) in support.everywhere(lambda: kernels.batchnorm_stats(x)):
        support.assert_within(got_mean, mean, bound * np.abs(x).max(axis=0), f"{isa}, mean", np.float64)
        support.assert_within(got_var, var, bound * var, f"{isa}, var", np.float64)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("distribution", [(0.0, 1.0), (1e4, 1.0), (-1e4, 1e-2), (1e6, 0.25), (0.0, 1e-8), (0.0, 1e15)])
def test_stats(shape: tuple[int, int], distribution: tuple[float, float]) -> None:
    offset, scale = distribution
    check_stats(normal(shape, 0, scale, offset))


@pytest.mark.parametrize("row", [0, 1, 31, 63])
@pytest.mark.parametrize("size", [1e4, -1e6, 1e12])
def test_stats_with_one_outlier_row(row: int, size: float) -> None:
    check_stats(outliers(row, size))


@support.property_test
@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from([0.0, 1e4, -3e5]), st.integers(0, 9))
def test_stats_at_any_small_shape(rows: int, features: int, offset: float, seed: int) -> None:
    check_stats(normal((rows, features), seed, offset=offset))


def test_constant_columns_and_single_rows_have_no_variance() -> None:
    for x in (np.full((70, 33), 0.1, np.float32), normal((1, 33), offset=1e4), np.full((129, 3), 1e4, np.float32)):
        for isa, (mean, var) in support.everywhere(lambda x=x: kernels.batchnorm_stats(x)):
            np.testing.assert_array_equal(mean, x[0], err_msg=isa)
            np.testing.assert_array_equal(var, 0.0, err_msg=isa)


@pytest.mark.parametrize("shape", support.SHAPES, ids=str)
@pytest.mark.parametrize(("offset", "eps"), [(0.0, 1e-5), (1e4, 1e-3), (-1e4, 0.1)])
def test_forward(shape: tuple[int, int], offset: float, eps: float) -> None:
    """Given its mean, an offset costs nothing: x - mean is small and nearly exact."""
    x, gamma, beta, _ = inputs(shape, offset)
    mean, var = normal(shape[1], 4, offset=offset), np.square(normal(shape[1], 5))
    want = ref.batchnorm_forward(x, gamma, beta, mean, var, eps)
    bound = U * (6.0 * np.abs(want - beta) + np.abs(want) + np.abs(beta))
    for isa, got in support.everywhere(lambda: kernels.batchnorm_forward(x, gamma, beta, mean, var, eps)):
        support.assert_within(got, want, bound, isa)


def test_eps_is_inside_the_root_and_its_default() -> None:
    x, gamma, beta, _ = inputs((5, 3))
    mean, var = np.zeros(3, np.float32), np.zeros(3, np.float32)
    want = ref.f64(x) * gamma / np.sqrt(1e-5) + beta
    support.assert_within(kernels.batchnorm_forward(x, gamma, beta, mean, var), want, 8.0 * U * np.abs(want - beta))
    want = ref.f64(x) * gamma / np.sqrt(0.25) + beta
    got = kernels.batchnorm_forward(x, gamma, beta, mean, var, eps=0.25)
    support.assert_within(got, want, 8.0 * U * (np.abs(want) + np.abs(beta)))


def check_backward(x: np.ndarray, gamma: np.ndarray, dy: np.ndarray, eps: float) -> None:
    mean, var = ref.batchnorm_stats(x)
    want_dx, want_dgamma, want_dbeta = ref.batchnorm_backward(dy, x, gamma, mean, var, eps)
    inverse_std = 1.0 / np.sqrt(ref.f64(var) + eps)
    normalised = (ref.f64(x) - mean) * inverse_std
    parts = np.abs(dy) + np.abs(want_dbeta) / len(x) + np.abs(normalised * want_dgamma) / len(x)
    # both sums in float64: no factor for their length, one rounding for each term and a few at the end
    dgamma_bound = 3.0 * U * np.abs(dy * normalised).sum(axis=0) + 4.0 * U * np.abs(want_dgamma)
    dbeta_bound = 1.01 * U * np.abs(want_dbeta) + 2.0**-45 * np.abs(dy).sum(axis=0)
    dx_bound = np.abs(gamma) * inverse_std * (8.0 * U * parts + np.abs(normalised) * dgamma_bound / len(x))
    call = (dy, x, gamma, mean, var, eps)
    for isa, (dx, dgamma, dbeta) in support.everywhere(lambda: kernels.batchnorm_backward(*call)):
        support.assert_within(dgamma, want_dgamma, dgamma_bound, f"{isa}, dgamma")
        support.assert_within(dbeta, want_dbeta, dbeta_bound, f"{isa}, dbeta")
        support.assert_within(dx, want_dx, dx_bound, f"{isa}, dx")


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_backward(shape: tuple[int, int], offset: float) -> None:
    x, gamma, _, dy = inputs(shape, offset)
    check_backward(x, gamma, dy, 1e-5)


def test_backward_with_an_outlier_row_and_dy_of_large_mean() -> None:
    x, gamma, dy = outliers(0, 1e5), normal(37, 1), normal((64, 37), 2, offset=1e3)
    check_backward(x, gamma, dy, 1e-5)


@support.property_test
@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from([1e-5, 1e-2, 1.0]), st.integers(0, 9))
def test_backward_at_any_small_shape(rows: int, features: int, eps: float, seed: int) -> None:
    check_backward(normal((rows, features), seed), normal(features, 1), normal((rows, features), seed + 10), eps)


@pytest.mark.parametrize("x", [normal((500, 40), offset=1e4), normal((500, 40), 0, 0.01, -1e4), outliers(0, 1e4)])
def test_large_offsets_and_outliers_survive_the_whole_way(x: np.ndarray) -> None:
    """Statistics, then normalisation, as good as without an offset: the mean is not rounded to float32 in between."""
    gamma, beta = normal(x.shape[1], 1), normal(x.shape[1], 2)
    want = ref.batchnorm_forward(x, gamma, beta, *ref.batchnorm_stats(x))
    for isa, got in support.everywhere(lambda: kernels.batchnorm_forward(x, gamma, beta, *kernels.batchnorm_stats(x))):
        support.assert_within(got, want, 16.0 * U * (np.abs(gamma) * (1.0 + np.abs(want)) + np.abs(beta)), isa)


def test_a_row_does_not_depend_on_the_other_rows() -> None:
    x, gamma, beta, _ = inputs((29, 45))
    mean, var = kernels.batchnorm_stats(x)
    whole = kernels.batchnorm_forward(x, gamma, beta, mean, var)
    for i in range(29):
        support.assert_same_bits(kernels.batchnorm_forward(x[i : i + 1], gamma, beta, mean, var), whole[i : i + 1])


def test_nan_stays_in_its_column() -> None:
    x = normal((20, 37))
    x[3, 5] = np.nan
    clean = np.arange(37) != 5
    for isa, (mean, var) in support.everywhere(lambda: kernels.batchnorm_stats(x)):
        assert np.isnan(mean[5]), isa
        assert np.isnan(var[5]), isa
        assert np.isfinite(mean[clean]).all(), isa
        assert np.isfinite(var[clean]).all(), isa


def test_no_rows() -> None:
    x, vector = np.zeros((0, 5), np.float32), np.ones(5, np.float32)
    support.check_refuses(lambda: kernels.batchnorm_stats(x), "x", (0, 5))
    for _, (dx, dgamma, dbeta) in support.everywhere(lambda: kernels.batchnorm_backward(x, x, vector, vector, vector)):
        assert dx.shape == (0, 5)
        np.testing.assert_array_equal([dgamma, dbeta], 0.0)


# ------------------------------------------------------------------------------------------------------- the edge

X, DY = whole((5, 7)), whole((5, 7), 1)
GAMMA, BETA, MEAN, VAR = (whole(7, seed) for seed in range(2, 6))
VAR = np.abs(VAR) + 1.0


def test_edge() -> None:
    support.check_conversions(kernels.batchnorm_stats, (X,), (0,))
    support.check_conversions(kernels.batchnorm_forward, (X, GAMMA, BETA, MEAN, VAR), range(5))
    support.check_conversions(kernels.batchnorm_backward, (DY, X, GAMMA, MEAN, VAR), range(5))
    names = ("x", "gamma", "beta", "mean", "var")
    support.check_refuses_kinds(kernels.batchnorm_stats, (X,), {0: "x"})
    support.check_refuses_kinds(kernels.batchnorm_forward, (X, GAMMA, BETA, MEAN, VAR), dict(enumerate(names)))
    names = ("dy", "x", "gamma", "mean", "var")
    support.check_refuses_kinds(kernels.batchnorm_backward, (DY, X, GAMMA, MEAN, VAR), dict(enumerate(names)))
    support.check_out(kernels.batchnorm_forward, (X, GAMMA, BETA, MEAN, VAR))
    for place in range(3):
        support.check_out_overlap(kernels.batchnorm_forward, (X, GAMMA, BETA, MEAN, VAR), place)


@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (33, 17), (3, 130)], ids=str)
def test_memory_outside_the_arrays_is_left_alone(shape: tuple[int, int]) -> None:
    x, gamma, beta, dy = inputs(shape)
    mean, var = kernels.batchnorm_stats(x)
    support.check_stays_inside(kernels.batchnorm_stats, (x,))
    support.check_stays_inside(kernels.batchnorm_forward, (x, gamma, beta, mean, var), out=dy)
    support.check_stays_inside(kernels.batchnorm_backward, (dy, x, gamma, mean, var))


@pytest.mark.parametrize(
    ("kernel", "args", "words"),
    [
        ("batchnorm_stats", (X[0],), ["x", (7,)]),
        ("batchnorm_forward", (X, GAMMA[:6], BETA, MEAN, VAR), ["gamma", (6,), (7,)]),
        ("batchnorm_forward", (X, GAMMA, BETA[:1], MEAN, VAR), ["beta", (1,), (7,)]),
        ("batchnorm_forward", (X, GAMMA, BETA, X, VAR), ["mean", (5, 7), (7,)]),
        ("batchnorm_forward", (X, GAMMA, BETA, MEAN, VAR[:5]), ["var", (5,), (7,)]),
        ("batchnorm_backward", (DY[:4], X, GAMMA, MEAN, VAR), [(4, 7), (5, 7)]),
        ("batchnorm_backward", (DY, X, GAMMA[:6], MEAN, VAR), ["gamma", (6,), (7,)]),
        ("batchnorm_backward", (DY, X, GAMMA, MEAN[:6], VAR), ["mean", (6,), (7,)]),
        ("batchnorm_forward", (X, GAMMA, BETA, MEAN, VAR, -1.0), ["eps", "-1"]),
        ("batchnorm_forward", (X, GAMMA, BETA, MEAN, VAR, np.nan), ["eps", "nan"]),
        ("batchnorm_backward", (DY, X, GAMMA, MEAN, VAR, "1e-5"), ["eps"]),
    ],
)
def test_bad_arguments(kernel: str, args: tuple[Any, ...], words: list[Any]) -> None:
    support.check_refuses(lambda: getattr(kernels, kernel)(*args), *words)
