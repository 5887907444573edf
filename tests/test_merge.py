"""Sums of matrices, and matrices side by side."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import reference as ref
import support
from hypothesis import given
from hypothesis import strategies as st
from support import U, normal, whole

from fastdl import kernels
from fastdl.kernels import _program, merge

WIDTHS = [(3,), (1, 1), (5, 0, 2), (16, 7, 33), (1, 130, 16, 15), (257, 300, 1, 1, 64)]
ROWS = [0, 1, 2, 33, 300]


def run(program: _program.Program, rows: int) -> None:
    """One step of a recorded program."""
    program.begin(rows, rows, 1, 0, 0, np.empty((1, 0)))
    program.advance(kernels._team.get_num_threads())


def spaced(x: np.ndarray) -> np.ndarray:
    """The same values in rows that are further apart, as a program's buffers are."""
    wide = np.full((x.shape[0], x.shape[1] + 5), np.nan, np.float32)
    wide[:, : x.shape[1]] = x
    return wide[:, : x.shape[1]]


@pytest.mark.parametrize("shape", support.SHAPES, ids=str)
def test_add(shape: tuple[int, int]) -> None:
    a, b = normal(shape), normal(shape, 1, scale=1e-3)
    want = ref.add(a, b)
    for isa, got in support.everywhere(lambda: kernels.add(a, b)):
        support.assert_within(got, want, U * np.abs(want), isa)
        np.testing.assert_array_equal(got, a + b, err_msg=isa)


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("widths", WIDTHS, ids=str)
def test_concatenate(rows: int, widths: tuple[int, ...]) -> None:
    arrays = [normal((rows, width), i) for i, width in enumerate(widths)]
    want = ref.concatenate(arrays)
    for isa, got in support.everywhere(lambda: kernels.concatenate(arrays)):
        support.assert_within(got, want, 0.0, isa)


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("factor", [1.0, 0.3])
@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("shape", [shape for shape in support.SHAPES if min(shape)], ids=str)
def test_a_recorded_sum_is_in_order(shape: tuple[int, int], count: int, factor: float, in_place: bool) -> None:
    xs = [normal(shape, i) for i in range(count)]
    want = xs[0]
    for x in xs[1:]:
        want = want + x
    want = want * np.float32(factor)

    def call() -> np.ndarray:
        buffers = [spaced(x) for x in xs]
        y = buffers[0] if in_place else spaced(np.zeros(shape, np.float32))
        program = _program.Program()
        merge.record_sum(program, y, factor, **{f"x{i}": x for i, x in enumerate(buffers)})
        run(program, shape[0])
        assert np.isnan(y.base[:, shape[1] :]).all(), "wrote between the rows"
        return y.copy()

    for isa, got in support.everywhere(call):
        support.assert_same_bits(got, want, isa)


@pytest.mark.parametrize("rows", ROWS[1:])
@pytest.mark.parametrize("widths", [widths for widths in WIDTHS if min(widths)], ids=str)
def test_recorded_split_takes_what_recorded_concatenate_brought(rows: int, widths: Sequence[int]) -> None:
    parts = [normal((rows, width), i) for i, width in enumerate(widths)]

    def call() -> Any:
        wide = spaced(np.zeros((rows, sum(widths)), np.float32))
        back = [spaced(np.zeros_like(part)) for part in parts[::2]]  # not every branch wants its share
        program = _program.Program()
        merge.record_concatenate(program, wide, **{f"x{i}": spaced(x) for i, x in enumerate(parts)})
        columns = [sum(widths[:i]) for i in range(0, len(widths), 2)]
        merge.record_split(program, wide, columns, **{f"x{i}": x for i, x in enumerate(back)})
        run(program, rows)
        assert all(np.isnan(x.base[:, x.shape[1] :]).all() for x in (wide, *back)), "wrote between the rows"
        return (wide.copy(), *(x.copy() for x in back))

    for isa, (wide, *back) in support.everywhere(call):
        support.assert_same_bits(wide, np.concatenate(parts, axis=1), isa)
        support.assert_same_bits(back, parts[::2], isa)


@support.property_test
@given(st.lists(st.integers(1, 20), min_size=1, max_size=6), st.integers(1, 9))
def test_concatenate_keeps_every_number(widths: list[int], rows: int) -> None:
    """Also NaN, infinities and subnormals, bit for bit: nothing is computed."""
    special = np.array([np.nan, np.inf, -np.inf, -0.0, 1e-40, 3.4e38, 1.0], np.float32)
    arrays = [np.resize(special, (rows, width)) for width in widths]
    for isa, got in support.everywhere(lambda: kernels.concatenate(arrays), (1, 2)):
        support.assert_same_bits(got, np.concatenate(arrays, axis=1), isa)


def test_nan_and_infinity_are_passed_on() -> None:
    a = np.array([[np.nan, 1, np.inf, np.inf, -np.inf, 3e38]], np.float32)
    b = np.array([[1, np.nan, -np.inf, 1, 1, 3e38]], np.float32)
    for isa, got in support.everywhere(lambda: kernels.add(a, b)):
        np.testing.assert_array_equal(got, [[np.nan, np.nan, np.nan, np.inf, -np.inf, np.inf]], err_msg=isa)


# ------------------------------------------------------------------------------------------------------- the edge

A, B = whole((5, 7)), whole((5, 7), 1)


def side_by_side(a: Any, b: Any, out: Any = None) -> np.ndarray:
    return kernels.concatenate([a, b], out=out)


def test_edge() -> None:
    support.check_conversions(kernels.add, (A, B), (0, 1))
    support.check_conversions(side_by_side, (A, B), (0, 1))
    support.check_refuses_kinds(kernels.add, (A, B), {0: "a", 1: "b"})
    support.check_refuses_kinds(side_by_side, (A, B), {0: "arrays", 1: "arrays"})
    for kernel, out in ((kernels.add, whole((5, 7))), (side_by_side, whole((5, 14)))):
        support.check_out(kernel, (A, B))
        support.check_out_overlap(kernel, (A, B), 0)
        support.check_out_overlap(kernel, (A, B), 1)
        support.check_stays_inside(kernel, (A, B), out=out)


def test_bad_arguments() -> None:
    support.check_refuses(lambda: kernels.add(A, B[:4]), "b", (5, 7), (4, 7))
    support.check_refuses(lambda: kernels.add(A, B[:, :6]), "b", (5, 7), (5, 6))
    support.check_refuses(lambda: kernels.add(A[0], B[0]), "a", "2 dimensions", (7,))
    support.check_refuses(lambda: kernels.concatenate([]), "arrays", "none")
    support.check_refuses(lambda: kernels.concatenate(5), "arrays", "int")
    support.check_refuses(lambda: kernels.concatenate("ab"), "arrays", "str")
    support.check_refuses(lambda: kernels.concatenate([A, B[:4]]), "arrays[1]", "5 rows", (4, 7))
    support.check_refuses(lambda: kernels.concatenate([A, B[0]]), "arrays[1]", "2 dimensions", (7,))
