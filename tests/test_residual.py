"""Residual blocks: shortcuts, starts at zero, and gradients through both ways."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from networks import assert_same_state, blobs, check_gradients, trained, unchanged
from support import assert_same_bits, check_refuses
from test_user_layers import OwnDense, OwnReLU

import fastdl as fdl
from fastdl import init, nn, optim


def test_names_and_shapes() -> None:
    net = nn.Sequential(
        nn.Dense(4),
        nn.Residual(nn.Dense(8), nn.BatchNorm(), nn.Sequential(nn.ReLU(), nn.Dense(4))),
        nn.Residual(nn.Dense(7, bias=False)),
    )
    assert net.build(6) == (7,)
    assert {name: view.shape for name, view in net.parameters().items()} == {
        "0.weight": (6, 4), "0.bias": (4,), "1.0.weight": (4, 8), "1.0.bias": (8,), "1.1.gamma": (8,), "1.1.beta": (8,),
        "1.2.1.weight": (8, 4), "1.2.1.bias": (4,), "2.0.weight": (4, 7), "2.shortcut.weight": (4, 7),
    }  # fmt: skip


def test_the_sum_is_the_output() -> None:
    """No activation behind it, in training and in inference."""
    X, _ = blobs()
    net = nn.Sequential(nn.Residual(nn.Dense(6), nn.ReLU()), nn.Residual(nn.Dense(4, init="gaussian")))
    net.build(6)
    state = {name: array.astype(np.float64) for name, array in net.state_dict().items()}
    hidden = X + np.maximum(X @ state["0.0.weight"] + state["0.0.bias"], 0)
    want = hidden @ state["1.shortcut.weight"] + hidden @ state["1.0.weight"] + state["1.0.bias"]
    np.testing.assert_allclose(net.predict(X), want, rtol=1e-5, atol=1e-5)
    assert_same_bits(net(X, training=True), net.predict(X))
    assert (want < 0).any()


NETS: dict[str, Callable[[], nn.Sequential]] = {
    "identity first": lambda: nn.Sequential(nn.Residual(nn.Dense(6), nn.BatchNorm(), nn.Tanh()), nn.Dense(3)),
    "shortcut first": lambda: nn.Sequential(nn.Residual(nn.Dense(9), nn.BatchNorm(), nn.Tanh()), nn.Dense(3)),
    "identity": lambda: nn.Sequential(nn.Dense(7), nn.Residual(nn.BatchNorm(), nn.ReLU(), nn.Dense(7)), nn.Dense(3)),
    "shortcut": lambda: nn.Sequential(nn.Dense(7), nn.Residual(nn.BatchNorm(), nn.ReLU(), nn.Dense(3))),
    "two": lambda: nn.Sequential(
        nn.Dense(7), *(nn.Residual(nn.Dense(7), nn.Dropout(0.2), nn.Tanh()) for _ in range(2)), nn.Dense(3)
    ),
    "in each other": lambda: nn.Sequential(
        nn.Dense(5), nn.Residual(nn.Residual(nn.Residual(nn.Dense(5), nn.Tanh()), nn.Dense(4)), nn.Dense(3))
    ),
    "nothing to learn inside": lambda: nn.Sequential(
        nn.Residual(nn.ReLU()), nn.Dense(5), nn.Residual(nn.Tanh()), nn.Dense(3)
    ),
    "inactive dropout": lambda: nn.Sequential(
        nn.Dense(5), nn.Residual(nn.Dropout(0.0)), nn.Residual(nn.Residual(nn.Dropout(0.0))), nn.Dense(3)
    ),
    "dropout at both ends": lambda: nn.Sequential(
        nn.Residual(nn.Dropout(0.3)), nn.Residual(nn.Dropout(0.3), nn.Dense(3), nn.Dropout(0.3))
    ),
    "activation read late": lambda: nn.Sequential(nn.Dense(5), nn.Tanh(), nn.Residual(nn.Dense(5)), nn.Dense(3)),
    "activation is the shortcut's reader": lambda: nn.Sequential(
        nn.Dense(5), nn.Residual(nn.ReLU(), nn.Dense(3)), nn.Residual(nn.ReLU())
    ),
}


@pytest.mark.parametrize("name", NETS)
def test_gradients(name: str) -> None:
    X, y = blobs(40)
    check_gradients(NETS[name](), X, y)
    check_gradients(NETS[name](), X, (X[:, :3] ** 2).astype(np.float32))


def test_a_step_through_thirty_blocks_is_that_of_the_twin() -> None:
    X, y = blobs(64)
    blocks = (nn.Residual(nn.BatchNorm(), nn.Tanh(), nn.Dense(16, init="lecun"), zero_init=False) for _ in range(30))
    check_gradients(nn.Sequential(nn.Dense(16), *blocks, nn.BatchNorm(), nn.Dense(3)), X, y, rtol=2e-3, atol=2e-5)


@pytest.mark.parametrize("place", range(3))
def test_a_branch_in_numpy(place: int) -> None:
    X, y = blobs()

    def dense(own: bool) -> nn.Layer:
        return OwnDense(6) if own else nn.Dense(6, init="glorot")

    nets = []
    for own in (True, False):
        middle = OwnReLU() if own and place == 1 else nn.ReLU()
        block = nn.Residual(dense(own and place == 0), middle, dense(own and place == 2))
        net = nn.Sequential(block, nn.Residual(nn.Dense(3)))
        trained(net, X, y, {"optimizer": optim.SGD(0.1, 0.9, weight_decay=0.01)}, epochs=3)
        nets.append(net)
    for name, array in nets[1].state_dict().items():
        np.testing.assert_allclose(nets[0].state_dict()[name], array, rtol=2e-4, atol=2e-6, err_msg=name)


# ------------------------------------------------------------------------------------------------------ starts at zero


@pytest.mark.parametrize(
    ("layers", "zeros"),
    [
        (lambda: [nn.Dense(6), nn.BatchNorm()], ["1.gamma"]),
        (lambda: [nn.Dense(6), nn.BatchNorm(), nn.Tanh(), nn.Dropout(0.1)], ["1.gamma"]),
        (lambda: [nn.BatchNorm(), nn.ReLU(), nn.Dense(6, bias_init="ones")], ["2.weight", "2.bias"]),
        (lambda: [nn.Dense(6), nn.Sequential(nn.BatchNorm(), nn.Tanh(), nn.Sequential(nn.Dense(6, bias=False)))],
         ["1.2.0.weight"]),
        (lambda: [nn.Residual(nn.Dense(9)), nn.Dense(6, init=init.Ones())], ["1.weight", "1.bias"]),
        (lambda: [nn.BatchNorm()], ["0.gamma"]),
    ],
)  # fmt: skip
def test_zero_init_begins_at_the_identity(layers: Any, zeros: list[str]) -> None:
    X, _ = blobs()
    net, plain = (nn.Sequential(nn.Residual(*layers(), zero_init=zero)) for zero in (True, False))
    for one in (net, plain):
        one.build(6, seed=3)
    state, other = net.state_dict(), plain.state_dict()
    for name, array in state.items():
        if name.removeprefix("0.") in zeros:
            assert not array.any(), name
        else:
            assert_same_bits(array, other[name], name)
    assert_same_bits(net.predict(X), X)
    trained(net, X, X[:, ::-1].copy(), {"loss": "mse"})
    assert all(net.state_dict()[f"0.{name}"].any() for name in zeros if name != "1.beta"), "it has to learn"


def test_zero_init_begins_at_the_shortcut() -> None:
    X, _ = blobs()
    net = nn.Sequential(nn.Residual(nn.Tanh(), nn.Dense(4), zero_init=True))
    net.build(6)
    np.testing.assert_allclose(net.predict(X), X @ net.parameters()["0.shortcut.weight"], rtol=1e-5, atol=1e-6)


def test_zero_init_warns_of_a_branch_that_stays_at_zero() -> None:
    with pytest.warns(UserWarning, match="Residual 'b'.*ReLU.*never learn"):
        net = nn.Sequential(nn.Residual(nn.Dense(3), nn.BatchNorm(), nn.ReLU(), zero_init=True, name="b"), nn.Dense(3))
    X, y = blobs(features=3)
    trained(net, X, y)
    assert not net.state_dict()["0.1.gamma"].any(), "the warning is not needed any more"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nn.Residual(nn.BatchNorm(), nn.ReLU(), nn.Dense(3), zero_init=True)
        nn.Residual(nn.Dense(3), nn.BatchNorm(), nn.ReLU())


# ------------------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nn.Residual(), ["layers", "at least one"]),
        (lambda: nn.Residual(nn.Dense(3), 5), ["layers[1]", "Layer", "int"]),
        (lambda: nn.Residual([nn.Dense(3)]), ["layers[0]", "Layer", "list"]),
        (lambda: nn.Residual(nn.ReLU, nn.Dense(3)), ["layers[0]", "Layer", "type"]),
        (lambda: nn.Residual(nn.Dense(3), zero_init=1), ["zero_init", "bool", "int"]),
        (lambda: nn.Residual(nn.Tanh(), zero_init=True), ["zero_init", "norm", "Dense"]),
        (lambda: nn.Residual(nn.Dense(3), nn.Residual(nn.Dense(3)), zero_init=True), ["zero_init", "norm"]),
        (lambda: nn.Residual(nn.Dense(3), name=5), ["name", "int"]),
    ],
)
def test_bad_arguments(make: Callable[[], Any], words: list[str]) -> None:
    check_refuses(make, *words)


@pytest.mark.parametrize("scaler", [nn.Standardize, nn.MinMaxScale])
def test_a_scaler_inside_is_refused(scaler: type[nn.Layer]) -> None:
    X, y = blobs()
    for block in (
        nn.Residual(scaler(), nn.Dense(6)),
        nn.Residual(nn.Dense(6), nn.Sequential(scaler())),
        nn.Sequential(nn.Residual(scaler())),
    ):
        net = nn.Sequential(block, nn.Dense(3))
        with unchanged(net):
            check_refuses(lambda net=net: fdl.Trainer(net).fit(X, y, progress=False), scaler.__name__, "first")


def test_a_layer_in_two_places_of_a_tree_is_refused() -> None:
    dense = nn.Dense(6)
    net = nn.Sequential(nn.Residual(dense), nn.Residual(nn.Sequential(dense)))
    with unchanged(net):
        check_refuses(lambda: net.build(6), "layers[1.0.0]", "two places")


def test_a_copy_of_a_layer_can_be_used_in_another_network() -> None:
    import copy

    net = nn.Sequential(nn.Dense(5), nn.Residual(nn.Sequential(nn.Dense(4), nn.Tanh())))
    net.build(6)
    before = net.state_dict()
    for layer in (*net.layers, net.layers[1].layers[0]):
        check_refuses(lambda layer=layer: nn.Sequential(layer).build(6), "belongs to another network", "deepcopy")
        other = nn.Sequential(copy.deepcopy(layer))
        assert other.build(9) and other.parameters()
        whole = copy.deepcopy(net)
        check_refuses(lambda whole=whole: nn.Sequential(whole.layers[0]).build(6), "belongs to another network")
    assert_same_state(net.state_dict(), before)
    assert net.layers[1].shortcut is not None and net.layers[1].shortcut.units == 4


def test_a_part_of_a_network_does_not_stand_alone() -> None:
    inner = nn.Sequential(nn.Dense(6))
    net = nn.Sequential(nn.Residual(inner), nn.Dense(3))
    net.build(6)
    for call in (inner.state_dict, lambda: inner.predict(np.zeros((1, 6))), lambda: inner.save("never")):
        check_refuses(call, "not built")
    check_refuses(lambda: inner.build(6), "belongs to another network")


def test_forgetting_lets_it_be_built_for_another_shape() -> None:
    net = nn.Sequential(nn.Residual(nn.Dense(6)))
    net.build(4)
    assert "0.shortcut.weight" in net.parameters()
    net.forget()
    net.build(6)
    assert list(net.parameters()) == ["0.0.weight", "0.0.bias"]


def test_auto_init_inside_a_branch() -> None:
    """The end of a branch counts as linear, whatever follows the block; a chain in a chain ends nothing."""
    dense = [nn.Dense(6) for _ in range(6)]
    net = nn.Sequential(
        nn.Sequential(dense[0]), nn.BatchNorm(), nn.Sequential(nn.ReLU()),
        nn.Residual(nn.Sequential(nn.BatchNorm(), dense[1]), nn.ReLU(), dense[2]), nn.ReLU(),
        nn.Parallel(dense[3], nn.Sequential(dense[4], nn.Tanh())), nn.ReLU(),
        dense[5], nn.Residual(nn.ReLU(), nn.Dense(6)),
    )  # fmt: skip
    net.build(6)
    assert [layer.next_activation for layer in dense] == ["relu", "relu", None, None, "tanh", None]
