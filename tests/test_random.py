"""Random numbers: Philox's published answers, and uniforms, normals and permutations drawn from it."""

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import reference as ref
import support
from hypothesis import given
from hypothesis import strategies as st
from support import U

from fastdl import kernels

COUNTS = [0, 1, 3, 4, 5, 17, 63, 64, 65, 1000, 100_003]
PLACE = {"seed": 2**40 + 3, "step": 5, "stream": 2}
WORD = st.integers(0, 2**32 - 1)
DRAWS = ["random_uniform", "random_normal", "permutation"]


@pytest.mark.parametrize("number", range(3))
def test_philox_gives_its_published_answers(number: int) -> None:
    counter, key, want = support.philox_vectors()[number]
    for isa, got in support.everywhere(lambda: kernels.philox4x32(counter, key)):
        support.assert_same_bits(got, want, isa)


@support.property_test
@given(st.lists(WORD, min_size=4, max_size=4), st.lists(WORD, min_size=2, max_size=2))
def test_philox_against_its_twin(counter: list[int], key: list[int]) -> None:
    for isa, got in support.everywhere(lambda: kernels.philox4x32(counter, key), (1,)):
        support.assert_same_bits(got, ref.philox4x32(counter, key), isa)


@pytest.mark.parametrize("n", COUNTS)
def test_uniform(n: int) -> None:
    want = ref.random_uniform(n, **PLACE).astype(np.float32)
    for isa, got in support.everywhere(lambda: kernels.random_uniform(n, **PLACE)):
        support.assert_same_bits(got, want, isa)


@pytest.mark.parametrize("n", COUNTS)
def test_normal(n: int) -> None:
    """Sine and cosine are good to 2^-23 of the radius, the radius itself to a few roundings."""
    want = ref.random_normal(n, **PLACE)
    radius = np.repeat(np.hypot(*ref.random_normal(n + n % 2, **PLACE).reshape(-1, 2).T), 2)[:n]
    for isa, got in support.everywhere(lambda: kernels.random_normal(n, **PLACE)):
        support.assert_within(got, want, 6.0 * U * radius, isa)


@pytest.mark.parametrize("n", COUNTS)
def test_permutation(n: int) -> None:
    want = ref.permutation(n, **PLACE)
    np.testing.assert_array_equal(np.sort(want), np.arange(n))
    for isa, got in support.everywhere(lambda: kernels.permutation(n, **PLACE)):
        support.assert_same_bits(got, want, isa)


@pytest.mark.parametrize("draw", ["random_uniform", "random_normal"])
@pytest.mark.parametrize("n", COUNTS)
def test_the_first_n_do_not_depend_on_n(draw: str, n: int) -> None:
    call = getattr(kernels, draw)
    for isa in support.ISAS:
        with support.team(isa):
            support.assert_same_bits(call(n, **PLACE), call(n + 1001, **PLACE)[:n], isa)


@pytest.mark.parametrize("draw", DRAWS)
def test_each_part_of_the_place_matters(draw: str) -> None:
    call = getattr(kernels, draw)
    support.assert_same_bits(call(200, 9), call(200, 9, step=0, stream=0))
    places = [(9, 0, 0), (9, 1, 0), (9, 0, 1), (8, 0, 0), (9 + 2**32, 0, 0), (9 * 2**32, 0, 0), (9, 1, 2), (9, 2, 1)]
    drawn = [call(200, *place) for place in places]
    assert len({draws.tobytes() for draws in drawn}) == len(places)
    assert np.abs(np.corrcoef(drawn) - np.eye(len(places))).max() < 4.5 / math.sqrt(200)


def test_a_frozen_draw() -> None:
    """These bits may never change: networks are initialised, and rows shuffled, again from their seeds."""
    assert kernels.random_uniform(4, 2013, 7, 3).tobytes().hex() == "b4800b3e5e4cf93e154d273feb203a3f"
    assert kernels.permutation(10, 2013, 7, 3).tolist() == [9, 5, 1, 0, 7, 2, 3, 8, 6, 4]


# ------------------------------------------------------------------------------------------------------- statistics

MANY = 400_000


def test_uniform_is_uniform() -> None:
    x = kernels.random_uniform(MANY, 1).astype(np.float64)
    assert x.min() >= 0.0
    assert x.max() < 1.0
    for power in (1, 2, 3):
        spread = math.sqrt(1 / (2 * power + 1) - 1 / (power + 1) ** 2)
        assert abs((x**power).mean() - 1 / (power + 1)) < 4.5 * spread / math.sqrt(MANY)
    counts = np.bincount((x * 1000).astype(int), minlength=1000)
    chi_square = np.square(counts - MANY / 1000).sum() / (MANY / 1000)
    assert abs(chi_square - 999) < 4.5 * math.sqrt(2 * 999)
    for distance in (1, 2, 3, 4, 64):
        assert abs(((x[distance:] - 0.5) * (x[:-distance] - 0.5)).mean()) < 4.5 / 12 / math.sqrt(MANY - distance)


def test_normal_is_normal() -> None:
    x = kernels.random_normal(MANY, 1).astype(np.float64)
    for power, mean, variance in [(1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)]:
        assert abs((x**power).mean() - mean) < 4.5 * math.sqrt(variance / MANY), power
    ends = np.linspace(-3.5, 3.5, 71)
    below = np.searchsorted(np.sort(x), ends) / MANY
    want = np.array([0.5 * math.erfc(-end / math.sqrt(2)) for end in ends])
    assert np.abs(below - want).max() < 2.0 / math.sqrt(MANY)  # Kolmogorov and Smirnov at about 1 in 1,500
    for distance in (1, 2, 3, 4, 64):  # also of the squares: both of a pair share their radius
        for y in (x, np.square(x) - 1.0):
            assert abs((y[distance:] * y[:-distance]).mean()) < 4.5 * y.var() / math.sqrt(MANY - distance)


def test_permutations_of_four_are_equally_likely() -> None:
    n = 4800
    counts = Counter(tuple(kernels.permutation(4, 3, step).tolist()) for step in range(n))
    assert len(counts) == 24
    assert sum((count - n / 24) ** 2 for count in counts.values()) / (n / 24) < 23 + 4.5 * math.sqrt(46)


def test_permutations_mix_from_end_to_end() -> None:
    n = 50_000
    p = kernels.permutation(n, 4)
    assert (p == np.arange(n)).sum() < 8  # one fixed point on average
    assert abs(np.corrcoef(p, np.arange(n))[0, 1]) < 4.5 / math.sqrt(n)
    assert abs(np.corrcoef(p[1:], p[:-1])[0, 1]) < 4.5 / math.sqrt(n)
    for part in np.array_split(p, 10):
        assert abs(part.mean() / n - 0.5) < 4.5 * math.sqrt(1 / 12 / len(part))


# ------------------------------------------------------------------------------------------------------- the edge


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("n", -1, ValueError), ("n", 2.5, TypeError), ("n", None, TypeError), ("seed", -1, ValueError),
        ("seed", 2**64, ValueError), ("seed", 1.5, TypeError), ("step", -1, ValueError), ("step", 2**32, ValueError),
        ("stream", -1, ValueError), ("stream", 2**32, ValueError), ("stream", "1", TypeError),
    ],
)  # fmt: skip
def test_bad_places_are_refused(draw: str, name: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=rf"\b{name}\b"):
        getattr(kernels, draw)(**{"n": 5, "seed": 1, "step": 0, "stream": 0, name: value})


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: kernels.philox4x32([1, 2, 3], [1, 2]), "counter"),
        (lambda: kernels.philox4x32([1, 2, 3, 4], [1, 2, 3]), "key"),
        (lambda: kernels.philox4x32([1, 2, 3, 2**32], [1, 2]), "counter"),
        (lambda: kernels.philox4x32([1, 2, 3, 4], [1, -1]), "key"),
        (lambda: kernels.philox4x32([1, 2, 3, 0.5], [1, 2]), "counter"),
        (lambda: kernels.philox4x32("abcd", [1, 2]), "counter"),
    ],
)
def test_philox_refuses_what_is_no_block(call: Callable[[], Any], name: str) -> None:
    support.check_refuses(call, name)
