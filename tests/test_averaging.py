"""Averages of weights."""

import numpy as np
import pytest
import reference_clip as ref
import support
from hypothesis import given
from hypothesis import strategies as st
from support import SHAPES, U, normal, whole

from fastdl import kernels
from fastdl.kernels._program import Program
from fastdl.kernels.averaging import record_ema


def averaged(average: np.ndarray, w: np.ndarray, decay: float) -> np.ndarray:
    average = average.copy()
    kernels.ema_update(average, w, decay)
    return average


@pytest.mark.parametrize("decay", [0.0, 0.1, 0.5, 0.999, 0.99999, 1.0])
@pytest.mark.parametrize("shape", [*SHAPES, (), (100000,)], ids=str)
def test_ema(shape: tuple[int, ...], decay: float) -> None:
    average, w = normal(shape), normal(shape, 1)
    average, w = np.asarray(average), np.asarray(w)
    want = ref.ema_update(average, w, decay)
    step = (1.0 - decay) * np.abs(w.astype(np.float64) - average)
    for isa, got in support.everywhere(lambda: averaged(average, w, decay)):
        roundings = 2.01 if isa in support.FMA_ISAS else 3.01
        support.assert_within(got, want, U * (1.01 * np.abs(want) + roundings * step), isa)


@support.property_test
@given(st.integers(0, 300), st.floats(0.0, 1.0))
def test_an_average_that_has_arrived_stays(n: int, decay: float) -> None:
    w = normal(n)
    support.assert_same_bits(averaged(w, w.copy(), decay), w)


def test_constant_weights_are_reached() -> None:
    """1 - decay rounded to float32 must not move the limit; decay average + (1 - decay) w would end beside it."""
    w, average = normal(50), np.zeros(50, np.float32)
    for _ in range(4000):
        kernels.ema_update(average, w, 0.99)
    np.testing.assert_allclose(average, w, rtol=1e-5)


def test_nan_is_passed_on() -> None:
    w, average = np.ones(40, np.float32), np.ones(40, np.float32)
    w[3], average[20] = np.nan, np.nan
    for isa, got in support.everywhere(lambda: averaged(average, w, 0.9)):
        assert np.flatnonzero(np.isnan(got)).tolist() == [3, 20], isa


@pytest.mark.parametrize("warmup", [False, True])
@pytest.mark.parametrize("first", [0, 1000])
def test_recorded_steps_with_and_without_warmup(warmup: bool, first: int) -> None:
    w, start = normal(40000, 1), normal(40000)
    average = start.copy()
    program = Program()
    record_ema(program, average, w, 0.98, warmup)
    program.begin(5, 1, 5, 0, first, np.empty((5, 0)))
    program.advance(2)
    want, eager = start.astype(np.float64), start.copy()
    for step in range(first + 1, first + 6):
        decay = ref.ema_decay(0.98, step) if warmup else 0.98
        want = ref.ema_update(want, w, decay)
        kernels.ema_update(eager, w, decay)
    support.assert_same_bits(average, eager)
    np.testing.assert_allclose(average, want, rtol=1e-5, atol=1e-6)


def test_edge() -> None:
    average, w = whole((5, 7)), whole((5, 7), 1)
    support.check_conversions(lambda w: averaged(average, w, 0.5), (w,), (0,))
    support.check_refuses_kinds(lambda w: averaged(average, w, 0.5), (w,), {0: "w"})
    support.check_in_place(lambda average: kernels.ema_update(average, w, 0.5), (average,), {0: "average"})
    for shape in ((7, 5), (35,), (5, 6)):
        support.check_refuses(lambda shape=shape: kernels.ema_update(average, np.zeros(shape), 0.5), "w", shape, (5, 7))
    support.check_refuses(lambda: kernels.ema_update(average, average[:], 0.5), "average", "memory")
    for bad in (-0.1, 1.1, np.nan, "1", None):
        support.check_refuses(lambda bad=bad: kernels.ema_update(average, w, bad), "decay")
    for shape in [(1, 1), (5, 7), (1, 1000)]:
        support.check_stays_inside(support.restoring(kernels.ema_update), (normal(shape), normal(shape, 1), 0.5))
