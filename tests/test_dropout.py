"""Dropout: the mask is a promise to the bit, and a good one statistically."""

import itertools

import numpy as np
import pytest
import reference as ref
import support
from hypothesis import given
from hypothesis import strategies as st
from support import U, normal, whole

from fastdl import kernels

RATES = [0.0, 1e-6, 0.1, 0.2, 0.5, 0.77, 0.999, 0.999999]
WORD = 2**32 - 1


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("shape", support.SHAPES, ids=str)
def test_forward_and_backward(rate: float, shape: tuple[int, int]) -> None:
    x, where = normal(shape), (2**40 + 3, 5, 2)
    want = ref.dropout_forward(x, rate, *where)
    for kernel in (kernels.dropout_forward, kernels.dropout_backward):
        for isa, got in support.everywhere(lambda kernel=kernel: kernel(x, rate, *where)):
            support.assert_within(got, want, 2.0 * U * np.abs(want), isa)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("shape", [*support.SHAPES, (1003,), (3, 5, 17)], ids=str)
def test_mask_is_the_published_formula(rate: float, shape: tuple[int, ...]) -> None:
    want = ref.dropout_mask(shape, rate, seed=11, step=3, stream=1)
    for isa, got in support.everywhere(lambda: kernels.dropout_mask(shape, rate, 11, 3, 1)):
        assert got.dtype == np.bool_
        np.testing.assert_array_equal(got, want, err_msg=isa)


@support.property_test
@given(
    st.integers(0, 40), st.integers(0, 40), st.floats(0, 0.99), st.integers(0, 2**64 - 1), st.integers(0, WORD),
    st.integers(0, WORD),
)  # fmt: skip
def test_mask_at_any_place(rows: int, columns: int, rate: float, seed: int, step: int, stream: int) -> None:
    if (rate * 65536) % 1 == 0.5:
        return  # a tie of the rounding to sixteenths of a thousandth: either neighbour is right
    want = ref.dropout_mask((rows, columns), rate, seed, step, stream)
    for isa, got in support.everywhere(lambda: kernels.dropout_mask((rows, columns), rate, seed, step, stream), (1, 2)):
        np.testing.assert_array_equal(got, want, err_msg=isa)


def test_a_frozen_mask() -> None:
    """These bits may never change: models are trained again from their seeds."""
    got = kernels.dropout_mask((2, 32), 0.5, seed=2013, step=7, stream=3)
    assert np.packbits(got, axis=1).tobytes().hex() == "073e09e0d9a53a7d"


@pytest.mark.parametrize("rate", RATES)
def test_mask_forward_and_backward_agree(rate: float) -> None:
    ones = np.ones((61, 77), np.float32)
    mask = kernels.dropout_mask(ones.shape, rate, 1, 2, 3)
    factor = np.float32(1.0 / (1.0 - rate))
    for kernel in (kernels.dropout_forward, kernels.dropout_backward):
        np.testing.assert_array_equal(kernel(ones, rate, 1, 2, 3), np.where(mask, factor, np.float32(0.0)))


def test_defaults_are_step_and_stream_zero() -> None:
    x = normal((9, 30))
    for kernel in (kernels.dropout_forward, kernels.dropout_backward):
        support.assert_same_bits(kernel(x, 0.3, 5), kernel(x, 0.3, 5, step=0, stream=0))
    np.testing.assert_array_equal(kernels.dropout_mask((9, 30), 0.3, 5), kernels.dropout_mask((9, 30), 0.3, 5, 0, 0))


def test_numpy_integers_are_integers() -> None:
    want = kernels.dropout_mask((9, 30), 0.3, 5, 6, 7)
    got = kernels.dropout_mask((np.int64(9), np.int8(30)), np.float32(0.3), np.uint64(5), np.int32(6), np.uint8(7))
    np.testing.assert_array_equal(got, want)


def test_rate_zero_is_the_identity() -> None:
    x = normal((33, 41), scale=1e30)
    for kernel in (kernels.dropout_forward, kernels.dropout_backward):
        for isa, got in support.everywhere(lambda kernel=kernel: kernel(x, 0.0, 1)):
            support.assert_same_bits(got, x, isa)


@pytest.mark.parametrize("rate", [0.01, 0.2, 0.5, 0.9])
def test_the_kept_fraction_is_right(rate: float) -> None:
    n = 400_000
    kept = np.concatenate([kernels.dropout_mask((100, 1000), rate, 17, step).ravel() for step in range(4)])
    assert abs(kept.mean() - (1.0 - rate)) < 4.5 * np.sqrt(rate * (1.0 - rate) / n)
    by_place = kept.reshape(-1, 8).mean(axis=0)  # each of the eight halves of a block by itself
    assert np.abs(by_place - (1.0 - rate)).max() < 4.5 * np.sqrt(rate * (1.0 - rate) / (n / 8))


def test_masks_of_different_places_are_not_related() -> None:
    """Rows, neighbours in a row, steps, streams, and seeds that differ in one bit of either half."""
    shape, rate = (200, 500), 0.3
    masks = [
        kernels.dropout_mask(shape, rate, seed, step, stream)
        for seed, step, stream in [
            (9, 0, 0), (9, 1, 0), (9, 0, 1), (9, 1, 1), (8, 0, 0), (9 + 2**32, 0, 0), (9 * 2**32, 0, 0), (9, 2**31, 0),
        ]
    ]  # fmt: skip
    signs = [(mask - (1.0 - rate)).ravel() for mask in masks]
    allowed = 4.5 * rate * (1.0 - rate) / np.sqrt(len(signs[0]))
    for one, other in itertools.combinations(signs, 2):
        assert abs((one * other).mean()) < allowed
    first = signs[0]
    for distance in [*range(1, 17), 499, 500, 501, 1000]:  # neighbours, rows below each other
        assert abs((first[distance:] * first[:-distance]).mean()) < allowed * 1.01
    assert len({row.tobytes() for row in masks[0]}) == shape[0]


def test_step_and_stream_are_not_interchangeable() -> None:
    assert (kernels.dropout_mask((10, 50), 0.5, 1, 2, 3) != kernels.dropout_mask((10, 50), 0.5, 1, 3, 2)).any()


def test_nan_passes_kept_or_dropped() -> None:
    x = np.full((9, 35), np.nan, np.float32)
    for kernel in (kernels.dropout_forward, kernels.dropout_backward):
        for isa, got in support.everywhere(lambda kernel=kernel: kernel(x, 0.5, 1)):
            assert np.isnan(got).all(), isa


# ------------------------------------------------------------------------------------------------------- the edge

X = whole((5, 7))


@pytest.mark.parametrize("name", ["dropout_forward", "dropout_backward"])
def test_edge(name: str) -> None:
    kernel, argument = getattr(kernels, name), "x" if name == "dropout_forward" else "dy"
    support.check_conversions(kernel, (X, 0.5, 1), (0,))
    support.check_refuses_kinds(kernel, (X, 0.5, 1), {0: argument})
    support.check_out(kernel, (X, 0.5, 1))
    support.check_out_overlap(kernel, (X, 0.5, 1), 0)
    for shape in [(1, 1), (5, 7), (3, 33), (17, 64)]:
        support.check_stays_inside(kernel, (normal(shape), 0.5, 1), out=np.zeros(shape, np.float32))


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5, np.nan, np.inf])
def test_a_rate_outside_its_domain_is_refused(rate: float) -> None:
    for call in (
        lambda: kernels.dropout_forward(X, rate, 1),
        lambda: kernels.dropout_backward(X, rate, 1),
        lambda: kernels.dropout_mask((2, 3), rate, 1),
    ):
        with pytest.raises(ValueError, match=f"rate.*{rate}"):
            call()


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("rate", "0.5", TypeError), ("rate", None, TypeError), ("seed", -1, ValueError), ("seed", 2**64, ValueError),
        ("seed", 1.5, TypeError), ("seed", "1", TypeError), ("step", -1, ValueError), ("step", 2**32, ValueError),
        ("step", 0.5, TypeError), ("stream", -1, ValueError), ("stream", 2**32, ValueError),
        ("stream", None, TypeError),
    ],
)  # fmt: skip
def test_bad_places_are_refused(name: str, value: object, error: type[Exception]) -> None:
    arguments = {"rate": 0.5, "seed": 1, "step": 0, "stream": 0, name: value}
    for call in (
        lambda: kernels.dropout_forward(X, **arguments),
        lambda: kernels.dropout_backward(X, **arguments),
        lambda: kernels.dropout_mask((2, 3), **arguments),
    ):
        with pytest.raises(error, match=name):
            call()


def test_bad_shapes_are_refused() -> None:
    for shape in [(-1, 3), (2.5, 3), "ab", None]:
        support.check_refuses(lambda shape=shape: kernels.dropout_mask(shape, 0.5, 1), "shape")
