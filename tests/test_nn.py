"""Layers and networks: building, names, state, copies, predictions."""

import copy
import pickle
import re
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from networks import assert_same_state, blobs, mlp, run_python, trained, unchanged
from support import assert_same_bits, check_refuses

import fastdl as fdl
from fastdl import nn, optim

# -------------------------------------------------------------------------------------------------------- building


def test_names_shapes_and_dtypes_of_a_state() -> None:
    net = mlp()
    assert not net.built
    assert net.build(6) == (3,)
    assert net.built and net.input_shape == (6,) and net.output_shape == (3,)
    state = net.state_dict()
    shapes = {name: array.shape for name, array in state.items()}
    assert {k: v for k, v in shapes.items() if not k.startswith("0.")} == {
        "1.weight": (6, 16), "1.bias": (16,), "2.gamma": (16,), "2.beta": (16,), "2.running_mean": (16,),
        "2.running_var": (16,), "5.weight": (16, 16), "5.bias": (16,), "7.weight": (16, 3), "7.bias": (3,),
    }  # fmt: skip
    assert all(array.dtype == np.float32 for name, array in state.items() if not name.startswith("0."))
    assert (state["2.gamma"] == 1).all() and (state["2.beta"] == 0).all()
    assert (state["2.running_mean"] == 0).all() and (state["2.running_var"] == 1).all()


def test_build_by_hand_is_what_fit_does() -> None:
    X, y = blobs()
    by_fit, by_hand = mlp(), mlp()
    by_hand.build((6,), seed=4)
    for net in (by_fit, by_hand):
        trained(net, X, y, {"seed": 4})
    assert_same_state(by_hand.state_dict(), by_fit.state_dict())


def test_building_twice() -> None:
    net = mlp()
    net.build(6)
    before = net.state_dict()
    assert net.build((6,), seed=9) == (3,)
    assert_same_state(net.state_dict(), before)
    with unchanged(net):
        check_refuses(lambda: net.build(7), "Sequential", "(6,)", "(7,)")


@pytest.mark.parametrize("shape", [0, -1, (), (3, 4), 2.5, None, "abc", [None]])
def test_build_refuses_shapes(shape: Any) -> None:
    net = mlp()
    with unchanged(net), pytest.raises((ValueError, TypeError), match="input_shape|in_shape|expected inputs of shape"):
        net.build(shape)


@pytest.mark.parametrize("seed", [-1, 2**64, 1.5, "a", None])
def test_build_refuses_seeds(seed: Any) -> None:
    net = mlp()
    with unchanged(net):
        check_refuses(lambda: net.build(6, seed=seed), "seed")


@pytest.mark.parametrize("layers", [(nn.Dense(10**12), nn.Dense(10**12)), (nn.Dense(2**70),)])
def test_layers_too_large_for_memory_fail_with_the_size_before_allocation(layers: Any) -> None:
    net = nn.Sequential(*layers)
    with unchanged(net), pytest.raises(MemoryError, match="parameters.*GiB"):
        net.build(10)


def test_states_too_large_for_memory_fail_with_the_size_before_allocation() -> None:
    for first in ("nn.BatchNorm()", "nn.Standardize()", "nn.MinMaxScale()"):
        # Under a limit, so that a failure of this test is an error of its own and doesn't take the machine down.
        out = run_python(f"""
            import resource, tracemalloc
            from fastdl import nn
            resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
            tracemalloc.start()
            net = nn.Sequential({first}, nn.Dense(1))
            try:
                net.build(10**12)
            except MemoryError as error:
                print(error, tracemalloc.get_traced_memory()[1] < 1e7, net.built)
        """).stdout
        assert re.search(r"GiB.*True False", out), out


def test_the_same_layer_twice() -> None:
    dense, norm = nn.Dense(6, name="shared"), nn.BatchNorm()
    for layers in ([dense, nn.ReLU(), dense], [norm, nn.Sequential(nn.Dense(6), norm)], [nn.Sequential(dense), dense]):
        net = nn.Sequential(*layers)
        with unchanged(net):
            check_refuses(lambda net=net: net.build(6), "two places")


def test_a_layer_cannot_belong_to_two_networks() -> None:
    # In a process of its own: two networks that fight over memory end in a crash.
    run_python("""
        import numpy as np, fastdl as fdl
        from fastdl import nn
        X, y = np.ones((8, 4)), np.arange(8) % 3
        dense = nn.Dense(3)
        first = nn.Sequential(dense)
        first.build(4)
        before, out = first.state_dict(), first.predict(X)
        second = nn.Sequential(dense)
        try:
            second.build(4000)
        except ValueError as error:
            assert "Dense" in str(error), error
        else:
            raise SystemExit("not refused")
        assert not second.built
        assert first.state_dict()["0.weight"].tobytes() == before["0.weight"].tobytes()
        assert first.predict(X).tobytes() == out.tobytes()
        fdl.Trainer(first).fit(X, y, progress=False)
    """)


def test_an_inner_network_cannot_be_rebuilt_under_the_outer_one() -> None:
    run_python("""
        from fastdl import nn
        inner = nn.Sequential(nn.Dense(3))
        outer = nn.Sequential(inner, nn.Dense(2))
        outer.build(4)
        before = outer.state_dict()
        try:
            inner.build(400)
        except ValueError:
            pass
        after = outer.state_dict()
        assert {k: v.tobytes() for k, v in after.items()} == {k: v.tobytes() for k, v in before.items()}
    """)


@pytest.mark.parametrize("scaler", [nn.Standardize, nn.MinMaxScale])
def test_a_scaler_is_refused_anywhere_but_first(scaler: type[nn.Layer]) -> None:
    X, y = blobs()
    for net in (
        nn.Sequential(nn.Dense(4), scaler()),
        nn.Sequential(nn.Dense(4), nn.Sequential(scaler(), nn.Dense(3))),
        nn.Sequential(scaler(), scaler(), nn.Dense(3)),
        nn.Sequential(nn.Sequential(nn.Dense(3)), nn.Sequential(nn.Sequential(scaler()), nn.Dense(3))),
    ):
        with unchanged(net):
            check_refuses(lambda net=net: fdl.Trainer(net).fit(X, y, progress=False), scaler.__name__, "first")


def test_a_scaler_may_be_first_of_a_first_network() -> None:
    X, y = blobs()
    flat, nested = (
        nn.Sequential(nn.Standardize(), nn.Dense(3)),
        nn.Sequential(nn.Sequential(nn.Standardize()), nn.Dense(3)),
    )
    for net in (flat, nested):
        trained(net, X * 1e3, y)
    assert_same_bits(nested.predict(X), flat.predict(X))


@pytest.mark.parametrize("layer", [5, "relu", None, nn.ReLU, [nn.ReLU()]])
def test_what_is_not_a_layer_is_refused(layer: Any) -> None:
    check_refuses(lambda: nn.Sequential(nn.Dense(3), layer), "layers[1]", "Layer", type(layer).__name__)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nn.Dense(0), ["units", "0"]),
        (lambda: nn.Dense(-3), ["units", "-3"]),
        (lambda: nn.Dense(2.0), ["units", "float"]),
        (lambda: nn.Dense("3"), ["units", "str"]),
        (lambda: nn.Dense(True), ["units", "bool"]),
        (lambda: nn.Dropout(1.0), ["rate", "1.0"]),
        (lambda: nn.Dropout(-0.1), ["rate", "-0.1"]),
        (lambda: nn.Dropout(float("nan")), ["rate", "nan"]),
        (lambda: nn.Dropout("half"), ["rate", "str"]),
        (lambda: nn.BatchNorm(momentum=1.1), ["momentum", "1.1"]),
        (lambda: nn.BatchNorm(eps=0.0), ["eps", "0.0"]),
        (lambda: nn.BatchNorm(eps=float("inf")), ["eps", "inf"]),
        (lambda: nn.MinMaxScale(1, 1), ["high", "1"]),
        (lambda: nn.MinMaxScale(1, -1), ["high", "-1"]),
        (lambda: nn.MinMaxScale(float("nan"), 1), ["low", "nan"]),
        (lambda: nn.Activation("rleu"), ["'relu'", "rleu"]),
    ],
)
def test_options_are_refused(make: Callable[[], Any], words: list[str]) -> None:
    check_refuses(make, *words)


def test_activation_by_name() -> None:
    assert type(nn.Activation("relu")) is nn.ReLU and type(nn.Activation("tanh")) is nn.Tanh


def test_a_bias_can_be_left_out() -> None:
    net = nn.Sequential(nn.Dense(4, bias=False), nn.BatchNorm(), nn.Dense(3))
    X, y = blobs()
    trained(net, X, y)
    assert [name for name in net.state_dict() if name.startswith("0.")] == ["0.weight"]


# ----------------------------------------------------------------------------------------------------------- state


def test_state_dict_copies_and_parameters_are_live() -> None:
    net = mlp()
    net.build(6)
    net.state_dict()["1.weight"][...] = 7
    assert not (net.state_dict()["1.weight"] == 7).any()
    view = net.parameters()["1.weight"]
    view[...] = 7
    assert (net.state_dict()["1.weight"] == 7).all()
    assert list(net.parameters()) == [name for name in net.state_dict() if "running" not in name and name[0] != "0"]
    assert all(view.ctypes.data % 64 == 0 for view in net.parameters().values())


def test_live_views_outlive_the_network() -> None:
    net = nn.Sequential(nn.Dense(1000))
    net.build(1000)
    view, copied = net.parameters()["0.weight"], net.state_dict()["0.weight"]
    del net
    np.ones(1_000_000, np.float32)  # wants the memory
    assert_same_bits(view, copied)


def test_predict_sees_a_change_of_a_live_view() -> None:
    net = nn.Sequential(nn.Dense(2))
    net.build(3)
    net.predict(np.ones((1, 3)))
    net.parameters()["0.weight"][...] = 1
    net.parameters()["0.bias"][...] = [0, 10]
    assert net.predict(np.ones((1, 3))).tolist() == [[3, 13]]


def test_padding_stays_zero() -> None:
    X, y = blobs()
    net = nn.Sequential(nn.Dense(5), nn.BatchNorm(), nn.ReLU(), nn.Dense(3))
    trained(net, X, y, {"optimizer": optim.AdamW(weight_decay=0.1)})
    used = np.zeros(net.arena.size, bool)
    assert all(start % 16 == 0 and length % 16 == 0 for start, length, *_ in net.segments())
    start = 0
    for view in net.parameters().values():
        used[start : start + view.size] = True
        start += -(-view.size // 16) * 16
    assert (net.arena[~used] == 0).all() and (~used).any()


def test_load_state_dict() -> None:
    X, y = blobs()
    first, second = mlp(), mlp()
    trained(first, X, y)
    second.build(6, seed=9)
    second.load_state_dict(first.state_dict())
    assert_same_state(second.state_dict(), first.state_dict())
    assert_same_bits(second.predict(X), first.predict(X))
    second.load_state_dict({name: array.astype(np.float64).tolist() for name, array in first.state_dict().items()})
    assert_same_state(second.state_dict(), first.state_dict())


def bad_states(state: dict[str, np.ndarray]) -> list[tuple[Any, list[str]]]:
    without = {name: array for name, array in state.items() if name != "5.bias"}
    return [
        (without, ["5.bias"]),
        ({**state, "9.weight": np.zeros(3)}, ["9.weight"]),
        ({**state, "5.bias": np.zeros(15)}, ["5.bias", "(16,)", "(15,)"]),
        ({**state, "5.bias": np.zeros((16, 1))}, ["5.bias", "(16,)", "(16, 1)"]),
        ({**state, "5.bias": 1.0}, ["5.bias", "(16,)", "()"]),
        ({**state, "5.bias": np.zeros(16, complex)}, ["5.bias", "complex"]),
        ({**state, "5.bias": ["a"] * 16}, ["5.bias"]),
        ({**state, "5.bias": [[1, 2], [3]]}, ["5.bias"]),
        ({**without, 5: np.zeros(16)}, ["5.bias"]),
        (5, ["state_dict"]),
        (None, ["state_dict"]),
    ]


@pytest.mark.parametrize("case", range(11))
def test_load_state_dict_refuses_and_changes_nothing(case: int) -> None:
    net = mlp()
    net.build(6)
    other = mlp()
    other.build(6, seed=1)
    state, words = bad_states(other.state_dict())[case]
    with unchanged(net):
        check_refuses(lambda: net.load_state_dict(state), *words)


def test_what_needs_a_built_network_says_so() -> None:
    net = mlp()
    for call in (
        lambda: net.predict(np.zeros((1, 6))), net.state_dict, net.parameters, lambda: net.load_state_dict({}),
        lambda: net.predict_classes(np.zeros((1, 6))), lambda: net.save("never.safetensors"),
    ):  # fmt: skip
        check_refuses(call, "not built")
    assert not net.built


COPIES = {"deepcopy": copy.deepcopy, "pickle": lambda net: pickle.loads(pickle.dumps(net)), "copy": copy.copy}


@pytest.mark.parametrize("how", COPIES)
def test_copies_are_equal_and_independent(how: str) -> None:
    X, y = blobs()
    net = mlp()
    trained(net, X, y)
    before, outputs = net.state_dict(), net.predict(X)
    twin = COPIES[how](net)
    assert_same_state(twin.state_dict(), before)
    assert_same_bits(twin.predict(X), outputs)
    assert twin.predict_classes(X).tolist() == net.predict_classes(X).tolist()
    trained(twin, X, y)
    assert (twin.state_dict()["1.weight"] != before["1.weight"]).any()
    assert_same_state(net.state_dict(), before)
    assert_same_bits(net.predict(X), outputs)
    # The original trains on as if there had been no copy.
    other = mlp()
    trained(other, X, y)
    for one in (net, other):
        trained(one, X, y)
    assert_same_state(net.state_dict(), other.state_dict())


@pytest.mark.parametrize("how", COPIES)
def test_copies_of_an_unbuilt_network(how: str) -> None:
    X, y = blobs()
    net = mlp()
    twin = COPIES[how](net)
    trained(twin, X, y)
    assert not net.built


# --------------------------------------------------------------------------------------------------------- predict


def test_predict_proba_and_classes() -> None:
    X, y = blobs()
    net = mlp()
    trained(net, X, y)
    outputs, p = net.predict(X), net.predict_proba(X)
    assert outputs.shape == p.shape == (103, 3) and outputs.dtype == p.dtype == np.float32
    e = np.exp(outputs.astype(np.float64) - outputs.max(axis=1, keepdims=True))
    np.testing.assert_allclose(p, e / e.sum(axis=1, keepdims=True), rtol=1e-5, atol=1e-9)
    assert (net.predict_classes(X) == outputs.argmax(axis=1)).all()


@pytest.mark.parametrize("labels", [["no", "yes", "zero"], [False, True]])
def test_labels_of_other_kinds_come_back_as_they_were(labels: list[Any]) -> None:
    X, y = blobs(classes=len(labels))
    named = np.array(labels)[y]
    net = nn.Sequential(nn.Dense(len(labels)))
    trained(net, X, named, epochs=5)
    by_number = nn.Sequential(nn.Dense(len(labels)))
    trained(by_number, X, y, epochs=5)
    assert_same_bits(net.predict(X), by_number.predict(X))
    assert net.classes_.tolist() == labels
    assert net.predict_classes(X).tolist() == np.array(labels)[net.predict(X).argmax(axis=1)].tolist()
    assert (
        fdl.Trainer(net, metrics=["accuracy"]).evaluate(X, named)["accuracy"]
        == (net.predict_classes(X) == named).mean()
    )


def test_predict_proba_refuses_a_regression() -> None:
    X, _ = blobs()
    net = nn.Sequential(nn.Dense(1))
    trained(net, X, X[:, 0], {"loss": "mse"})
    check_refuses(lambda: net.predict_proba(X), "predict_proba", "cross_entropy")


@pytest.mark.parametrize("rows", [0, 1, 2, 255, 256, 257, 600])
def test_predict_of_any_number_of_rows(rows: int) -> None:
    X, _ = blobs(700)
    net = mlp(scaler=False)
    net.build(6)
    assert_same_bits(net.predict(X[:rows]), net.predict(X)[:rows])


def test_a_row_predicts_the_same_bits_whatever_is_around_it() -> None:
    X, y = blobs(530, features=37)
    net = mlp(width=131)
    trained(net, X, y)
    everything = net.predict(X)
    for i in (0, 1, 7, 255, 256, 301, 529):
        assert_same_bits(net.predict(X[i : i + 1]), everything[i : i + 1], f"row {i}")
    order = np.random.default_rng(0).permutation(530)
    assert_same_bits(net.predict(X[order]), everything[order])


@pytest.mark.parametrize(
    "kind",
    ["<f8", ">f4", "f2", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "fortran", "strided", "list", "reversed"],
)
def test_predict_takes_any_real_array(kind: str) -> None:
    X = np.random.default_rng(0).integers(0, 2, (50, 6)).astype(np.float32)
    net = mlp(scaler=False)
    net.build(6)
    other = {
        "fortran": lambda: np.asfortranarray(X),
        "strided": lambda: np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
        "list": X.tolist,
        "reversed": lambda: X[::-1, ::-1].copy()[::-1, ::-1],
    }.get(kind, lambda: X.astype(kind))()
    assert_same_bits(net.predict(other), net.predict(X))


@pytest.mark.parametrize(
    "bad",
    [
        None, 5, "abc", np.zeros(6), np.zeros((2, 5)), np.zeros((2, 7)), np.zeros((1, 2, 6)), np.zeros((2, 6), complex),
        np.zeros((2, 6), "M8[s]"), np.zeros((2, 6), object), [["a"] * 6], [[1, 2], [3]],
    ],
    ids=lambda bad: type(bad).__name__,
)  # fmt: skip
def test_predict_refuses(bad: Any) -> None:
    net = mlp(scaler=False)
    net.build(6)
    with unchanged(net):
        check_refuses(lambda: net.predict(bad), "X")


def test_several_threads_may_predict_with_one_network() -> None:
    X, y = blobs(5000, 32)
    net = mlp(64)
    trained(net, X[:200], y[:200])
    parts = [X[:5000], X[:3], X[1000:4000], X[7:900]]
    want = [net.predict(part) for part in parts]
    got: list[list[np.ndarray]] = [[] for _ in parts]
    workers = [
        threading.Thread(target=lambda i=i: got[i].extend(net.predict(parts[i]) for _ in range(20)), daemon=True)
        for i in range(len(parts))
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    for i, outputs in enumerate(got):
        assert len(outputs) == 20
        assert all(output.tobytes() == want[i].tobytes() for output in outputs), i


def test_summary() -> None:
    net = mlp()
    assert "not built" in net.summary()
    X, y = blobs()
    trained(net, X, y)
    text = net.summary()
    for words in ("Dense", "BatchNorm", "ReLU", "Dropout", "Tanh", "Standardize", "(16,)", "(3,)", "103"):
        assert words in text, words
    total = sum(view.size for view in net.parameters().values())
    assert f"{total:,} parameters" in text and net.count_parameters() == total
    wide = nn.Sequential(nn.Dense(500), nn.ReLU(), nn.Dense(3))
    trained(wide, X, y)
    assert "more parameters than rows" in wide.summary() and "more parameters than rows" not in text
