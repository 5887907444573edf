"""ReLU and tanh, forward and from the output backward."""

import numpy as np
import pytest
import reference as ref
import support
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support import U, normal, whole

from fastdl import kernels

KINDS = ["relu", "tanh"]
TANH_ULPS = 4.0
EVERY_EXPONENT = np.arange(0, 0x7F80_0000, 2039, dtype=np.uint32).view(np.float32)  # a million floats from 0 to inf


def ulp(y: np.ndarray) -> np.ndarray:
    """Distance to the next float32 at y."""
    return np.spacing(np.abs(y).astype(np.float32)).astype(np.float64)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", support.SHAPES, ids=str)
def test_forward(kind: str, shape: tuple[int, int]) -> None:
    x = normal(shape, scale=2.0)
    want = ref.activation_forward(x, kind)
    for isa, got in support.everywhere(lambda: kernels.activation_forward(x, kind)):
        support.assert_within(got, want, 0.0 if kind == "relu" else TANH_ULPS * ulp(want), isa)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", support.SHAPES, ids=str)
def test_backward(kind: str, shape: tuple[int, int]) -> None:
    dy, y = normal(shape), ref.activation_forward(normal(shape, seed=1), kind).astype(np.float32)
    want = ref.activation_backward(dy, y, kind)
    for isa, got in support.everywhere(lambda: kernels.activation_backward(dy, y, kind)):
        support.assert_within(got, want, 0.0 if kind == "relu" else 3.0 * U * np.abs(dy), isa)


@support.property_test
@given(
    hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.floats(width=32)),
    st.sampled_from(KINDS),
)
def test_forward_of_anything(x: np.ndarray, kind: str) -> None:
    """Any float32 at all, also NaN, infinities and subnormals."""
    want = ref.activation_forward(x, kind)
    for isa, got in support.everywhere(lambda: kernels.activation_forward(x, kind), (1, 2)):
        np.testing.assert_array_equal(np.isnan(got), np.isnan(want), err_msg=isa)
        numbers = np.isfinite(want)
        np.testing.assert_array_equal(got[~numbers], want[~numbers].astype(np.float32), err_msg=isa)
        support.assert_within(
            got[numbers], want[numbers], TANH_ULPS * ulp(want[numbers]) if kind == "tanh" else 0.0, isa
        )


def test_tanh_over_the_whole_range() -> None:
    want = ref.activation_forward(EVERY_EXPONENT, "tanh")[None]
    for isa in support.ISAS:
        with support.team(isa):
            positive = kernels.activation_forward(EVERY_EXPONENT[None], "tanh")
            negative = kernels.activation_forward(-EVERY_EXPONENT[None], "tanh")
        support.assert_within(positive, want, TANH_ULPS * ulp(want), isa)
        assert positive.max() == 1.0, isa
        np.testing.assert_array_equal(negative, -positive, err_msg=isa)


def test_special_values() -> None:
    x = np.array([[np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-30, -1e-30, 3e38, -3e38]], np.float32)
    for isa, got in support.everywhere(lambda: kernels.activation_forward(x, "relu")):
        np.testing.assert_array_equal(got, np.array([[np.nan, np.inf, 0, 0, 0, 1e-30, 0, 3e38, 0]], "f"), err_msg=isa)
    for isa, got in support.everywhere(lambda: kernels.activation_forward(x, "tanh")):
        np.testing.assert_array_equal(got, np.array([[np.nan, 1, -1, 0, 0, 1e-30, -1e-30, 1, -1]], "f"), err_msg=isa)


def test_nan_in_the_gradient_is_passed_on() -> None:
    dy = np.full((1, 33), np.nan, np.float32)
    for kind in KINDS:
        for _, got in support.everywhere(lambda kind=kind: kernels.activation_backward(dy, dy * 0 + 0.5, kind)):
            assert np.isnan(got).all()


# ------------------------------------------------------------------------------------------------------- the edge

X, Y = whole((5, 7)), whole((5, 7), 1)


@pytest.mark.parametrize("kind", KINDS)
def test_edge(kind: str) -> None:
    def forward(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        return kernels.activation_forward(x, kind, out=out)

    def backward(dy: np.ndarray, y: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        return kernels.activation_backward(dy, y, kind, out=out)

    support.check_conversions(forward, (X,), (0,))
    support.check_conversions(backward, (X, Y), (0, 1))
    support.check_refuses_kinds(forward, (X,), {0: "x"})
    support.check_refuses_kinds(backward, (X, Y), {0: "dy", 1: "y"})
    support.check_out(forward, (X,))
    support.check_out(backward, (X, Y))
    support.check_out_overlap(forward, (X,), 0)
    support.check_out_overlap(backward, (X, Y), 0)
    support.check_out_overlap(backward, (X, Y), 1)
    support.check_stays_inside(forward, (X,), out=Y)
    support.check_stays_inside(backward, (X, Y), out=X)


def test_bad_arguments() -> None:
    support.check_refuses(lambda: kernels.activation_backward(X, Y[:4], "relu"), "y", (5, 7), (4, 7))
    support.check_refuses(lambda: kernels.activation_backward(X, Y[:, :6], "relu"), "y", (5, 7), (5, 6))
    support.check_refuses(lambda: kernels.activation_forward(X, "tanhh"), "kind", "tanhh", "tanh")
    support.check_refuses(lambda: kernels.activation_forward(X, None), "kind")
    support.check_refuses(lambda: kernels.activation_backward(X, Y, "sigmoid"), "kind", "sigmoid")
