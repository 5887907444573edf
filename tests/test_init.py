"""Initial weights: their distributions, that the seed alone decides, and what auto chooses."""

from typing import Any

import numpy as np
import pytest
from support import assert_same_bits, check_refuses

from fastdl import init, nn

SHAPE = (300, 200)
N = SHAPE[0] * SHAPE[1]

# name, object, std by TRICKS.md section 2, distribution
CASES = [
    ("gaussian", init.Gaussian(), 1 / 300, "normal"),
    (None, init.Gaussian(0.3), 0.3, "normal"),
    ("uniform", init.Uniform(), 1 / np.sqrt(3 * 300), "uniform"),
    (None, init.Uniform(-0.5, 1.5), 2 / np.sqrt(12), "uniform"),
    ("lecun", init.Lecun(), 1 / np.sqrt(300), "normal"),
    (None, init.Lecun("uniform"), 1 / np.sqrt(300), "uniform"),
    ("glorot", init.Glorot(), np.sqrt(2 / 500), "normal"),
    (None, init.Glorot(distribution="uniform"), np.sqrt(2 / 500), "uniform"),
    ("he", init.He(), np.sqrt(2 / 300), "normal"),
    (None, init.He("uniform"), np.sqrt(2 / 300), "uniform"),
]


@pytest.mark.parametrize(("name", "one", "std", "distribution"), CASES, ids=lambda value: repr(value))
def test_distribution(name: str | None, one: init.Initializer, std: float, distribution: str) -> None:
    w = one(SHAPE, seed=3, stream=5)
    assert w.dtype == np.float32 and w.shape == SHAPE
    w = w.astype(np.float64)
    middle = 0.5 if getattr(one, "high", None) == 1.5 else 0.0
    assert abs(w.mean() - middle) < 5 * std / np.sqrt(N)
    assert w.std() == pytest.approx(std, rel=5 / np.sqrt(2 * N))
    kurtosis = ((w - w.mean()) ** 4).mean() / w.var() ** 2
    assert kurtosis == pytest.approx({"normal": 3.0, "uniform": 1.8}[distribution], abs=0.1)
    if distribution == "uniform":
        reach = np.sqrt(3) * std
        assert w.min() >= (middle - reach) * (1 + 1e-6) and w.max() <= (middle + reach) * (1 + 1e-6)
        assert w.max() - w.min() > 1.99 * reach
    if name is not None:
        assert_same_bits(init.initializer(name)(SHAPE, 3, 5), one(SHAPE, 3, 5))


def test_columns_and_rows_are_uncorrelated() -> None:
    w = init.Gaussian(1.0)(SHAPE).astype(np.float64)
    for matrix in (w, w.T):
        correlation = np.corrcoef(matrix) - np.eye(len(matrix))
        assert np.abs(correlation).max() < 6 / np.sqrt(matrix.shape[1])


@pytest.mark.parametrize("one", [init.He(), init.Uniform(), init.Gaussian()])
def test_seed_and_stream_alone_decide(one: init.Initializer) -> None:
    w = one(SHAPE, 1, 2)
    assert_same_bits(one(SHAPE, 1, 2), w)
    assert (one(SHAPE, 2, 2) != w).mean() > 0.99
    assert (one(SHAPE, 1, 3) != w).mean() > 0.99


@pytest.mark.parametrize(("one", "value"), [(init.Zeros(), 0), (init.Ones(), 1), (init.Constant(-2.5), -2.5)])
def test_constants(one: init.Initializer, value: float) -> None:
    assert (one((3, 4)) == np.float32(value)).all()


def test_layers_of_the_same_shape_begin_differently() -> None:
    net = nn.Sequential(nn.Dense(8), nn.Dense(8), nn.Dense(8))
    net.build(8)
    w = [net.state_dict()[f"{i}.weight"] for i in range(3)]
    assert (w[0] != w[1]).all() and (w[1] != w[2]).all() and (w[0] != w[2]).all()


def std_of_first(*layers: nn.Layer, features: int = 400) -> float:
    net = nn.Sequential(*layers)
    net.build(features)
    return float(net.state_dict()["0.weight"].astype(np.float64).std())


HE, GLOROT = np.sqrt(2 / 400), np.sqrt(2 / 500)


class Own(nn.Layer):
    """Someone's layer: not a norm, not an activation that we know."""


@pytest.mark.parametrize(
    ("behind", "std"),
    [
        ([nn.ReLU], HE),
        ([nn.Tanh], GLOROT),
        ([], GLOROT),
        ([nn.BatchNorm, nn.ReLU], HE),
        ([lambda: nn.Dropout(0.5), nn.ReLU], HE),
        ([nn.BatchNorm, lambda: nn.Dropout(0.5), nn.BatchNorm, nn.ReLU], HE),
        ([nn.BatchNorm, nn.Tanh, nn.ReLU], GLOROT),
        ([nn.BatchNorm], GLOROT),
        ([lambda: nn.Dense(5), nn.ReLU], GLOROT),
    ],
)
def test_auto_looks_at_the_next_activation(behind: list[Any], std: float) -> None:
    assert std_of_first(nn.Dense(100), *(make() for make in behind)) == pytest.approx(std, rel=0.03)


def test_auto_at_the_end_of_a_branch_counts_as_linear() -> None:
    net = nn.Sequential(nn.Parallel(nn.Sequential(nn.Dense(100))), nn.ReLU())
    net.build(400)
    assert net.state_dict()["0.0.0.weight"].std() == pytest.approx(GLOROT, rel=0.03)


def test_explicit_init_is_what_is_used() -> None:
    net = nn.Sequential(
        nn.Dense(7, init=init.Constant(2.0), bias_init="ones"), nn.ReLU(), nn.Dense(3, bias_init=init.Constant(-1))
    )
    net.build(5)
    state = net.state_dict()
    assert (state["0.weight"] == 2).all() and (state["0.bias"] == 1).all() and (state["2.bias"] == -1).all()


def test_the_signal_keeps_its_size_through_many_layers() -> None:
    x = np.random.default_rng(0).normal(size=(200, 256)).astype(np.float32)
    relu = nn.Sequential(*(layer for _ in range(20) for layer in (nn.Dense(256), nn.ReLU())))
    relu.build(256)
    assert 0.2 < np.square(relu.predict(x)).mean() < 5


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nn.Dense(3, init="hee"), ["init", "'he'", "hee"]),
        (lambda: nn.Dense(3, init=5), ["init", "int"]),
        (lambda: nn.Dense(3, bias_init="auto"), ["bias_init", "'auto'"]),
        (lambda: nn.Dense(3, bias_init="zeroes"), ["bias_init", "'zeros'"]),
        (lambda: init.Gaussian(-1.0), ["std", -1.0]),
        (lambda: init.Gaussian(float("nan")), ["std", "nan"]),
        (lambda: init.Uniform(1.0), ["low", "high"]),
        (lambda: init.Uniform(2.0, 1.0), ["high", 1.0]),
        (lambda: init.He("nomal"), ["distribution", "'normal'", "nomal"]),
        (lambda: init.Constant("1"), ["value", "str"]),
        (lambda: init.Constant(float("inf")), ["value", "inf"]),
    ],
)
def test_refuses(make: Any, words: list[Any]) -> None:
    check_refuses(make, *words)
