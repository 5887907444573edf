"""Embeddings: rows of tables by code, their gradients, and codes that no table knows."""

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reference as ref
import reference_embedding as twin
import support
from hypothesis import given
from hypothesis import strategies as st
from networks import assert_same_state, trained, unchanged
from support import U, assert_same_bits, check_refuses, normal, whole
from test_reference import gradcheck

import fastdl as fdl
from fastdl import init, kernels, nn, optim

# rows, size of the table, length of its vectors
CASES = [(0, 3, 4), (1, 1, 1), (37, 5, 1), (9, 1, 16), (100, 7, 17), (64, 1000, 33), (300, 5000, 8), (5, 3, 0)]


def codes_of(rows: int, size: int, seed: int = 0) -> np.ndarray:
    """Codes as a float32 column, such that some are frequent and some are missing."""
    return (np.random.default_rng(seed).random(rows) ** 2 * size).astype(np.int64).astype(np.float32)


@pytest.mark.parametrize(("rows", "size", "dim"), CASES)
def test_forward_is_exact(rows: int, size: int, dim: int) -> None:
    codes, table = codes_of(rows, size), normal((size, dim))
    want = twin.embedding_forward(codes, table).astype(np.float32)
    for isa, got in support.everywhere(lambda: kernels.embedding_forward(codes, table)):
        assert_same_bits(got, want, isa)


@pytest.mark.parametrize(("rows", "size", "dim"), CASES)
def test_backward(rows: int, size: int, dim: int) -> None:
    codes, dy = codes_of(rows, size), normal((rows, dim))
    want = twin.embedding_backward(dy, codes, size)
    times = twin.embedding_backward(np.ones((rows, 1)), codes, size)
    bound = times * U * twin.embedding_backward(np.abs(dy), codes, size)
    for isa, got in support.everywhere(lambda: kernels.embedding_backward(dy, codes, size)):
        support.assert_within(got, want, bound, isa)
        assert (got[times[:, 0] == 0] == 0).all(), isa


@support.property_test
@given(st.integers(0, 30), st.integers(1, 40), st.integers(0, 40), st.integers(0, 9))
def test_backward_is_the_transpose_of_forward(rows: int, size: int, dim: int, seed: int) -> None:
    """On whole numbers, where nothing rounds: <dy, forward(table)> = <backward(dy), table>."""
    codes, table, dy = codes_of(rows, size, seed), whole((size, dim), seed), whole((rows, dim), seed + 1)
    y, dtable = kernels.embedding_forward(codes, table), kernels.embedding_backward(dy, codes, size)
    assert (dy * y).sum() == (dtable * table).sum()
    np.testing.assert_array_equal(dtable.sum(axis=0), dy.sum(axis=0))


def test_gradient_of_the_reference() -> None:
    rng = np.random.default_rng(0)
    codes, table, dy = codes_of(9, 4), rng.normal(size=(4, 3)), rng.normal(size=(9, 3))
    gradcheck(lambda t: twin.embedding_forward(codes, t), [twin.embedding_backward(dy, codes, 4)], [table], dy)


def test_nan_gives_a_row_of_nan_and_no_gradient() -> None:
    codes, table, dy = np.array([1, np.nan, 0], np.float32), normal((2, 19)), normal((3, 19))
    for isa, got in support.everywhere(lambda: kernels.embedding_forward(codes, table)):
        assert np.isnan(got[1]).all() and np.isfinite(got[[0, 2]]).all(), isa
    for isa, got in support.everywhere(lambda: kernels.embedding_backward(dy, codes, 2)):
        assert_same_bits(got, dy[[2, 0]], isa)
    dy[0, 3] = np.nan
    assert np.isnan(kernels.embedding_backward(dy, codes, 2)).sum() == 1


CODES, TABLE, DY = np.array([2, 0, 1, 2, 2], np.float32), whole((3, 7)), whole((5, 7))


def test_edge() -> None:
    forward, backward = kernels.embedding_forward, kernels.embedding_backward
    support.check_conversions(forward, (CODES, TABLE), (0, 1))
    support.check_conversions(backward, (DY, CODES, 3), (0, 1))
    support.check_refuses_kinds(forward, (CODES, TABLE), {0: "codes", 1: "table"})
    support.check_refuses_kinds(backward, (DY, CODES, 3), {0: "dy", 1: "codes"})
    for kernel, arguments in ((forward, (CODES, TABLE)), (backward, (DY, CODES, 3))):
        support.check_out(kernel, arguments)
        support.check_stays_inside(kernel, arguments, out=np.zeros_like(kernel(*arguments)))
    support.check_out_overlap(forward, (CODES, TABLE), 1)
    support.check_out_overlap(backward, (DY, CODES, 3), 0)


@pytest.mark.parametrize(
    "bad", [-1, 3, 0.5, 2.000001, np.inf, -np.inf, 2**24, 2**31, 2**40, 2.0**64, 1e300, np.nextafter(0, 1)]
)
def test_a_code_without_a_row_is_refused(bad: float) -> None:
    codes = CODES.astype(np.float64)
    codes[3] = bad
    check_refuses(lambda: kernels.embedding_forward(codes, TABLE), "codes", "0 .. 2", codes[3])
    check_refuses(lambda: kernels.embedding_backward(DY, codes, 3), "codes", "0 .. 2", codes[3])


def test_bad_arguments_are_refused() -> None:
    for words, call in [
        (["codes", (5, 1)], lambda: kernels.embedding_forward(CODES[:, None], TABLE)),
        (["table", (7,)], lambda: kernels.embedding_forward(CODES, TABLE[0])),
        (["codes", (5,), (4,)], lambda: kernels.embedding_backward(DY, CODES[:4], 3)),
        (["size", "float"], lambda: kernels.embedding_backward(DY, CODES, 3.0)),
        (["size", 0], lambda: kernels.embedding_backward(DY, CODES, 0)),
        (["size", 2**24 + 1], lambda: kernels.embedding_backward(DY, CODES, 2**24 + 1)),
        (["codes"], lambda: kernels.embedding_forward([0], np.zeros((0, 3)))),
    ]:
        check_refuses(call, *words)
    assert kernels.embedding_forward([], np.zeros((0, 3))).shape == (0, 3)


# ------------------------------------------------------------------------------------------------------- the layer


def table_data(rows: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Five columns, of which 1 (codes 0 .. 3) and 4 (codes 0 .. 2) are categories that the target depends on."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, 5))
    X[:, 1], X[:, 4] = np.arange(rows) % 4, np.arange(rows) % 3
    return X, np.stack([X[:, 0] + (X[:, 1] == 2), (X[:, 4] == 1) * X[:, 3]], axis=1)


def test_output_order() -> None:
    X, _ = table_data()
    layer = nn.Embedding([4, 1], [3, 2], sizes=[3, 4])
    net = nn.Sequential(layer)
    assert net.build(5) == (3 + 3 + 2,)
    state = net.state_dict()
    assert {name: array.shape for name, array in state.items()} == {"0.table_4": (3, 3), "0.table_1": (4, 2)}
    want = [X[:, [0, 2, 3]], state["0.table_4"][X[:, 4].astype(int)], state["0.table_1"][X[:, 1].astype(int)]]
    want = np.concatenate(want, axis=1).astype(np.float32)
    assert_same_bits(net.predict(X), want)
    assert_same_bits(net(X, training=True), want)


def test_begins_small_or_as_it_is_told() -> None:
    net = nn.Sequential(nn.Embedding(0, 40, sizes=500))
    net.build(1)
    assert net.state_dict()["0.table_0"].std() == pytest.approx(0.05, rel=0.03)
    net = nn.Sequential(nn.Embedding([0, 1], 4, 5, init="ones"))
    net.build(2)
    assert (net.state_dict()["0.table_1"] == 1).all()


def step(net: nn.Sequential, X: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """What one step of SGD at rate 1 takes off the weights: the gradient."""
    before = net.state_dict()
    trained(net, X, y, {"loss": "mse", "optimizer": optim.SGD(1.0)}, epochs=1, batch_size=len(X))
    return {name: before[name].astype(np.float64) - after for name, after in net.state_dict().items()}


def test_gradients() -> None:
    X, y = table_data()
    net = nn.Sequential(nn.Embedding([4, 1], [3, 2], sizes=[3, 4]), nn.Dense(2))
    net.build(5)
    state = net.state_dict()
    moved = step(net, X, y)
    vectors = [twin.embedding_forward(X[:, c], state[f"0.table_{c}"]) for c in (4, 1)]
    hidden = np.concatenate([X[:, [0, 2, 3]], *vectors], axis=1)
    _, dy = ref.mse(ref.dense_forward(hidden, state["1.weight"], state["1.bias"]), y)
    dhidden, dw, _ = ref.dense_backward(dy, hidden, state["1.weight"])
    np.testing.assert_allclose(moved["1.weight"], dw, rtol=1e-4, atol=2e-6)
    for column, start, dim, size in ((4, 3, 3, 3), (1, 6, 2, 4)):
        want = twin.embedding_backward(dhidden[:, start : start + dim], X[:, column], size)
        np.testing.assert_allclose(moved[f"0.table_{column}"], want, rtol=1e-4, atol=2e-6)


class Scale(nn.Layer):
    """x times a parameter for each column, which begins at 1: shows the gradient with respect to what stands behind."""

    def build(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        self.add_parameter("s", in_shape, "ones")
        return in_shape

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.x = x
        return x * self.params["s"]

    def backward(self, dy: np.ndarray) -> np.ndarray:
        self.grads["s"] = (dy * self.x).sum(axis=0)
        return dy * self.params["s"]


def test_gradient_of_the_inputs_is_that_of_the_passing_columns() -> None:
    X, y = table_data()
    net = nn.Sequential(Scale(), nn.Embedding([4, 1], [3, 2], sizes=[3, 4]), nn.Dense(2))
    net.build(5)
    state = net.state_dict()
    moved = step(net, X, y)["0.s"]
    assert (moved[[1, 4]] == 0).all()
    vectors = [twin.embedding_forward(X[:, c], state[f"1.table_{c}"]) for c in (4, 1)]
    hidden = np.concatenate([X[:, [0, 2, 3]], *vectors], axis=1)
    _, dy = ref.mse(ref.dense_forward(hidden, state["2.weight"], state["2.bias"]), y)
    dhidden, *_ = ref.dense_backward(dy, hidden, state["2.weight"])
    np.testing.assert_allclose(moved[[0, 2, 3]], (dhidden[:, :3] * X[:, [0, 2, 3]]).sum(axis=0), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_same_bits_with_any_team(threads: int) -> None:
    X, y = table_data(500)
    nets = [nn.Sequential(nn.Embedding([1, 4], 9), nn.Dense(8), nn.ReLU(), nn.Dense(2)) for _ in range(2)]
    for net, n in zip(nets, (1, threads), strict=True):
        trained(net, X, y, {"loss": "mse", "threads": n, "seed": 3})
    assert_same_state(nets[1].state_dict(), nets[0].state_dict())


def test_categories_are_learned() -> None:
    X, y = table_data(600)
    net = nn.Sequential(nn.Embedding([1, 4], 4), nn.Dense(32), nn.ReLU(), nn.Dense(2))
    history = trained(net, X, y, {"loss": "mse", "optimizer": optim.Adam(1e-2)}, epochs=40, batch_size=32).history
    assert history["loss"][-1] < 0.02 < 0.2 < history["loss"][0]


def test_embeddings_one_after_the_other() -> None:
    X, y = table_data()
    net = nn.Sequential(nn.Embedding(1, 2, sizes=4), nn.Embedding(3, 3, sizes=3), nn.Dense(2))  # column 4 has become 3
    trained(net, X, y, {"loss": "mse"})
    assert np.isfinite(net.predict(X)).all()


# ------------------------------------------------------------------------------------------------------- its sizes


def test_the_first_fit_finds_the_sizes(tmp_path: Path) -> None:
    X, y = table_data()
    found, told = (nn.Sequential(nn.Embedding([4, 1], 2, sizes=sizes), nn.Dense(2)) for sizes in (None, [3, 4]))
    for net in (found, told):
        trainer = trained(net, X, y, {"loss": "mse"})
    assert_same_state(found.state_dict(), told.state_dict())
    found.save(tmp_path / "m.safetensors")
    for other in (nn.load(tmp_path / "m.safetensors"), copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert_same_bits(other.predict(X), found.predict(X))
        assert other.layers[0].config() == told.layers[0].config()
        check_refuses(lambda other=other: other.predict(X + np.eye(5)[4]), "column 4")
    trainer.reset()
    assert trainer.net.state_dict()["0.table_4"].shape == (3, 2)


def test_sizes_come_from_validation_rows_too_that_are_split_off() -> None:
    X, y = table_data()
    net = nn.Sequential(nn.Embedding([1, 4], 2), nn.Dense(2))
    trained(net, X, y, {"loss": "mse"}, validation_split=0.5, sample_weight=np.arange(60) < 2)
    assert net.state_dict()["0.table_1"].shape == (4, 2)


@pytest.mark.parametrize("dtype", ["f4", "i2", "i8", "u1", "?"])
def test_codes_of_any_type(dtype: str) -> None:
    X = (np.arange(20)[:, None] % 2).astype(dtype)
    net = nn.Sequential(nn.Embedding(0, 3), nn.Dense(1))
    trained(net, X, X.astype(np.float32), {"loss": "mse"})
    assert net.state_dict()["0.table_0"].shape == (2, 3)


def test_a_memory_map(tmp_path: Path) -> None:
    X, y = table_data()
    mapped = np.memmap(tmp_path / "x", "f8", "w+", shape=X.shape)
    mapped[...] = X
    nets = [nn.Sequential(nn.Embedding([1, 4], 2), nn.Dense(2)) for _ in range(2)]
    for net, data in zip(nets, (X, mapped), strict=True):
        trained(net, data, y, {"loss": "mse"})
    assert_same_state(nets[1].state_dict(), nets[0].state_dict())
    mapped[7, 1] = 9  # is found when it is met, since maps are not read before
    with pytest.raises(fdl.NonFiniteError, match="Embedding"):
        trained(nets[1], mapped, y, {"loss": "mse"})


@pytest.mark.filterwarnings("error")
def test_large_codes_are_no_reason_to_warn_but_other_columns_are() -> None:
    X, y = table_data()
    X[:, 1] *= 1000
    trained(nn.Sequential(nn.Embedding([1, 4], 2), nn.Dense(2)), X, y, {"loss": "mse"})
    X[:, 0] *= 1000
    with pytest.warns(UserWarning, match="no codes"):
        trained(nn.Sequential(nn.Embedding([1, 4], 2), nn.Dense(2)), X, y, {"loss": "mse"})


# -------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("bad", [-1, 4, 0.5, np.inf, 2**24])
@pytest.mark.parametrize("built", [False, True])
def test_codes_that_are_not_known_are_refused_before_anything_changes(bad: float, built: bool) -> None:
    X, y = table_data()
    net = nn.Sequential(nn.Embedding([1, 4], 2, sizes=4), nn.Dense(2))
    if built:
        trained(net, X, y, {"loss": "mse"})
    wrong = X.copy()
    wrong[17, 1] = bad
    trainer = fdl.Trainer(net, "mse")
    calls: list[Any] = [
        lambda: trainer.fit(wrong, y, progress=False),
        lambda: trainer.fit(X, y, validation_data=(wrong, y), progress=False),
    ]
    if built:
        calls += [lambda: trainer.evaluate(wrong, y), lambda: net.predict(wrong), lambda: net(wrong, training=True)]
    for call in calls:
        with unchanged(net):
            check_refuses(call, "Embedding", "0 .. 3", "column 1", "row 17", wrong[17, 1])


@pytest.mark.parametrize("bad", [-1, 0.5, 2**24])
def test_the_first_fit_refuses_what_is_no_code(bad: float) -> None:
    X, y = table_data()
    X[17, 1] = bad
    net = nn.Sequential(nn.Embedding([1, 4], 2), nn.Dense(2))
    with unchanged(net):
        check_refuses(lambda: trained(net, X, y, {"loss": "mse"}), "Embedding", "column 1", "row 17")


def test_nan_passes_into_predictions_and_not_into_training() -> None:
    X, y = table_data()
    net = nn.Sequential(nn.Embedding([1, 4], 2), nn.Dense(2))
    trained(net, X, y, {"loss": "mse"})
    X[3, 1] = np.nan
    assert np.isnan(net.predict(X)).any(axis=1).tolist() == [i == 3 for i in range(60)]
    check_refuses(lambda: trained(net, X, y, {"loss": "mse"}), "X", "nan", "row 3")


@pytest.mark.parametrize("scaler", [nn.Standardize, nn.MinMaxScale, nn.RobustScale])
def test_a_scaler_before_it_is_refused(scaler: type[nn.Layer]) -> None:
    X, y = table_data()
    for net in (
        nn.Sequential(scaler(), nn.Embedding([1], 2, 4), nn.Dense(2)),
        nn.Sequential(nn.Sequential(scaler()), nn.Sequential(nn.Embedding([1], 2, 4), nn.Dense(2))),
    ):
        with unchanged(net):
            check_refuses(lambda net=net: trained(net, X, y, {"loss": "mse"}), "Embedding", "scaler")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nn.Embedding(-1, 2), ["columns", "-1"]),
        (lambda: nn.Embedding([], 2), ["columns"]),
        (lambda: nn.Embedding([1, 1], 2), ["columns", "[1, 1]"]),
        (lambda: nn.Embedding("1", 2), ["columns", "str"]),
        (lambda: nn.Embedding([1.0], 2), ["columns[0]", "float"]),
        (lambda: nn.Embedding(1, 0), ["dim", "0"]),
        (lambda: nn.Embedding([1, 2], [3]), ["dim", "2 columns", "1"]),
        (lambda: nn.Embedding([1, 2], 3, sizes=[1, 2, 3]), ["sizes", "2 columns", "3"]),
        (lambda: nn.Embedding(1, 2, sizes=0), ["sizes", "0"]),
        (lambda: nn.Embedding(1, 2, sizes=2**24 + 1), ["sizes", "2^24", 2**24 + 1]),
        (lambda: nn.Embedding(1, 2, init="tiny"), ["init", "tiny"]),
        (lambda: nn.Sequential(nn.Embedding(5, 2, sizes=3)).build(5), ["Embedding", "5"]),
        (lambda: nn.Sequential(nn.Embedding(1, 2)).build(5), ["Embedding", "sizes="]),
        (lambda: nn.Sequential(nn.Dense(3), nn.Embedding(1, 2)).build(5), ["Embedding", "sizes="]),
    ],
)
def test_refuses(make: Any, words: list[Any]) -> None:
    check_refuses(make, *words)


def test_a_column_that_is_not_there() -> None:
    X, y = table_data()
    net = nn.Sequential(nn.Embedding(5, 2), nn.Dense(2))
    with unchanged(net):
        check_refuses(lambda: trained(net, X, y, {"loss": "mse"}), "Embedding", "column 5", "5 features")


def test_options_are_saved(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Embedding([3, 0], [2, 1], 7, init.Uniform(-1, 1), name="city"))
    net.build(4)
    net.save(tmp_path / "m.safetensors")
    layer = nn.load(tmp_path / "m.safetensors").layers[0]
    assert (layer.columns, layer.dim, layer.sizes, layer.name) == ([3, 0], [2, 1], [7, 7], "city")
    assert repr(layer.init) == repr(init.Uniform(-1, 1))
