"""Clipping by the norm of each tensor, and by value."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import reference_clip as ref
import support
from hypothesis import given
from hypothesis import strategies as st
from support import U, normal

from fastdl import kernels
from fastdl.kernels._program import Program
from fastdl.kernels.clip import record_clip_norm, record_clip_value


def several(scale: float = 1.0) -> list[np.ndarray]:
    """Arrays as a network has them: matrices, vectors, one empty, one longer than a block, of different sizes."""
    shapes = [(17, 33), (33,), (0, 5), (1, 1), (301, 257), (7,)]
    return [normal(shape, i, scale * 10.0 ** (i - 2)) for i, shape in enumerate(shapes)]


def changed(kernel: Callable[..., Any], arrays: list[np.ndarray], *args: Any) -> tuple[Any, ...]:
    """What the kernel returns, and what it has made of copies of the arrays."""
    mine = [array.copy() for array in arrays]
    return kernel(mine, *args), *mine


@pytest.mark.parametrize("theta", [1e-3, 0.5, 3.0, 200.0, 1e30])
@pytest.mark.parametrize("scale", [1.0, 1e-20, 1e20])
def test_clip_by_norm(scale: float, theta: float) -> None:
    arrays = several(scale)
    want, norms = ref.clip_by_norm(arrays, theta)
    for isa, (before, *got) in support.everywhere(lambda: changed(kernels.clip_by_norm, arrays, theta)):
        np.testing.assert_allclose(before, norms, rtol=1e-12, err_msg=isa)
        for array, a, b, norm in zip(arrays, got, want, norms, strict=True):
            support.assert_within(a, b, 2.01 * U * np.abs(b), isa)
            if norm <= theta:
                support.assert_same_bits(a, array, isa)


@support.property_test
@given(st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70)), max_size=4), st.floats(1e-3, 1e3))
def test_clip_by_norm_of_any_arrays(shapes: list[tuple[int, int]], theta: float) -> None:
    arrays = [normal(shape, i) for i, shape in enumerate(shapes)]
    norms = kernels.clip_by_norm(arrays, theta)
    assert norms.shape == (len(shapes),)
    for array, norm in zip(arrays, norms, strict=True):
        assert kernels.global_norm(array) <= min(theta, norm) * (1.0 + 4.0 * U)


def test_one_tensor_does_not_clip_another() -> None:
    small, large = np.full(100, 1e-3, np.float32), np.full(100, 1e3, np.float32)
    kernels.clip_by_norm([small, large], 1.0)
    assert (small == np.float32(1e-3)).all()
    np.testing.assert_allclose(large, 0.1, rtol=2.5 * U)
    large[...] = 1e3
    kernels.clip_by_global_norm([small, large], 1.0)
    assert (small < 1e-6).all()


@pytest.mark.parametrize("value", [1e-3, 0.1, 1.0, 1e3, math.inf])
def test_clip_by_value(value: float) -> None:
    arrays = several()
    limit = float(np.float32(value))
    want = [array.astype(np.float32) for array in ref.clip_by_value(arrays, limit)]
    for isa, (_, *got) in support.everywhere(lambda: changed(lambda a: kernels.clip_by_value(a, value), arrays)):
        support.assert_same_bits(tuple(got[1:]), tuple(want[1:]), isa)


def test_what_is_not_finite_stays() -> None:
    for bad in (np.nan, np.inf, -np.inf):
        x = normal((5, 7))
        x[2, 3] = bad
        for isa, (norms, *got) in support.everywhere(lambda x=x: changed(kernels.clip_by_norm, [x, 10.0 * x[:2]], 1.0)):
            support.assert_same_bits(got[0], x, isa)
            assert not np.isfinite(norms[0]) and kernels.global_norm(got[1]) == pytest.approx(1.0)
        for _, (_, y) in support.everywhere(lambda x=x: changed(lambda a: kernels.clip_by_value(a, 0.5), [x])):
            np.testing.assert_array_equal(y, np.clip(x, -0.5, 0.5))


# ------------------------------------------------------------------------------------------------ as part of a step


def run(record: Callable[[Program], None]) -> None:
    """Three steps of a program that has these ops alone."""
    program = Program()
    record(program)
    program.begin(3, 1, 3, 0, 0, np.empty((3, 0)))
    program.advance(2)


def test_recorded_clips_do_what_the_eager_ones_do_and_count_steps() -> None:
    arrays = [array for array in several() if array.size]
    starts = np.cumsum([0] + [-(-array.size // 16) * 16 for array in arrays])
    arena = np.zeros(starts[-1], np.float32)
    views = [arena[s : s + a.size].reshape(a.shape) for s, a in zip(starts, arrays, strict=False)]
    segments = [(int(s), a.size) for s, a in zip(starts, arrays, strict=False)]

    def fill() -> None:
        for view, array in zip(views, arrays, strict=True):
            view[...] = array

    for theta, unit, clipped in [(0.5, False, 1), (100.0, True, 1), (1e9, False, 0)]:
        fill()
        totals = np.zeros(2)
        run(lambda program, t=theta, u=unit, n=totals: record_clip_norm(program, arena, n, segments, t, u))
        _, *want = changed(kernels.clip_by_norm, arrays, theta)
        for view, array, same in zip(views, arrays, want, strict=True):
            norm = kernels.global_norm(array)
            expected = same if not unit or norm <= theta else array / norm
            np.testing.assert_allclose(view, expected, rtol=4.0 * U)
        assert totals[0] == 0.0 and totals[1] in ((1, 2, 3) if clipped and not unit else (clipped,))
    for value, clipped in [(0.25, 1), (1e9, 0)]:  # the first step leaves nothing to clip
        fill()
        totals = np.zeros(2)
        run(lambda program, v=value, n=totals: record_clip_value(program, arena, n, v))
        _, *want = changed(lambda a, v=value: kernels.clip_by_value(a, v), arrays)
        support.assert_same_bits(tuple(views), tuple(want))
        assert totals.tolist() == [0.0, clipped]


def test_no_tensors_to_clip() -> None:
    program = Program()
    record_clip_norm(program, np.zeros(16, np.float32), np.zeros(2), [], 1.0)
    assert len(program) == 0


# ------------------------------------------------------------------------------------------------------- the edge


@pytest.mark.parametrize("kernel", [kernels.clip_by_norm, kernels.clip_by_value])
def test_edge(kernel: Callable[..., Any]) -> None:
    good = normal((5, 7), scale=100.0)
    before = good.copy()
    read_only = good.copy()
    read_only.flags.writeable = False
    for bad in (read_only, good.astype(np.float64), good.astype(">f4"), np.asfortranarray(good), good[:, ::2], [1.0]):
        support.check_refuses(lambda bad=bad: kernel([good, bad], 1.0), "arrays[1]")
        np.testing.assert_array_equal(good, before)
    for bad in (3.0, None, "abc"):
        support.check_refuses(lambda bad=bad: kernel(bad, 1.0), "arrays")
    name = "theta" if kernel is kernels.clip_by_norm else "value"
    for bad in (0.0, -1.0, np.nan, "1", None):
        support.check_refuses(lambda bad=bad: kernel([good], bad), name)
    np.testing.assert_array_equal(good, before)
    for shape in [(1, 1), (5, 7), (1, 1000)]:
        support.check_stays_inside(support.restoring(kernel), (normal(shape), 0.5))


def test_nothing_and_one_array() -> None:
    assert kernels.clip_by_norm([], 1.0).shape == (0,)
    assert kernels.clip_by_norm([np.zeros((0, 4), np.float32)], 1.0).tolist() == [0.0]
    kernels.clip_by_value([], 1.0)
    x = np.array([3.0, -4.0], np.float32)
    assert kernels.clip_by_norm(x, 1.0).tolist() == [5.0]
    np.testing.assert_allclose(x, [0.6, -0.8], rtol=2.0 * U)
    kernels.clip_by_value(x, 0.5)
    assert x.tolist() == [0.5, -0.5]
