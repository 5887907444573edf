"""A bound predictor: the bits of predict, a life tied to the network's memory, and the same words for what is wrong."""

import copy
import gc
import pickle
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from networks import blobs, mlp, run_python, trained
from support import (
    assert_same_bits,
    check_conversions,
    check_out,
    check_out_overlap,
    check_refuses,
    check_refuses_kinds,
    check_stays_inside,
    everywhere,
    normal,
    whole,
)

from fastdl import callbacks, nn

X, Y = blobs(rows=64)


def small(features: int = 6, outputs: int = 3) -> nn.Sequential:
    """A built network whose outputs are no round numbers."""
    net = nn.Sequential(nn.Dense(20), nn.BatchNorm(), nn.Tanh(), nn.Dense(outputs))
    net.build(features, seed=3)
    return net


def with_codes() -> nn.Sequential:
    """A built network whose first layer looks at the numbers."""
    net = nn.Sequential(nn.Embedding([0], 4, sizes=[5]), nn.Dense(3))
    net.build(6, seed=1)
    return net


class Halve(nn.Layer):
    """A user's layer."""

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        return x / 2

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy / 2


# ------------------------------------------------------------------------------------------------------------ bits


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int8", ">f4", "bool"])
@pytest.mark.parametrize("scaler", [True, False])
def test_bits_are_those_of_predict(scaler: bool, dtype: str) -> None:
    net = mlp(scaler=scaler)
    trained(net, X, Y)
    x = (10 * X).astype(dtype)
    want = net.predict(x)
    one, some = net.predictor(), net.predictor(rows=7)
    for i in range(0, len(x) - 7, 7):
        assert_same_bits(some(x[i : i + 7]), want[i : i + 7], f"rows from {i}")
        assert_same_bits(some(x[i : i + 3]), want[i : i + 3], f"three rows from {i}")
        assert_same_bits(one(x[i : i + 1]), want[i : i + 1], f"row {i}")
        assert_same_bits(net.predict(x[i : i + 1]), want[i : i + 1], f"row {i} by predict")


def test_bits_on_every_instruction_set_and_team() -> None:
    net = small(features=70, outputs=33)
    x, row, many = normal((300, 70)), net.predictor(), net.predictor(rows=1000)
    for isa, (rows, all_at_once, want) in everywhere(
        lambda: (np.concatenate([row(x[i : i + 1]) for i in range(300)]), many(x), net.predict(x))
    ):
        assert_same_bits(rows, want, f"{isa}, row by row")
        assert_same_bits(all_at_once, want, isa)


def test_other_arrays_are_converted_and_stay_as_they_are() -> None:
    check_conversions(small().predictor(rows=9), (whole((9, 6)),), (0,))


def test_nothing_outside_the_arrays_is_touched() -> None:
    predictor = small().predictor(rows=5)
    for rows in (1, 3, 5):
        check_stays_inside(predictor, (normal((rows, 6)),), out=np.empty((rows, 3), np.float32))


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_no_rows_are_no_outputs(rows: int) -> None:
    assert small().predictor(rows)(np.zeros((0, 6), np.float32)).shape == (0, 3)


def test_more_rows_than_a_batch_of_the_program() -> None:
    net = small()
    x = normal((1000, 6))
    assert_same_bits(net.predictor(rows=1000)(x), net.predict(x))


@pytest.mark.parametrize("make", [with_codes, lambda: nn.Sequential(Halve(), nn.Dense(3))])
def test_networks_that_python_has_a_part_in(make: Callable[[], nn.Sequential]) -> None:
    net = make()
    net.build(6)
    x = whole((4, 6)) % 5
    assert_same_bits(net.predictor(rows=4)(x), net.predict(x))
    assert_same_bits(net.predictor()(x[2:3]), net.predict(x)[2:3])


def test_plain_rows_take_the_short_way() -> None:
    # What it gives is the same without, so that only this notices when it is never taken.
    few = small().predictor(rows=4)._few
    for dtype in (np.float32, np.float64):
        assert few(normal((4, 6)).astype(dtype)) is not None
        assert few(normal((1, 6)).astype(dtype), np.empty((1, 3), np.float32)) is not None
    others: list[Any] = [
        normal((5, 6)), normal((0, 6)), normal((2, 5)), normal(6), normal((2, 6)).tolist(), normal((2, 6)).astype(int),
        normal((2, 12))[:, ::2], normal((2, 6)).astype(">f4"), np.asfortranarray(normal((2, 6))), None,
        normal((2, 6)).view(np.matrix),
    ]  # fmt: skip
    for x in others:
        assert few(x) is None
    x = normal((2, 6))
    for out in (x[:, :3], np.empty((2, 3)), np.empty((3, 3), np.float32), np.empty(6, np.float32), [0.0], ">f4"):
        assert few(x, out) is None
    assert with_codes().predictor()._few(np.zeros((1, 6), np.float32)) is None, "codes are to be looked at"
    assert small()._inferences == []


# ------------------------------------------------------------------------------------------------------------ life


def test_later_weights_are_seen() -> None:
    net = small()
    predictor, other = net.predictor(), small()
    other.parameters()["0.weight"][...] *= 3
    net.load_state_dict(other.state_dict())
    assert_same_bits(predictor(X[:1]), other.predict(X[:1]))
    net.parameters()["3.bias"][...] += 1
    assert_same_bits(predictor(X[:1]), net.predict(X[:1]))
    before = predictor(X[:1])
    trained(net, X, Y)
    assert_same_bits(predictor(X[:1]), net.predict(X[:1]))
    assert (predictor(X[:1]) != before).any()


def test_a_network_that_is_built_anew_is_refused() -> None:
    net = small()
    predictor, arena = net.predictor(), net.arena
    before = predictor(X[:1])
    net.forget()
    with pytest.raises(RuntimeError, match="built anew"):
        predictor(X[:1])
    net.build(6, seed=4)
    with pytest.raises(RuntimeError, match=r"Sequential.*built anew.*another predictor"):
        predictor(X[:1])
    assert (net.predictor()(X[:1]) != before).any()
    assert arena.any(), "the old memory was written"


def test_the_memory_lives_as_long_as_the_predictor() -> None:
    predictor = small().predictor()
    gc.collect()
    rubbish = [np.full(1000, np.nan, np.float32) for _ in range(50)]
    assert_same_bits(predictor(X[:1]), small().predict(X[:1]))
    assert len(rubbish) == 50


def test_a_network_does_not_wait_for_the_garbage_collector() -> None:
    # A cycle between a network and its own programs would keep large arenas for long.
    done = run_python(
        """
        import gc, weakref
        import numpy as np
        from fastdl import nn
        gc.disable()
        net = nn.Sequential(nn.Dense(3))
        net.build(4)
        net.predict(np.zeros((1, 4), np.float32))
        gone = weakref.ref(net)
        del net
        print(gone() is None)
        """
    )
    assert done.stdout.strip() == "True"


def test_copies_of_the_network_are_not_bound() -> None:
    net = small()
    predictor = net.predictor()
    net.predict(X)
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        twin.parameters()["3.bias"][...] += 1
        assert (twin.predictor()(X[:1]) != predictor(X[:1])).all()


class Ask(callbacks.Callback):
    """Calls something at the end of each epoch."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        self.ask, self.answers = ask, []

    def on_epoch_end(self, trainer: Any, epoch: int, logs: dict[str, float]) -> None:
        self.answers.append(self.ask())


def test_a_callback_may_predict_but_no_other_thread() -> None:
    net = small()
    predictor = net.predictor()

    def elsewhere() -> list[str]:
        caught: list[str] = []

        def work() -> None:
            for call in (predictor, net.predict):
                try:
                    call(X[:1])
                except RuntimeError as error:
                    caught.append(str(error))

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return caught

    inside, outside = Ask(lambda: assert_same_bits(predictor(X[:1]), net.predict(X[:1]))), Ask(elsewhere)
    trained(net, X, Y, callbacks=[inside, outside])
    assert len(inside.answers) == 2
    for errors in outside.answers:
        assert len(errors) == 2 and all("another thread" in text for text in errors), errors
    assert_same_bits(predictor(X[:1]), net.predict(X[:1]))


# --------------------------------------------------------------------------------------------------------- refusals


def test_out() -> None:
    predictor = small().predictor(rows=4)
    check_out(predictor, (normal((4, 6)),))
    check_out_overlap(predictor, (normal((4, 6)),), 0)


def test_wrong_inputs_are_refused_as_by_predict() -> None:
    net = small()
    predictor = net.predictor(rows=3)
    check_refuses_kinds(predictor, (normal((3, 6)),), {0: "X"})
    for bad in (normal((3, 5)), normal(6), normal((1, 2, 3)), [[1.0], [1.0, 2.0]], None):
        messages = []
        for call in (predictor, net.predict):
            with pytest.raises((ValueError, TypeError)) as caught:
                call(bad)
            messages.append((caught.type, str(caught.value)))
        assert messages[0] == messages[1]
    assert_same_bits(net.predict(X[:1]), predictor(X[:1]), "still at work")


def test_too_many_rows_are_refused() -> None:
    check_refuses(lambda: small().predictor(rows=3)(normal((4, 6))), "X", "at most 3 rows", "got 4")


def test_codes_are_looked_at() -> None:
    net = with_codes()
    for call in (net.predict, net.predictor()):
        check_refuses(lambda call=call: call(np.full((1, 6), 5, np.float32)), "Embedding", "0 .. 4", "row 0")


@pytest.mark.parametrize("rows", [0, -1, 1.5, "1", True, None])
def test_rows_are_a_positive_int(rows: Any) -> None:
    check_refuses(lambda: small().predictor(rows), "rows")


def test_an_unbuilt_network_and_an_unadapted_scaler_are_refused() -> None:
    check_refuses(lambda: nn.Sequential(nn.Dense(3)).predictor(), "not built", "predictor()")
    net = nn.Sequential(nn.Standardize(), nn.Dense(3))
    net.build(6)
    for call in (net.predictor, lambda: net.predict(X)):
        check_refuses(call, "Standardize", "fit")
