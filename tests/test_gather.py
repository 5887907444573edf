"""Rows drawn by index, from any number type, in place."""

from pathlib import Path

import numpy as np
import pytest
import reference as ref
import support
from hypothesis import given
from hypothesis import strategies as st
from support import normal, whole

from fastdl import kernels
from fastdl.kernels._program import Program
from fastdl.kernels._rows import Rows, as_readable
from fastdl.kernels.gather import record_gather

NUMBERS = ["f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", ">f4", ">f8", ">i2", ">i8", "f2", ">f2"]


def table(rows: int, columns: int, dtype: str) -> np.ndarray:
    """Numbers that use the type's whole range (float64 has more digits than float32, integers more than 24 bits)."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return (np.random.default_rng(1).normal(size=(rows, columns)) * 100.0).astype(kind)
    if kind.kind == "b":
        return normal((rows, columns)) > 0
    info = np.iinfo(kind)
    native = kind.newbyteorder("=")
    return np.random.default_rng(1).integers(info.min, info.max, (rows, columns), native, endpoint=True).astype(kind)


def indices_of(rows: int, n: int) -> np.ndarray:
    return np.random.default_rng(2).integers(0, rows, n)


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 37), (37, 1), (50, 17), (300, 64)], ids=str)
def test_gather(dtype: str, shape: tuple[int, int]) -> None:
    x, indices = table(*shape, dtype), indices_of(shape[0], 101)
    want = ref.gather(x, indices)
    for isa, got in support.everywhere(lambda: kernels.gather(x, indices)):
        support.assert_same_bits(got, want, isa)


def test_gather_of_enough_rows_for_a_team() -> None:
    x, indices = table(1000, 65, "f8"), indices_of(1000, 5000)
    for isa, got in support.everywhere(lambda: kernels.gather(x, indices)):
        support.assert_same_bits(got, ref.gather(x, indices), isa)


@support.property_test
@given(st.integers(1, 40), st.integers(0, 70), st.integers(0, 60), st.sampled_from(NUMBERS))
def test_gather_at_any_small_shape(rows: int, columns: int, n: int, dtype: str) -> None:
    x, indices = table(rows, columns, dtype), indices_of(rows, n)
    for isa, got in support.everywhere(lambda: kernels.gather(x, indices), (1, 2)):
        support.assert_same_bits(got, ref.gather(x, indices), isa)


def test_no_rows() -> None:
    assert kernels.gather(np.zeros((5, 3), np.float32), np.zeros(0, np.int64)).shape == (0, 3)
    assert kernels.gather(np.zeros((0, 3), np.float32), np.zeros(0, np.int64)).shape == (0, 3)


def test_nan_and_infinity_are_carried_over() -> None:
    x = np.array([[np.nan, np.inf, -np.inf, 1e39, -0.0]])
    with np.errstate(over="ignore"):
        want = x.astype(np.float32)
    np.testing.assert_array_equal(kernels.gather(x, [0, 0]), np.repeat(want, 2, axis=0))


def test_every_half_is_converted_exactly() -> None:
    """All 65536 of them, in long and short rows; subnormal ones are normal float32 and may not be flushed."""
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    for columns in (1, 16, 2**16):
        x = halves.reshape(-1, columns)
        for isa, got in support.everywhere(lambda x=x: kernels.gather(x, np.arange(len(x))), (1, 3)):
            want = x.astype(np.float32)
            np.testing.assert_array_equal(got, want, err_msg=isa)  # NaN is NaN, with any bits
            number = ~np.isnan(want)
            support.assert_same_bits(got[number], want[number], isa)


def test_halves_are_scaled_in_float64() -> None:
    x = table(50, 7, "f2")
    offset, factor = np.random.default_rng(3).normal(size=(2, 7))
    rows, y = Rows(7), np.zeros((50, 7), np.float32)
    rows.set(x, None, offset, factor)
    program = Program()
    record_gather(program, y, rows)
    program.begin(50, 50, 1, 0, 0, np.empty((1, 0)))
    program.advance(1)
    np.testing.assert_array_equal(y, ((x.astype(np.float64) - offset) * factor).astype(np.float32))


@pytest.mark.parametrize("dtype", [kind for kind in NUMBERS if not kind.startswith(">")])
def test_every_native_type_is_read_where_it_lies(dtype: str) -> None:
    x = table(9, 5, dtype)
    assert as_readable(x) is x and as_readable(x[::2, 1:4]).base is x


def test_any_byte_but_zero_is_true() -> None:
    x = np.array([[0, 1, 2, 255]], np.uint8).view(bool)
    np.testing.assert_array_equal(kernels.gather(x, [0]), [[0.0, 1.0, 1.0, 1.0]])


def test_memory_maps_and_views_are_read_in_place(tmp_path: Path) -> None:
    x, indices = table(60, 12, "f8"), indices_of(60, 33)
    x.tofile(tmp_path / "x")
    mapped = np.memmap(tmp_path / "x", np.float64, "r", shape=x.shape)
    np.testing.assert_array_equal(kernels.gather(mapped, indices), ref.gather(x, indices))
    for view in (x[::2], x[::-1], x[:, 3:9], x[:, ::3], x.T, np.asfortranarray(x), np.broadcast_to(x[0], x.shape)):
        mine = indices % len(view)
        np.testing.assert_array_equal(kernels.gather(view, mine), ref.gather(view, mine))


def test_large_integers_are_rounded_once() -> None:
    """2^60 + 2^36 + 1 lies just above the middle of two float32; by way of float64 it would fall on the middle."""
    x = np.array([[2**60 + 2**36 + 1, 2**60 + 3 * 2**36 - 1]])
    for view in (x, x[:, ::-1], x.astype(">i8"), np.asfortranarray(np.repeat(x, 2, axis=0)), x.astype(np.uint64)):
        np.testing.assert_array_equal(kernels.gather(view, [0]), 2.0**60 + 2.0**37)


# ------------------------------------------------------------------------------------------------------- the edge

X, INDICES = whole((5, 7)), np.array([4, 0, 0, 3])


def test_edge() -> None:
    support.check_conversions(kernels.gather, (X, INDICES), (0, 1))
    support.check_refuses_kinds(kernels.gather, (X, INDICES), {0: "x", 1: "indices"})
    support.check_out(kernels.gather, (X, INDICES))
    support.check_out_overlap(kernels.gather, (X, INDICES), 0)
    for shape in [(1, 1), (5, 7), (3, 33)]:
        for dtype in ("f2", "f4", "f8", "i1", "i8", "?"):
            x, out = table(*shape, dtype), np.zeros((2, shape[1]), np.float32)
            support.check_stays_inside(kernels.gather, (x, np.array([shape[0] - 1, 0])), out=out)


@pytest.mark.parametrize("bad", [5, -1, 2**31, 2**32, 2**62, -(2**63)])
def test_indices_out_of_range(bad: int) -> None:
    with pytest.raises(ValueError, match=rf"indices.*{bad}"):
        kernels.gather(X, np.array([0, bad, 1]))
    with pytest.raises(ValueError, match="indices"):
        kernels.gather(X[:0], np.array([0]))


def test_bad_arguments() -> None:
    support.check_refuses(lambda: kernels.gather(X[0], INDICES), "x", (7,))
    support.check_refuses(lambda: kernels.gather(X, INDICES[:, None]), "indices", (4, 1))
    support.check_refuses(lambda: kernels.gather(X, INDICES + 0.5), "indices")
