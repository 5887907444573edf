"""Branches side by side: merges, and gradients that meet again."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from networks import assert_same_state, blobs, check_gradients, trained, unchanged
from support import assert_same_bits, check_refuses
from test_user_layers import OwnDense, OwnReLU

import fastdl as fdl
from fastdl import nn


def branches() -> list[nn.Layer]:
    return [nn.Dense(5), nn.Sequential(nn.Dense(4), nn.Tanh(), nn.Dense(5)), nn.Residual(nn.Dense(5))]


def test_names_and_shapes() -> None:
    net = nn.Sequential(nn.Dense(4), nn.Parallel(*branches()), nn.Parallel(nn.ReLU(), nn.Dense(15), merge="sum"))
    assert net.build(6) == (15,)
    assert {name: view.shape for name, view in net.parameters().items() if name.endswith("weight")} == {
        "0.weight": (6, 4), "1.0.weight": (4, 5), "1.1.0.weight": (4, 4), "1.1.2.weight": (4, 5),
        "1.2.0.weight": (4, 5), "1.2.shortcut.weight": (4, 5), "2.1.weight": (15, 15),
    }  # fmt: skip


@pytest.mark.parametrize("merge", ["concat", "sum", "mean"])
def test_the_outputs_are_those_of_the_branches(merge: str) -> None:
    X, _ = blobs()
    net = nn.Sequential(nn.Parallel(nn.Dense(5), nn.Dense(5), nn.Dense(5), merge=merge))
    net.build(6)
    alone = []
    for i in range(3):
        one = nn.Sequential(nn.Dense(5))
        one.build(6)
        one.load_state_dict({f"0.{name}": net.state_dict()[f"0.{i}.{name}"] for name in ("weight", "bias")})
        alone.append(one.predict(X))
    total = alone[0] + alone[1] + alone[2]
    want = {"concat": np.concatenate(alone, axis=1), "sum": total, "mean": total * np.float32(1 / 3)}[merge]
    assert_same_bits(net.predict(X), want)
    assert_same_bits(net(X, training=True), want)


NETS: dict[str, Callable[[str], nn.Sequential]] = {
    "first": lambda merge: nn.Sequential(nn.Parallel(*branches(), merge=merge), nn.Dense(3)),
    "inner": lambda merge: nn.Sequential(
        nn.Dense(5), nn.BatchNorm(), nn.Parallel(*branches(), merge=merge), nn.Dense(3)
    ),
    "identities": lambda merge: nn.Sequential(
        nn.Dense(5),
        nn.Parallel(nn.Dropout(0.0), nn.Dropout(0.0), nn.Residual(nn.Dropout(0.0)), merge=merge),
        nn.Dense(3),
    ),
    "the same gradient three times": lambda merge: nn.Sequential(
        nn.Dense(5), nn.Parallel(*(nn.Dropout(0.0) for _ in range(3)), nn.Tanh(), merge=merge), nn.Dense(3)
    ),
    "one branch": lambda merge: nn.Sequential(nn.Dense(5), nn.Parallel(nn.Tanh(), merge=merge), nn.Dense(3)),
    "nothing to learn first": lambda merge: nn.Sequential(
        nn.Parallel(nn.ReLU(), nn.Dropout(0.0), nn.Tanh(), nn.Dense(6), merge=merge), nn.Dense(3)
    ),
    "dropouts": lambda merge: nn.Sequential(
        nn.Dense(5), nn.Parallel(nn.Dropout(0.2), nn.Dropout(0.3), nn.Tanh(), merge=merge), nn.Dense(3)
    ),
    "in each other": lambda merge: nn.Sequential(
        nn.Dense(4),
        nn.Parallel(
            nn.Residual(
                nn.Dense(4),
                nn.Parallel(nn.Dense(2), nn.Residual(nn.Parallel(nn.Tanh(), nn.Dense(4), merge=merge)), nn.ReLU()),
                nn.BatchNorm(),
                nn.Dense(5),
            ),
            nn.Parallel(nn.Parallel(nn.Dense(5), nn.Sequential(nn.Sequential(nn.Dense(5))), merge=merge), nn.Dense(3)),
        ),
        nn.Dense(3),
    ),
}


@pytest.mark.parametrize("merge", ["concat", "sum", "mean"])
@pytest.mark.parametrize("name", NETS)
def test_gradients(name: str, merge: str) -> None:
    X, y = blobs(40)
    check_gradients(NETS[name](merge), X, y)
    check_gradients(NETS[name](merge), X, (X[:, :3] ** 2).astype(np.float32))


@pytest.mark.parametrize("merge", ["concat", "sum", "mean"])
def test_a_branch_in_numpy(merge: str) -> None:
    X, y = blobs()
    nets = []
    for own in (True, False):
        first = OwnDense(6) if own else nn.Dense(6, init="glorot")
        block = nn.Parallel(first, OwnReLU() if own else nn.ReLU(), nn.Dense(6), merge=merge)
        nets.append(nn.Sequential(block, nn.Dense(3)))
        trained(nets[-1], X, y, epochs=3)
    for name, array in nets[1].state_dict().items():
        np.testing.assert_allclose(nets[0].state_dict()[name], array, rtol=2e-4, atol=2e-6, err_msg=name)


def test_a_branch_that_explodes_is_named_by_its_path() -> None:
    class Bomb(nn.Layer):
        def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
            return np.full_like(x, np.nan)

        def backward(self, dy: np.ndarray) -> np.ndarray:
            return dy

    X, y = blobs()
    inner = nn.Sequential(nn.Dense(3), Bomb(name="the bomb"), nn.Tanh())
    net = nn.Sequential(nn.Dense(4), nn.Residual(nn.Parallel(nn.Dense(2), inner), nn.Dense(4)), nn.Dense(3))
    with pytest.raises(fdl.NonFiniteError, match=r"layer 1\.0\.1\.1 \(Bomb 'the bomb'\)"):
        trained(net, X, y)


def test_a_gradient_that_is_not_finite_is_named_by_its_path() -> None:
    class Bomb(nn.Layer):
        def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
            return x

        def backward(self, dy: np.ndarray) -> np.ndarray:
            return np.full_like(dy, np.nan)

    X, y = blobs()
    net = nn.Sequential(nn.Parallel(nn.Dense(2), nn.Sequential(nn.Dense(3, name="bad"), Bomb())), nn.Dense(3))
    with pytest.raises(fdl.NonFiniteError, match=r"gradient of 0\.1\.0\.\w+ in layer 0\.1\.0 \(Dense 'bad'\)"):
        trained(net, X, y)


def test_dropouts_in_branches_have_masks_of_their_own() -> None:
    X = np.ones((50, 8), np.float32)
    net = nn.Sequential(nn.Parallel(nn.Dropout(0.5), nn.Sequential(nn.Dropout(0.5)), nn.Residual(nn.Dropout(0.5))))
    net.build(8)
    masks = np.split(net(X, training=True), 3, axis=1)
    assert sorted(set(masks[0].ravel())) == [0, 2] and sorted(set(masks[2].ravel())) == [1, 3]
    assert (masks[0] != masks[1]).any() and (masks[0] != masks[2] - 1).any() and (masks[1] != masks[2] - 1).any()


# ------------------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nn.Parallel(), ["branches", "at least one"]),
        (lambda: nn.Parallel(nn.Dense(3), merge="add"), ["merge", "'add'", "'concat'", "'sum'", "'mean'"]),
        (lambda: nn.Parallel(nn.Dense(3), merge=None), ["merge", "None"]),
        (lambda: nn.Parallel(nn.Dense(3), merge=["sum"]), ["merge", "sum"]),
        (lambda: nn.Parallel(nn.Dense(3), [nn.Dense(3)]), ["branches[1]", "Layer", "list"]),
        (lambda: nn.Parallel(nn.Dense(3), name=b"x"), ["name", "bytes"]),
    ],
)
def test_bad_arguments(make: Callable[[], Any], words: list[str]) -> None:
    check_refuses(make, *words)


@pytest.mark.parametrize("merge", ["sum", "mean"])
def test_widths_that_differ_are_refused_by_branch(merge: str) -> None:
    X, y = blobs()
    net = nn.Sequential(
        nn.Parallel(nn.Dense(8), nn.Sequential(nn.Dense(4, name="b")), nn.ReLU(), merge=merge, name="p")
    )
    with unchanged(net):
        words = ["Parallel 'p'", merge, "0 (Dense): 8", "1 (Sequential): 4", "2 (ReLU): 6"]
        check_refuses(lambda: fdl.Trainer(net).fit(X, y, progress=False), *words)


def test_a_scaler_inside_is_refused() -> None:
    net = nn.Sequential(nn.Parallel(nn.Sequential(nn.Standardize()), nn.Dense(3)), nn.Dense(3))
    with unchanged(net):
        check_refuses(lambda: net.build(6), "Standardize", "first")


def test_a_copy_of_the_branches_is_independent() -> None:
    import copy

    X, y = blobs()
    net = nn.Sequential(nn.Parallel(*branches()), nn.Dense(3))
    trained(net, X, y)
    before, twin = net.state_dict(), copy.deepcopy(net)
    trained(twin, X, y)
    assert_same_state(net.state_dict(), before)
    assert any((array != before[name]).any() for name, array in twin.state_dict().items())
