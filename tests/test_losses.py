"""Every loss through one table: values and gradients, weights, extremes, NaN, bad targets."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reference as ref
import reference_loss
import support
from hypothesis import given
from hypothesis import strategies as st
from support import U, normal
from test_reference import gradcheck

import fastdl as fdl
from fastdl import kernels, losses, nn

Pair = tuple[np.ndarray, np.ndarray]


def uniform(shape: Any, seed: int) -> np.ndarray:
    """In [0, 1), float32."""
    return np.random.default_rng(seed).random(shape, np.float32)


def labels_of(shape: tuple[int, int], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, shape[1], shape[0])


def distributions(shape: tuple[int, int], seed: int) -> np.ndarray:
    """Rows that sum to 1, with zeros among them."""
    p = np.maximum(uniform(shape, seed) - 0.3, 0.0).astype(np.float64)
    p[:, 0] += 0.1
    return (p / p.sum(axis=1, keepdims=True)).astype(np.float32)


def yes_or_no(shape: tuple[int, int], seed: int) -> np.ndarray:
    """Zeros, ones, and what lies between."""
    t = uniform(shape, seed)
    return np.select([t < 0.3, t > 0.7], [np.float32(0), np.float32(1)], t).astype(np.float32)


def counts(shape: tuple[int, int], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).poisson(2.0, shape).astype(np.float32)


# Bounds of the loss (B,) and of the gradient (B, n), from outputs, targets, options, shares, and what is expected.
Bounds = Callable[[np.ndarray, np.ndarray, dict[str, Any], np.ndarray, Pair], Pair]


def softmax_bounds(x: np.ndarray, t: np.ndarray, options: dict[str, Any], share: np.ndarray, want: Pair) -> Pair:
    """As `test_loss.check_cross_entropy`, with a sum over all classes' distances on top."""
    n = x.shape[1]
    if t.ndim == 1:
        t = reference_loss.smoothed(t, n, options.get("label_smoothing", 0.0))
    distance = x.max(axis=1, keepdims=True) - ref.f64(x)
    p, terms = np.exp(reference_loss.log_softmax(x)), 16.0 + n / 16.0
    return U * (terms + (6.0 + n / 8.0) * want[0]), U * share * (p * (2 * terms + n / 8 + 2 * distance) + 6 * t)


def focal_bounds(x: np.ndarray, t: np.ndarray, options: dict[str, Any], share: np.ndarray, want: Pair) -> Pair:
    """All factors are positive: relative errors, of which those of exp grow with the distance."""
    power, n = 1.0 + options.get("gamma", 2.0), x.shape[1]
    spread = np.minimum((x.max(axis=1) - ref.f64(x).min(axis=1)), 200.0)
    relative = U * power * (40.0 + n / 8.0 + 4.0 * spread)
    return relative * want[0], 2.0 * relative[:, None] * np.abs(want[1])


def relative_bounds(x: np.ndarray, t: np.ndarray, options: dict[str, Any], share: np.ndarray, want: Pair) -> Pair:
    """Terms of one sign, and one difference."""
    columns = x.shape[1]
    return (8.0 + columns / 16.0) * U * want[0], 6.0 * U * np.abs(want[1])


def quantile_bounds(x: np.ndarray, t: np.ndarray, options: dict[str, Any], share: np.ndarray, want: Pair) -> Pair:
    """A level is rounded to float32; a lane may add up all targets."""
    return (8.0 + x.shape[1]) * U * want[0], 8.0 * U * share / x.shape[1] * np.ones_like(want[1])


def poisson_bounds(x: np.ndarray, t: np.ndarray, options: dict[str, Any], share: np.ndarray, want: Pair) -> Pair:
    """The difference of rate and target may cancel."""
    n, rate = x.shape[1], np.exp(ref.f64(x))
    size = rate + np.abs(ref.f64(t) * x)
    return (8.0 + n / 16.0) * U * size.mean(axis=1), 6.0 * U * share / n * (rate + t)


def binary_bounds(x: np.ndarray, t: np.ndarray, options: dict[str, Any], share: np.ndarray, want: Pair) -> Pair:
    """The loss is a sum of positive terms; the slope cancels only between a target's two sides."""
    n, p = x.shape[1], np.exp(-np.logaddexp(0.0, -ref.f64(x)))
    q = np.exp(-np.logaddexp(0.0, ref.f64(x)))
    return (12.0 + n / 16.0) * U * want[0], 12.0 * U * share / n * ((1.0 - t) * p + t * q)


@dataclass
class Case:
    """A loss with some options: what its outputs and targets look like for a shape of outputs."""

    kernel: str
    bounds: Bounds
    targets: Callable[[tuple[int, int], int], np.ndarray]
    options: dict[str, Any] = field(default_factory=dict)
    names: tuple[str, str] = ("pred", "target")
    scale: float = 3.0

    def example(self, shape: tuple[int, int], scale: float = 1.0) -> Pair:
        """Outputs and targets."""
        return normal(shape, scale=self.scale) * np.float32(scale), self.targets(shape, 1)

    def call(self, x: Any, t: Any, weights: Any = None, **options: Any) -> Pair:
        """The kernel."""
        return getattr(kernels, self.kernel)(x, t, **{"weights": weights, **self.options, **options})

    def twin(self, x: Any, t: Any, weights: Any = None) -> Pair:
        """The reference."""
        return getattr(reference_loss, self.kernel)(x, t, **{"weights": weights, **self.options})


LOGITS = ("logits", "labels")
MEDIAN, LEVELS = [0.5], [0.05, 0.5, 0.9]


def columns_per(levels: list[float]) -> Callable[[tuple[int, int], int], np.ndarray]:
    return lambda shape, seed: normal((shape[0], shape[1] // len(levels)), seed, 3.0)


CASES = {
    "cross_entropy": Case("softmax_cross_entropy", softmax_bounds, labels_of, names=LOGITS),
    "smoothed": Case("softmax_cross_entropy", softmax_bounds, labels_of, {"label_smoothing": 0.1}, LOGITS),
    "all smooth": Case("softmax_cross_entropy", softmax_bounds, labels_of, {"label_smoothing": 1.0}, LOGITS),
    "probabilities": Case(
        "softmax_cross_entropy_probabilities", softmax_bounds, distributions, names=("logits", "probabilities")
    ),
    "focal": Case("focal", focal_bounds, labels_of, names=LOGITS),
    "focal 0.5": Case("focal", focal_bounds, labels_of, {"gamma": 0.5}, LOGITS),
    "focal 5": Case("focal", focal_bounds, labels_of, {"gamma": 5.0}, LOGITS),
    "binary": Case("binary_cross_entropy", binary_bounds, yes_or_no, names=("logits", "target")),
    "mse": Case("mse", relative_bounds, normal),
    "mae": Case("mae", relative_bounds, normal),
    "huber": Case("huber", relative_bounds, normal),
    "huber 3.5": Case("huber", relative_bounds, normal, {"delta": 3.5}),
    "poisson": Case("poisson", poisson_bounds, counts, names=("log_rate", "target"), scale=1.0),
    "median": Case("quantile", quantile_bounds, columns_per(MEDIAN), {"levels": MEDIAN}),
}
SHAPES = [shape for shape in support.SHAPES if shape[0]]
QUANTILE_SHAPES = [(1, 3), (5, 3), (37, 3), (17, 33), (15, 129), (3, 999), (2000, 3)]


def weights_of(rows: int) -> np.ndarray:
    """Positive, with some zeros, not all."""
    weights = np.abs(normal(rows, 7)) + np.float32(0.1)
    weights[1::4] = 0.0
    return weights


def check(case: Case, x: np.ndarray, t: np.ndarray, weights: np.ndarray | None = None) -> None:
    """Loss and gradient within their bounds of the reference, everywhere the same."""
    want = case.twin(x, t, weights)
    loss_bound, d_bound = case.bounds(x, t, case.options, ref.row_shares(len(x), weights), want)
    for isa, (loss, d) in support.everywhere(lambda: case.call(x, t, weights)):
        support.assert_within(loss, want[0], loss_bound, f"{isa}, loss")
        support.assert_within(d, want[1], d_bound, f"{isa}, gradient")
        if weights is not None:
            np.testing.assert_array_equal(d[weights == 0], 0.0, err_msg=isa)


def three_levels() -> Case:
    return Case("quantile", quantile_bounds, columns_per(LEVELS), {"levels": LEVELS})


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("shape", [*SHAPES, (2000, 10)], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_values(name: str, shape: tuple[int, int], weighted: bool) -> None:
    check(CASES[name], *CASES[name].example(shape), weights_of(shape[0]) if weighted else None)


@pytest.mark.parametrize("shape", QUANTILE_SHAPES, ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_several_quantiles(shape: tuple[int, int], weighted: bool) -> None:
    check(three_levels(), *three_levels().example(shape), weights_of(shape[0]) if weighted else None)


@pytest.mark.parametrize("targets", [1, 3])
def test_many_quantiles(targets: int) -> None:
    levels = np.linspace(0.02, 0.98, 33)
    case = Case("quantile", quantile_bounds, columns_per(list(levels)), {"levels": levels})
    check(case, *case.example((7, 33 * targets)))


@support.property_test
@given(st.sampled_from(sorted(CASES)), st.integers(1, 50), st.integers(1, 70), st.booleans(), st.floats(0.01, 20.0))
def test_values_at_any_small_shape(name: str, rows: int, columns: int, weighted: bool, scale: float) -> None:
    check(CASES[name], *CASES[name].example((rows, columns), scale), weights_of(rows) if weighted else None)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("shape", [(1, 1), (4, 1), (1, 4), (4, 3)], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_references_gradient(name: str, shape: tuple[int, int], weighted: bool) -> None:
    case = CASES[name]
    x, t = case.example(shape)
    x, weights = ref.f64(x), weights_of(shape[0]) if weighted else None
    gradcheck(lambda v: case.twin(v, t)[0], [case.twin(x, t, weights)[1]], [x], ref.row_shares(len(x), weights)[:, 0])


def test_the_references_gradient_of_several_quantiles() -> None:
    x, t = three_levels().example((4, 6))
    share = np.full(4, 0.25)
    gradcheck(lambda v: three_levels().twin(v, t)[0], [three_levels().twin(x, t)[1]], [ref.f64(x)], share)


# ------------------------------------------------------------------------------------------------------- extremes

EXTREME = np.array(
    [
        [1e4, -1e4, 0.0], [-1e4, 1e4, 0.0], [88.0, -88.0, 0.0], [-88.0, 88.0, 0.0], [1e4, 1e4, 1e4],
        [-1e4, -1e4, -1e4], [0.0, 0.0, 0.0], [88.0, 88.0, -88.0], [30.0, 0.0, 0.0], [-30.0, 0.0, 0.0],
    ],
    np.float32,
)  # fmt: skip


@pytest.mark.parametrize("name", [name for name in CASES if name != "poisson"])
def test_extreme_outputs(name: str) -> None:
    """As near as ever, and finite: nothing overflows on the way."""
    case = CASES[name]
    for seed in range(3):
        t = case.targets(EXTREME.shape, seed)
        check(case, EXTREME, t)
        assert all(np.isfinite(part).all() for part in case.call(EXTREME, t))


def test_several_quantiles_of_extreme_outputs() -> None:
    check(three_levels(), EXTREME, normal((10, 1)))


def test_poisson_at_the_ends_of_exp() -> None:
    case, x = CASES["poisson"], np.array([[88.0], [-88.0], [-1e4], [0.0]], np.float32)
    check(case, x, np.array([[3.0], [3.0], [0.0], [0.0]], np.float32))
    for isa, (loss, d) in support.everywhere(lambda: case.call([[89.0], [1e4]], [[1.0], [0.0]])):
        assert np.isposinf(loss).all() and np.isposinf(d).all(), f"{isa}: infinite, and not NaN"


@pytest.mark.parametrize("name", ["mae", "huber", "mse", "median"])
def test_no_error_has_no_slope(name: str) -> None:
    case, x = CASES[name], normal((9, 5))
    for isa, (loss, d) in support.everywhere(lambda: case.call(x, x)):
        np.testing.assert_array_equal(loss, 0.0, err_msg=isa)
        np.testing.assert_array_equal(d, 0.0, err_msg=isa)


def test_huber_meets_itself_at_delta() -> None:
    below, above = (
        kernels.huber([[1.5, -1.5]], [[0.0, 0.0]], delta=1.5),
        kernels.huber([[1.5000001]], [[0.0]], delta=1.5),
    )
    assert below[0][0] == 1.125 and above[0][0] == pytest.approx(1.125, rel=1e-6)
    np.testing.assert_array_equal(below[1], [[0.75, -0.75]])
    assert above[1][0, 0] == 1.5


def test_binary_cross_entropy_keeps_its_digits_in_both_tails() -> None:
    """sigmoid(40) - 1 would be 0 in float32."""
    loss, d = kernels.binary_cross_entropy([[40.0], [-40.0]], [[1.0], [0.0]])
    np.testing.assert_allclose(loss, np.exp(-40.0), rtol=1e-6)
    np.testing.assert_allclose(2.0 * d[:, 0], [-np.exp(-40.0), np.exp(-40.0)], rtol=1e-6)


def test_focal_without_gamma_is_cross_entropy() -> None:
    x, labels = CASES["focal"].example((50, 7), 3.0)
    for isa, (loss, d) in support.everywhere(lambda: kernels.focal(x, labels, gamma=0.0)):
        want, want_d = kernels.softmax_cross_entropy(x, labels)
        np.testing.assert_allclose(loss, want, rtol=2e-5, atol=2e-7, err_msg=isa)
        np.testing.assert_allclose(d, want_d, rtol=2e-5, atol=1e-8, err_msg=isa)


def test_a_certain_label_is_a_probability() -> None:
    x, labels = CASES["cross_entropy"].example((50, 7))
    for isa, got in support.everywhere(lambda: kernels.softmax_cross_entropy_probabilities(x, np.eye(7)[labels])):
        for one, other in zip(got, kernels.softmax_cross_entropy(x, labels), strict=True):
            np.testing.assert_allclose(one, other, rtol=2e-6, atol=1e-8, err_msg=isa)


@pytest.mark.parametrize("name", CASES)
def test_nan_reaches_the_loss_of_its_row_only(name: str) -> None:
    case = CASES[name]
    x, t = case.example((20, 33))
    bad, others = x.copy(), np.arange(20) != 4
    bad[4, 17] = np.nan
    for isa, (loss, d) in support.everywhere(lambda: case.call(bad, t)):
        with support.team(isa):
            clean = case.call(x, t)
        assert np.isnan(loss[4]) and np.isnan(d[4, 17]), isa
        support.assert_same_bits((loss[others], d[others]), (clean[0][others], clean[1][others]), isa)


@pytest.mark.parametrize("name", ["mse", "mae", "huber", "median"])
def test_nan_in_a_target_is_passed_on(name: str) -> None:
    case = CASES[name]
    x, t = case.example((5, 3))
    t[2, 1] = np.nan
    for isa, (loss, d) in support.everywhere(lambda: case.call(x, t)):
        np.testing.assert_array_equal(np.isnan(loss), np.arange(5) == 2, err_msg=isa)
        assert np.isnan(d[2, 1]), isa


# -------------------------------------------------------------------------------------------- rows, weights, memory


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("garbage", [0.0, 1e4, -3e38, np.inf, np.nan])
def test_rows_of_weight_zero_never_change_a_bit(name: str, garbage: float) -> None:
    case = CASES[name]
    x, t = case.example((40, 13))
    weights = np.abs(normal(40, 7)) + np.float32(0.1)
    places = np.array([0, 0, 3, 17, 17, 17, 39, 40])
    nothing = np.insert(np.zeros(40, bool), places, True)
    mixed_x = np.insert(x, places, np.float32(garbage), axis=0)
    mixed_t = np.insert(t, places, t[:1] if t.ndim == 2 else 1, axis=0)
    for isa, (loss, d) in support.everywhere(lambda: case.call(mixed_x, mixed_t, np.insert(weights, places, 0.0))):
        with support.team(isa):
            want = case.call(x, t, weights)
        support.assert_same_bits((loss[~nothing], d[~nothing]), want, isa)
        np.testing.assert_array_equal(d[nothing], 0.0, err_msg=isa)


@pytest.mark.parametrize("name", CASES)
def test_weights_that_say_nothing(name: str) -> None:
    """Equal weights are no weights; those that sum to zero give no gradient."""
    case = CASES[name]
    x, t = case.example((32, 13))
    for isa, got in support.everywhere(lambda: case.call(x, t, np.full(32, 0.5, "f"))):
        with support.team(isa):
            support.assert_same_bits(got, case.call(x, t), isa)
    np.testing.assert_array_equal(case.call(x, t, np.zeros(32))[1], 0.0)


@pytest.mark.parametrize("name", CASES)
def test_no_rows_and_no_columns(name: str) -> None:
    case = CASES[name]
    x, t = case.example((0, 5))
    for _, (loss, d) in support.everywhere(lambda: case.call(x, t)):
        assert loss.shape == (0,) and d.shape == (0, 5)
    none = np.zeros(0 if case.names[1] == "labels" else (0, 0), int)
    support.check_refuses(lambda: case.call(np.zeros((0, 0)), none), case.names[0], (0, 0))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (33, 17), (3, 130)], ids=str)
def test_memory_outside_the_arrays_is_left_alone(name: str, shape: tuple[int, int]) -> None:
    case = CASES[name]
    support.check_stays_inside(case.call, (*case.example(shape), np.ones(shape[0], np.float32)))


def test_several_quantiles_stay_inside() -> None:
    support.check_stays_inside(three_levels().call, (*three_levels().example((5, 6)), np.ones(5, np.float32)))


@pytest.mark.parametrize("name", CASES)
def test_inputs_are_converted_or_refused(name: str) -> None:
    case = CASES[name]
    x, weights = support.whole((5, 2)), np.array([1, 0, 2, 3, 1], np.float32)
    t = np.array([0, 1, 1, 0, 1]) if case.names[1] == "labels" else np.eye(2, dtype="f")[[0, 1, 1, 0, 1]]
    support.check_conversions(case.call, (x, t, weights), (0, 1, 2))
    support.check_refuses_kinds(case.call, (x, t, weights), {0: case.names[0], 1: case.names[1], 2: "weights"})
    for bad in (weights[:4], weights[:, None], -weights, weights * np.float32(np.nan)):
        support.check_refuses(lambda bad=bad: case.call(x, t, bad), "weights")
    support.check_refuses(lambda: case.call(x, t[:4]), case.names[1], 5, 4)
    support.check_refuses(lambda: case.call(x[0], t), case.names[0], (2,))


X = support.whole((5, 4))


@pytest.mark.parametrize(
    ("kernel", "args", "options", "words"),
    [
        ("softmax_cross_entropy", (X, [0] * 5), {"label_smoothing": -0.1}, ["label_smoothing", "[0, 1]", -0.1]),
        ("softmax_cross_entropy", (X, [0] * 5), {"label_smoothing": 1.1}, ["label_smoothing", "[0, 1]", 1.1]),
        ("softmax_cross_entropy", (X, [0] * 5), {"label_smoothing": "a"}, ["label_smoothing", "str"]),
        ("softmax_cross_entropy", (X, [0] * 5), {"label_smoothing": np.nan}, ["label_smoothing", "nan"]),
        ("softmax_cross_entropy_probabilities", (X, X[:, :3]), {}, ["probabilities", (5, 4), (5, 3)]),
        ("softmax_cross_entropy_probabilities", (X, np.full((5, 4), 0.26)), {}, ["probabilities", "sum to 1", 1.04]),
        ("softmax_cross_entropy_probabilities", (X, [[1.5, -0.5, 0, 0]] * 5), {}, ["probabilities", ">= 0"]),
        ("softmax_cross_entropy_probabilities", (X, np.full((5, 4), np.nan)), {}, ["probabilities"]),
        ("focal", (X, [0, 1, 2, 3, 4]), {}, ["labels", "0 .. 3", 4]),
        ("focal", (X, [0] * 5), {"gamma": -1.0}, ["gamma", -1.0]),
        ("focal", (X, [0] * 5), {"gamma": np.inf}, ["gamma", "inf"]),
        ("binary_cross_entropy", (X, np.full((5, 4), 1.5)), {}, ["target", "[0, 1]"]),
        ("binary_cross_entropy", (X, np.full((5, 4), -0.1)), {}, ["target", "[0, 1]"]),
        ("binary_cross_entropy", (X, np.full((5, 4), np.nan)), {}, ["target", "[0, 1]"]),
        ("binary_cross_entropy", (X, X[:, 0]), {}, ["target", (5,)]),
        ("mae", (X, X[:, :1]), {}, ["target", (5, 4), (5, 1)]),
        ("huber", (X, X), {"delta": 0.0}, ["delta", 0.0]),
        ("huber", (X, X), {"delta": np.inf}, ["delta", "inf"]),
        ("huber", (X, X), {"delta": None}, ["delta", "NoneType"]),
        ("poisson", (X, -np.ones((5, 4))), {}, ["target", ">= 0"]),
        ("poisson", (X, np.full((5, 4), np.nan)), {}, ["target", ">= 0"]),
        ("quantile", (X, X), {"levels": [0.1, 0.9]}, ["target", (5, 4)]),
        ("quantile", (X, X), {"levels": 0.0}, ["levels", "(0, 1)"]),
        ("quantile", (X, X), {"levels": [0.5, 1.0]}, ["levels", "(0, 1)"]),
        ("quantile", (X, X), {"levels": [np.nan]}, ["levels", "nan"]),
        ("quantile", (X, X), {"levels": []}, ["levels"]),
        ("quantile", (X, X), {"levels": [[0.5]]}, ["levels", (1, 1)]),
        ("quantile", (X, X), {"levels": "0.5"}, ["levels"]),
    ],
)  # fmt: skip
def test_bad_arguments(kernel: str, args: tuple[Any, ...], options: dict[str, Any], words: list[Any]) -> None:
    support.check_refuses(lambda: getattr(kernels, kernel)(*args, **options), *words)


@pytest.mark.parametrize("levels", [(0.1, 0.5, 0.9), (0.9, 0.1)])
def test_quantiles_of_a_prediction_are_in_order(levels: tuple[float, ...], tmp_path: Path) -> None:
    """Also where the network's outputs cross, of each target by itself, in every way of asking, and from a file."""
    X = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    Y = X[:, :2] + np.random.default_rng(1).normal(size=(200, 2))
    net = nn.Sequential(nn.Dense(2 * len(levels)))
    trainer = fdl.Trainer(net, losses.Quantile(levels))
    trainer.fit(X, Y, epochs=1, progress=False)
    raw = X @ net.parameters()["0.weight"] + net.parameters()["0.bias"]
    crossed = raw.reshape(200, 2, -1)[:, :, np.argsort(levels)]
    assert (np.diff(crossed, axis=2) < 0).any(), "nothing to sort"
    want = np.sort(crossed, axis=2)
    net.save(tmp_path / "net.safetensors")
    again = nn.load(tmp_path / "net.safetensors")
    assert again.head == net.head
    predictor = net.predictor(rows=200)
    for got in (net.predict(X), again.predict(X), predictor(X), np.concatenate([net.predict(x[None]) for x in X])):
        in_order = got.reshape(200, 2, -1)[:, :, np.argsort(levels)]
        np.testing.assert_allclose(in_order, want, rtol=1e-5, atol=1e-6)
    assert losses.Quantile(0.3).head == "linear"
