"""Softmax cross-entropy and squared error: loss of each row, and the gradient of the weighted mean."""

from typing import Any

import numpy as np
import pytest
import reference as ref
import support
from hypothesis import given
from hypothesis import strategies as st
from support import U, normal, whole

from fastdl import kernels

SHAPES = [shape for shape in support.SHAPES if shape != (0, 5)]
LOSSES = ["softmax_cross_entropy", "mse"]


def labels_of(shape: tuple[int, int], seed: int = 1) -> np.ndarray:
    """Any class for each row."""
    return np.random.default_rng(seed).integers(0, shape[1], shape[0])


def weights_of(rows: int) -> np.ndarray:
    """Positive, with some zeros, not all."""
    weights = np.abs(normal(rows, 7)) + np.float32(0.1)
    weights[1::4] = 0.0
    return weights


def example(loss: str, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """(logits, labels) or (pred, target)."""
    return normal(shape, scale=3.0), labels_of(shape) if loss == "softmax_cross_entropy" else normal(shape, 1)


def check_cross_entropy(logits: np.ndarray, labels: np.ndarray, weights: np.ndarray | None) -> None:
    """Subtracting the maximum is the rounding that counts: relative to the distance from it, for exp an absolute error.

    The sum of C exponentials adds C / 16 roundings when it is taken over 16 lanes.
    """
    want_loss, want_d = ref.softmax_cross_entropy(logits, labels, weights)
    rows, classes = logits.shape
    distance = logits.max(axis=1, keepdims=True, initial=-np.inf) - ref.f64(logits)
    terms = 12.0 + classes / 16.0
    share = ref.row_shares(rows, weights)
    p = want_d / np.where(share, share, 1.0) + (np.arange(classes) == labels[:, None]) * (share != 0)
    loss_bound = U * (terms + 4.0 * np.abs(want_loss))
    d_bound = U * (share * p * (terms + 2.0 * distance) + 2.0 * np.abs(want_d) + share * (terms + 2) * p)
    call = (logits, labels) if weights is None else (logits, labels, weights)
    for isa, (loss, d) in support.everywhere(lambda: kernels.softmax_cross_entropy(*call)):
        support.assert_within(loss, want_loss, loss_bound, f"{isa}, loss")
        support.assert_within(d, want_d, d_bound, f"{isa}, dlogits")


def check_mse(pred: np.ndarray, target: np.ndarray, weights: np.ndarray | None) -> None:
    """One rounding for the difference; the squares are all positive, so that their sum loses nothing but roundings."""
    want_loss, want_d = ref.mse(pred, target, weights)
    call = (pred, target) if weights is None else (pred, target, weights)
    for isa, (loss, d) in support.everywhere(lambda: kernels.mse(*call)):
        support.assert_within(loss, want_loss, (5.0 + pred.shape[1] / 16.0) * U * want_loss, f"{isa}, loss")
        support.assert_within(d, want_d, 5.0 * U * np.abs(want_d), f"{isa}, dpred")


CHECKS = {"softmax_cross_entropy": check_cross_entropy, "mse": check_mse}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("shape", [*SHAPES, (128, 10), (2000, 10)], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_values(loss: str, shape: tuple[int, int], weighted: bool) -> None:
    CHECKS[loss](*example(loss, shape), weights_of(shape[0]) if weighted else None)


@support.property_test
@given(st.sampled_from(LOSSES), st.integers(1, 50), st.integers(1, 70), st.booleans(), st.floats(0.01, 100.0))
def test_values_at_any_small_shape(loss: str, rows: int, columns: int, weighted: bool, scale: float) -> None:
    first, second = example(loss, (rows, columns))
    CHECKS[loss](first * np.float32(scale), second, weights_of(rows) if weighted else None)


@pytest.mark.parametrize("loss", LOSSES)
def test_no_rows(loss: str) -> None:
    for _, (rows, d) in support.everywhere(lambda: getattr(kernels, loss)(*example(loss, (0, 5)))):
        assert rows.shape == (0,)
        assert d.shape == (0, 5)


def test_cross_entropy_of_extreme_logits() -> None:
    """Finite, and right: exp would overflow at 89 if the maximum were not subtracted first."""
    logits = np.array([[1e4, -1e4, 0], [1e4, -1e4, 0], [-1e4, -1e4, -1e4], [1e4, 1e4, -1e4], [3e38, -3e38, 0]], "f")
    labels = np.array([0, 1, 2, 0, 0])
    check_cross_entropy(logits, labels, None)
    loss, d = kernels.softmax_cross_entropy(logits, labels)
    np.testing.assert_allclose(loss, [0.0, 2e4, np.log(3.0), np.log(2.0), 0.0], rtol=1e-6)
    np.testing.assert_allclose(d[1] * 5, [1.0, -1.0, 0.0], rtol=1e-6)


@pytest.mark.parametrize("shape", support.SHAPES, ids=str)
def test_softmax(shape: tuple[int, int]) -> None:
    x = normal(shape, scale=10.0)
    want = ref.softmax(x)
    distance = x.max(axis=1, keepdims=True, initial=-np.inf) - ref.f64(x)
    for isa, got in support.everywhere(lambda: kernels.softmax(x)):
        support.assert_within(got, want, U * (12.0 + shape[1] / 16.0 + distance) * want, isa)


def test_softmax_of_extreme_values() -> None:
    x = np.array([[1e4, -1e4, 1e4], [-1e4, -1e4, -1e4], [3e38, -3e38, 0.0]], np.float32)
    want = [[0.5, 0.0, 0.5], [1 / 3, 1 / 3, 1 / 3], [1.0, 0.0, 0.0]]
    for isa, got in support.everywhere(lambda: kernels.softmax(x)):
        np.testing.assert_allclose(got, want, rtol=2.0 * U, err_msg=isa)


def test_cross_entropy_does_not_see_a_common_offset() -> None:
    logits = (normal((33, 17), scale=3.0) * 64.0).round() / np.float32(64.0)  # so that adding 8192 is exact
    labels = labels_of(logits.shape)
    want = kernels.softmax_cross_entropy(logits, labels)
    for isa, got in support.everywhere(lambda: kernels.softmax_cross_entropy(logits + np.float32(8192.0), labels)):
        for one, other in zip(got, want, strict=True):
            np.testing.assert_allclose(one, other, rtol=2e-6, atol=1e-7, err_msg=isa)


def test_cross_entropy_of_one_class_is_nothing() -> None:
    loss, d = kernels.softmax_cross_entropy(normal((9, 1), scale=100.0), np.zeros(9, np.int64))
    np.testing.assert_array_equal(loss, 0.0)
    np.testing.assert_array_equal(d, 0.0)


@pytest.mark.parametrize("loss", LOSSES)
def test_nan_reaches_the_loss_of_its_row_only(loss: str) -> None:
    first, second = example(loss, (20, 33))
    clean, clean_d = getattr(kernels, loss)(first, second)
    first[4, 17] = np.nan
    for isa, (rows, d) in support.everywhere(lambda: getattr(kernels, loss)(first, second)):
        with support.team(isa):
            clean, clean_d = getattr(kernels, loss)(np.nan_to_num(first), second)
        assert np.isnan(rows[4]), isa
        assert np.isnan(d[4, 17]), isa
        others = np.arange(20) != 4
        support.assert_same_bits((rows[others], d[others]), (clean[others], clean_d[others]), isa)


# ------------------------------------------------------------------------------------------- rows that weigh nothing


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("garbage", [0.0, 1e4, -3e38, np.inf, np.nan])
def test_rows_of_weight_zero_never_change_a_bit(loss: str, garbage: float) -> None:
    """Put among the others, with whatever in them: all other rows get the same bits, they themselves gradient 0."""
    call = getattr(kernels, loss)
    first, second = example(loss, (40, 13))
    weights = np.abs(normal(40, 7)) + np.float32(0.1)
    places = np.array([0, 0, 3, 17, 17, 17, 39, 40])
    nothing = np.insert(np.zeros(40, bool), places, True)
    mixed = np.insert(first, places, np.float32(garbage), axis=0), np.insert(second, places, 1, axis=0)
    for isa, (rows, d) in support.everywhere(lambda: call(*mixed, np.insert(weights, places, 0.0))):
        with support.team(isa):
            want_rows, want_d = call(first, second, weights)
        support.assert_same_bits((rows[~nothing], d[~nothing]), (want_rows, want_d), isa)
        np.testing.assert_array_equal(d[nothing], 0.0, err_msg=isa)


@pytest.mark.parametrize("loss", LOSSES)
def test_equal_weights_are_no_weights(loss: str) -> None:
    first, second = example(loss, (32, 13))
    for isa, got in support.everywhere(lambda: getattr(kernels, loss)(first, second, np.full(32, 0.5, "f"))):
        with support.team(isa):
            support.assert_same_bits(got, getattr(kernels, loss)(first, second), isa)


@pytest.mark.parametrize("loss", LOSSES)
def test_weights_that_sum_to_zero_give_no_gradient(loss: str) -> None:
    first, second = example(loss, (5, 3))
    _, d = getattr(kernels, loss)(first, second, np.zeros(5, np.float32))
    np.testing.assert_array_equal(d, 0.0)


# ------------------------------------------------------------------------------------------------------- the edge

LOGITS, LABELS, WEIGHTS = whole((5, 7)), np.array([0, 6, 3, 2, 6]), np.array([1, 0, 2, 3, 1], np.float32)
TARGET = whole((5, 7), 1)


def test_inputs_are_converted() -> None:
    support.check_conversions(kernels.softmax, (LOGITS,), (0,))
    support.check_conversions(kernels.softmax_cross_entropy, (LOGITS, LABELS, WEIGHTS), (0, 1, 2))
    support.check_conversions(kernels.mse, (LOGITS, TARGET, WEIGHTS), (0, 1, 2))
    want = kernels.softmax_cross_entropy(LOGITS, LABELS)
    for dtype in "bBhHiIlL":
        support.assert_same_bits(kernels.softmax_cross_entropy(LOGITS, LABELS.astype(dtype)), want, dtype)


def test_other_kinds_are_refused() -> None:
    support.check_refuses_kinds(
        kernels.softmax_cross_entropy, (LOGITS, LABELS, WEIGHTS), {0: "logits", 1: "labels", 2: "weights"}
    )
    support.check_refuses_kinds(kernels.softmax, (LOGITS,), {0: "x"})
    support.check_refuses_kinds(kernels.mse, (LOGITS, TARGET, WEIGHTS), {0: "pred", 1: "target", 2: "weights"})


@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (33, 17), (3, 130)], ids=str)
def test_memory_outside_the_arrays_is_left_alone(shape: tuple[int, int]) -> None:
    support.check_out(kernels.softmax, (LOGITS,))
    support.check_out_overlap(kernels.softmax, (LOGITS,), 0)
    support.check_stays_inside(kernels.softmax, (normal(shape),), out=np.zeros(shape, np.float32))
    for loss in LOSSES:
        weights = np.ones(shape[0], np.float32)
        support.check_stays_inside(getattr(kernels, loss), (*example(loss, shape), weights))


@pytest.mark.parametrize(
    "labels",
    [
        np.array([0, 7, 3, 2, 6]), np.array([0, -1, 3, 2, 6]), np.array([0, 2**32, 3, 2, 6]),
        np.array([0, -(2**62), 3, 2, 6]), np.array([0, 2**63, 3, 2, 6], np.uint64),
        np.array([0, 200, 3, 2, 6], np.uint8),
    ],
    ids=str,
)  # fmt: skip
def test_labels_out_of_range(labels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="labels") as caught:
        kernels.softmax_cross_entropy(LOGITS, labels)
    assert str(labels[1]) in str(caught.value)
    assert "7" in str(caught.value) or "6" in str(caught.value)


@pytest.mark.parametrize(
    ("loss", "args", "words"),
    [
        ("softmax_cross_entropy", (LOGITS, LABELS[:4]), ["labels", (4,), (5, 7)]),
        ("softmax_cross_entropy", (LOGITS, LABELS[:, None]), ["labels", (5, 1), (5, 7)]),
        ("softmax_cross_entropy", (LOGITS, LABELS + 0.5), ["labels"]),
        ("softmax_cross_entropy", (LOGITS, np.full(5, np.nan)), ["labels"]),
        ("softmax_cross_entropy", (LOGITS[0], LABELS), ["logits", (7,)]),
        ("softmax_cross_entropy", (LOGITS, LABELS, WEIGHTS[:4]), ["weights", (4,), (5,)]),
        ("softmax_cross_entropy", (LOGITS, LABELS, WEIGHTS[:, None]), ["weights", (5, 1)]),
        ("softmax_cross_entropy", (LOGITS[:, :0], LABELS), ["labels"]),
        ("mse", (LOGITS, TARGET[:4]), ["target", (4, 7), (5, 7)]),
        ("mse", (LOGITS, TARGET[:, :1]), ["target", (5, 1), (5, 7)]),
        ("mse", (LOGITS, TARGET[0]), ["target", (7,)]),
        ("mse", (LOGITS, TARGET, WEIGHTS[:4]), ["weights", (4,), (5,)]),
        ("softmax_cross_entropy", (LOGITS, LABELS, -WEIGHTS), ["weights"]),
        ("mse", (LOGITS, TARGET, -WEIGHTS), ["weights"]),
        ("mse", (LOGITS, TARGET, WEIGHTS * np.float32(np.nan)), ["weights"]),
    ],
)
def test_bad_arguments(loss: str, args: tuple[Any, ...], words: list[Any]) -> None:
    support.check_refuses(lambda: getattr(kernels, loss)(*args), *words)
