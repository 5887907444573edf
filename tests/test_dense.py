"""Matrix products and the dense layer: values, bits, and the edge of the kernels."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import reference as ref
import support
from hypothesis import given
from hypothesis import strategies as st
from support import U, normal, whole

from fastdl import kernels

# rows, inner length, columns: nothing, one of each, odd, past a K-block, wide, tall, past a chunk
PRODUCTS = [
    (0, 3, 4), (3, 0, 4), (3, 4, 0), (1, 1, 1), (1, 5, 1), (5, 1, 7), (1, 300, 17), (17, 33, 1), (2, 2, 2), (13, 7, 31),
    (14, 16, 32), (15, 17, 33), (31, 7, 16), (29, 600, 47), (3, 5, 1000), (1000, 4, 3), (6, 257, 256), (128, 784, 65),
    (260, 33, 2), (70, 530, 4), (33, 48, 8), (130, 70, 37), (520, 16, 40),  # columns that are few, or are left over
]  # fmt: skip
LAYERS = [
    (0, 3, 4), (1, 1, 1), (1, 37, 5), (5, 1, 7), (7, 5, 1), (17, 33, 31), (31, 7, 129), (128, 64, 10), (300, 150, 257),
]  # fmt: skip
LARGE = [(255, 300, 511), (1000, 515, 70), (64, 1024, 1024)]
TRANSPOSES = [(False, False), (True, False), (False, True), (True, True)]
TANH = 4.0 * U  # what tanh itself may add (test_activation.py holds it to that)


def product_bound(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """K roundings in a chain of length K, each relative to no more than the sum of the magnitudes (Higham, 3.1)."""
    return (a.shape[1] + 2) * U * (np.abs(ref.f64(a)) @ np.abs(ref.f64(b)))


def check_matmul(m: int, k: int, n: int, transpose_a: bool, transpose_b: bool, threads: tuple[int, ...]) -> None:
    a, b = normal((m, k), seed=m), normal((k, n), seed=n + 1)
    mine = [np.ascontiguousarray(a.T) if transpose_a else a, np.ascontiguousarray(b.T) if transpose_b else b]
    want = ref.matmul(*mine, transpose_a, transpose_b)
    for isa, got in support.everywhere(lambda: kernels.matmul(*mine, transpose_a, transpose_b), threads):
        support.assert_within(got, want, product_bound(a, b), isa)


@pytest.mark.parametrize("shape", PRODUCTS, ids=str)
@pytest.mark.parametrize(("transpose_a", "transpose_b"), TRANSPOSES)
def test_matmul(shape: tuple[int, int, int], transpose_a: bool, transpose_b: bool) -> None:
    check_matmul(*shape, transpose_a, transpose_b, support.THREADS)


@support.property_test
@given(st.integers(0, 70), st.integers(0, 70), st.integers(0, 70), st.sampled_from(TRANSPOSES))
def test_matmul_at_any_small_shape(m: int, k: int, n: int, transposes: tuple[bool, bool]) -> None:
    check_matmul(m, k, n, *transposes, (1, 2))


@pytest.mark.slow
@pytest.mark.parametrize("shape", LARGE, ids=str)
@pytest.mark.parametrize(("transpose_a", "transpose_b"), TRANSPOSES)
def test_matmul_large(shape: tuple[int, int, int], transpose_a: bool, transpose_b: bool) -> None:
    check_matmul(*shape, transpose_a, transpose_b, support.THREADS)


def check_layer(rows: int, inputs: int, outputs: int, activation: str | None, bias: bool) -> None:
    x, w = normal((rows, inputs)), normal((inputs, outputs), seed=1, scale=inputs**-0.5)
    b = normal(outputs, seed=2) if bias else None
    want = ref.dense_forward(x, w, b, activation)
    bound = product_bound(x, w) + 2.0 * U * np.abs(ref.dense_forward(x, w, b)) + (TANH if activation == "tanh" else 0.0)
    for isa, got in support.everywhere(lambda: kernels.dense_forward(x, w, b, activation)):
        support.assert_within(got, want, bound, isa)
        if activation:
            with support.team(isa):
                apart = kernels.activation_forward(kernels.dense_forward(x, w, b), activation)
            support.assert_same_bits(got, apart, f"{isa}, activation in the store against its own pass")


@pytest.mark.parametrize("shape", LAYERS, ids=str)
@pytest.mark.parametrize("activation", [None, "relu", "tanh"])
@pytest.mark.parametrize("bias", [False, True])
def test_dense_forward(shape: tuple[int, int, int], activation: str | None, bias: bool) -> None:
    check_layer(*shape, activation, bias)


@pytest.mark.parametrize("shape", LAYERS, ids=str)
def test_dense_backward(shape: tuple[int, int, int]) -> None:
    rows, inputs, outputs = shape
    dy, x, w = normal((rows, outputs)), normal((rows, inputs), seed=1), normal((inputs, outputs), seed=2)
    wants = ref.dense_backward(dy, x, w)
    bounds = product_bound(dy, w.T), product_bound(x.T, dy), (rows + 1) * U * np.abs(dy).sum(axis=0)
    for isa, got in support.everywhere(lambda: kernels.dense_backward(dy, x, w)):
        for name, result, want, bound in zip(("dx", "dw", "db"), got, wants, bounds, strict=True):
            support.assert_within(result, want, bound, f"{isa}, {name}")


@pytest.mark.parametrize("transposes", TRANSPOSES)
@pytest.mark.parametrize("columns", [2, 5, 37, 256])
@pytest.mark.skipif(not support.FMA_ISAS, reason="no instruction set with FMA here")
def test_each_output_is_one_ascending_chain_of_fma(transposes: tuple[bool, bool], columns: int) -> None:
    """The promise behind equal bits: acc = fma(a[k], b[k], acc), k from 0, whatever the blocking (K > one block)."""
    a, b = normal((19, 600)), normal((600, columns), seed=1)
    want = np.zeros((19, columns), np.float32)
    for p in range(600):  # the product is exact in float64, and the sum rounds there so finely that it does not show
        want = (np.outer(ref.f64(a[:, p]), ref.f64(b[p])) + want).astype(np.float32)
    mine = [np.ascontiguousarray(x.T) if t else x for x, t in zip((a, b), transposes, strict=True)]
    for isa in support.FMA_ISAS:
        with support.team(isa):
            support.assert_same_bits(kernels.matmul(*mine, *transposes), want, isa)


def test_a_row_does_not_depend_on_the_other_rows() -> None:
    x, w, b = normal((47, 70)), normal((70, 45), seed=1), normal(45, seed=2)
    for isa in support.ISAS:
        with support.team(isa):
            whole = kernels.dense_forward(x, w, b, "relu")
            for first, last in [(i, i + 1) for i in range(47)] + [(3, 20), (5, 47), (0, 46), (11, 27)]:
                support.assert_same_bits(kernels.dense_forward(x[first:last], w, b, "relu"), whole[first:last], isa)


def test_nan_and_infinity_stay_in_their_row_and_column() -> None:
    a, b = np.ones((18, 20), np.float32), np.ones((20, 35), np.float32)
    a[4, 7], a[9, 3], b[11, 34] = np.nan, np.inf, -np.inf
    with np.errstate(invalid="ignore"):
        want = ref.matmul(a, b)
    for isa, got in support.everywhere(lambda: kernels.matmul(a, b)):
        np.testing.assert_array_equal(got, want, err_msg=isa)


def test_relu_in_the_store_keeps_nan() -> None:
    x = np.full((3, 5), np.nan, np.float32)
    for activation in ("relu", "tanh"):
        for _, got in support.everywhere(lambda activation=activation: kernels.dense_forward(x, x.T, None, activation)):
            assert np.isnan(got).all()


def test_calls_from_several_python_threads_do_not_meet() -> None:
    """The GIL is released and the team's state is per call."""
    pairs = [(normal((90, 130), seed), normal((130, 110), seed + 50)) for seed in range(8)]
    with support.team(threads=2):
        wants = [kernels.matmul(a, b) for a, b in pairs]
        with ThreadPoolExecutor(4) as pool:
            for _ in range(5):
                for got, want in zip(pool.map(lambda pair: kernels.matmul(*pair), pairs), wants, strict=True):
                    support.assert_same_bits(got, want)


# ------------------------------------------------------------------------------------------------------- the edge

A, B, BIAS = (whole(shape, seed) for seed, shape in enumerate([(5, 4), (4, 6), (6,)]))
DY = whole((5, 6), 3)


def test_inputs_are_converted() -> None:
    support.check_conversions(kernels.matmul, (A, B), (0, 1))
    support.check_conversions(kernels.matmul, (A.T.copy(), B.T.copy(), True, True), (0, 1))
    support.check_conversions(kernels.dense_forward, (A, B, BIAS), (0, 1, 2))
    support.check_conversions(kernels.dense_backward, (DY, A, B), (0, 1, 2))


def test_other_kinds_are_refused() -> None:
    support.check_refuses_kinds(kernels.matmul, (A, B), {0: "a", 1: "b"})
    support.check_refuses_kinds(kernels.dense_forward, (A, B, BIAS), {0: "x", 1: "w", 2: "b"})
    support.check_refuses_kinds(kernels.dense_backward, (DY, A, B), {0: "dy", 1: "x", 2: "w"})


def test_out() -> None:
    support.check_out(kernels.matmul, (A, B))
    support.check_out(kernels.dense_forward, (A, B, BIAS, "relu"))
    square = normal((6, 6))
    support.check_out(kernels.matmul, (square, square))
    support.check_out_overlap(kernels.matmul, (A, B), 0)
    support.check_out_overlap(kernels.matmul, (A, B), 1)
    for place in range(3):
        support.check_out_overlap(kernels.dense_forward, (A, B, BIAS), place)


@pytest.mark.parametrize("shape", [(1, 1, 1), (15, 33, 17), (7, 300, 40), (14, 64, 256)], ids=str)
def test_memory_outside_the_arrays_is_left_alone(shape: tuple[int, int, int]) -> None:
    rows, inputs, outputs = shape
    x, w, b, dy = (normal(s, i) for i, s in enumerate([(rows, inputs), (inputs, outputs), (outputs,), (rows, outputs)]))
    support.check_stays_inside(kernels.dense_forward, (x, w, b, "tanh"), out=dy)
    support.check_stays_inside(kernels.dense_backward, (dy, x, w))
    for transpose_a, transpose_b in TRANSPOSES:
        mine = x.T.copy() if transpose_a else x, w.T.copy() if transpose_b else w
        support.check_stays_inside(kernels.matmul, (*mine, transpose_a, transpose_b), out=dy)


def zeros(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    return [np.zeros(shape, np.float32) for shape in shapes]


@pytest.mark.parametrize(
    ("kernel", "args", "words"),
    [
        ("matmul", zeros((3, 4), (5, 6)), ["b", (3, 4), (5, 6)]),
        ("matmul", [*zeros((3, 4), (4, 6)), True], ["b", (3, 4), (4, 6)]),
        ("matmul", [*zeros((3, 4), (4, 6)), False, True], ["b", (3, 4), (4, 6)]),
        ("matmul", zeros((4,), (4, 6)), ["a", (4,)]),
        ("matmul", zeros((3, 4), (2, 4, 6)), ["b", (2, 4, 6)]),
        ("dense_forward", zeros((3, 4), (5, 6)), ["w", (3, 4), (5, 6)]),
        ("dense_forward", zeros((3, 4), (4, 6), (5,)), ["b", (6,), (5,)]),
        ("dense_forward", zeros((3, 4), (4, 6), (1, 6)), ["b", (1, 6)]),
        ("dense_forward", zeros((4,), (4, 6)), ["x", (4,)]),
        ("dense_backward", zeros((3, 6), (2, 4), (4, 6)), ["x", (3, 6), (2, 4)]),
        ("dense_backward", zeros((3, 6), (3, 4), (6, 4)), ["w", (6, 4)]),
        ("dense_backward", zeros((3, 6), (3, 4), (4, 5)), ["w", (4, 5)]),
    ],
)
def test_shapes_that_do_not_fit(kernel: str, args: list[Any], words: list[Any]) -> None:
    support.check_refuses(lambda: getattr(kernels, kernel)(*args), *words)


def test_an_unknown_activation_is_refused_with_the_nearest_name() -> None:
    support.check_refuses(lambda: kernels.dense_forward(A, B, activation="rellu"), "activation", "rellu", "relu")
    support.check_refuses(lambda: kernels.dense_forward(A, B, activation=3), "activation")
