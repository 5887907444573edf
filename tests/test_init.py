"""Initial weights: their distributions, that the seed alone decides, and what auto chooses."""

import json
from pathlib import Path
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


@pytest.mark.parametrize("std", [None, 0.3])
def test_truncated_gaussian(std: float | None) -> None:
    one = init.TruncatedGaussian(std)
    w = one(SHAPE, seed=3, stream=5).astype(np.float64) / (std or 1 / 300)
    assert np.abs(w).max() <= 2.0 * (1 + 1e-6) and np.abs(w).max() > 1.999
    assert abs(w.mean()) < 5 * 0.88 / np.sqrt(N)
    # By the published formulas for both ends at 2: variance 1 - 4 phi(2) / P, and the share within 1.
    density, share = np.exp(-2.0) / np.sqrt(2 * np.pi), 0.954499736
    assert w.var() == pytest.approx(1 - 4 * density / share, rel=0.02)
    assert (np.abs(w) < 1).mean() == pytest.approx(0.682689492 / share, abs=0.01)
    # What is not cut off is the same as without a cut.
    whole = init.Gaussian(std)(SHAPE, 3, 5)
    kept = np.abs(whole) < 1.999 * (std or 1 / 300)
    assert_same_bits(one(SHAPE, 3, 5)[kept], whole[kept])
    if std is None:
        assert_same_bits(init.initializer("truncated_gaussian")(SHAPE, 3, 5), one(SHAPE, 3, 5))


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (5, 5), (40, 13), (13, 40), (300, 200), (2, 3, 4), (6,)])
@pytest.mark.parametrize("gain", [1.0, np.sqrt(2)])
def test_orthogonal(shape: tuple[int, ...], gain: float) -> None:
    w = init.Orthogonal(gain)(shape, seed=3, stream=5)
    assert w.dtype == np.float32 and w.shape == shape and w.flags.c_contiguous
    w = w.astype(np.float64).reshape(-1, shape[-1])
    gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(gram, gain**2 * np.eye(len(gram)), atol=5e-7)


def test_orthogonal_matrices_favour_no_direction() -> None:
    """Under Haar's measure rows and columns are uniform on the sphere, and det = +-1 with equal chance."""
    draws = np.array([init.Orthogonal()((3, 3), seed) for seed in range(2000)], np.float64)
    spread = 5 / np.sqrt(2000)
    assert np.abs(draws.mean(axis=0)).max() < spread / np.sqrt(3)
    np.testing.assert_allclose(np.square(draws).mean(axis=0), 1 / 3, atol=spread * np.sqrt(1 / 5 - 1 / 9))
    assert abs(np.sign(np.linalg.det(draws)).mean()) < spread
    assert abs(np.trace(draws, axis1=1, axis2=2).mean()) < spread  # what a QR without the sign fix fails


def test_orthogonal_keeps_lengths() -> None:
    x = np.random.default_rng(0).normal(size=(50, 64)).astype(np.float32)
    net = nn.Sequential(*(nn.Dense(64, bias=False, init="orthogonal") for _ in range(30)))
    net.build(64)
    np.testing.assert_allclose(np.linalg.norm(net.predict(x), axis=1), np.linalg.norm(x, axis=1), rtol=1e-4)


KINDS = [
    init.Zeros(), init.Ones(), init.Constant(0.5), init.Uniform(), init.Uniform(-1, 2), init.Gaussian(),
    init.Gaussian(0.1), init.TruncatedGaussian(), init.TruncatedGaussian(0.2), init.Lecun("uniform"), init.Glorot(),
    init.He(distribution="uniform"), init.Orthogonal(1.5), init.LSUV(),
]  # fmt: skip


@pytest.mark.parametrize("one", KINDS, ids=repr)
def test_saved_options(one: init.Initializer, tmp_path: Path) -> None:
    again = init.initializer(json.loads(json.dumps(one.config())))
    assert type(again) is type(one) and repr(again) == repr(one)
    assert_same_bits(again((5, 4), 1, 2), one((5, 4), 1, 2))
    net = nn.Sequential(nn.Dense(3, init=one))
    net.build(4)
    net.save(tmp_path / "m.safetensors")
    assert repr(nn.load(tmp_path / "m.safetensors").layers[0].init) == repr(one)


def test_every_kind_has_a_name() -> None:
    assert (
        {type(init.initializer(one.kind)) for one in KINDS} == {type(one) for one in KINDS} == set(init.KINDS.values())
    )


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


@pytest.mark.parametrize("one", [init.He(), init.Uniform(), init.TruncatedGaussian(), init.Orthogonal()], ids=repr)
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
        (lambda: init.TruncatedGaussian(-1.0), ["std", -1.0]),
        (lambda: init.Orthogonal("a"), ["gain", "str"]),
        (lambda: nn.Dense(3, init="orthogonl"), ["init", "'orthogonal'"]),
        (lambda: init.Constant(float("inf")), ["value", "inf"]),
    ],
)
def test_refuses(make: Any, words: list[Any]) -> None:
    check_refuses(make, *words)
