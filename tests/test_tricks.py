"""What a step does beside the optimizer: penalties, clips, decay and max-norm, each as its formula says, in order."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reference
import reference_clip as ref
from networks import State, assert_same_state, blobs, trained, twin_gradients
from support import check_refuses

import fastdl as fdl
from fastdl import kernels, nn, optim
from fastdl.fitting import SHUFFLE_STREAM

ORDER = ("penalty", "clip", "decay", "update", "max_norm")
STEPS, BATCH, LR = 10, 16, 0.1
X, Y = blobs(STEPS * BATCH)
Clip = Callable[[State, State], State]


def network(**options: Any) -> nn.Sequential:
    """Two layers; the options are the first one's. Its bias is such that what acts on biases shows."""
    net = nn.Sequential(nn.Dense(9, **options), nn.Tanh(), nn.Dense(3))
    net.build(6, seed=3)
    net.parameters()["0.bias"][...] = 0.5
    return net


class Twin:
    """A training in float64, stage by stage: `history` has what the Trainer's has."""

    def __init__(
        self,
        adam: bool = False,
        decay: float = 0.0,
        penalties: Mapping[str, tuple[float, float]] | None = None,
        clip: Clip | None = None,
        limits: Mapping[str, float] | None = None,
        order: Sequence[str] = ORDER,
    ) -> None:
        self.adam, self.decay, self.clip, self.order = adam, decay, clip, order
        self.penalties, self.limits = penalties or {}, limits or {}
        self.moments: dict[str, Any] = {}
        self.values: list[float] = []
        self.norms: list[float] = []
        self.clipped: list[bool] = []

    def penalty(self, state: State, g: State, t: int) -> None:
        value = 0.0
        for name, (c1, c2) in self.penalties.items():
            g[name], mine = ref.penalty_l1l2(state[name], g[name], c1, c2)
            value += mine
        self.values.append(value)

    def clip_(self, state: State, g: State, t: int) -> None:
        self.norms.append(reference.global_norm(list(g.values())))
        before = dict(g)
        if self.clip is not None:
            g.update(self.clip(state, g))
        self.clipped.append(any((g[name] != before[name]).any() for name in g))

    def decay_(self, state: State, g: State, t: int) -> None:
        for name in g:
            g[name] = g[name] + (self.decay * state[name] if name.endswith("weight") else 0.0)

    def update(self, state: State, g: State, t: int) -> None:
        for name in g:
            m, v = self.moments.get(name, (0.0, 0.0))
            m, v = 0.9 * m + 0.1 * g[name], 0.999 * v + 0.001 * g[name] ** 2
            self.moments[name] = m, v
            adam = (m / (1.0 - 0.9**t)) / (np.sqrt(v / (1.0 - 0.999**t)) + 1e-8)
            state[name] = state[name] - LR * (adam if self.adam else g[name])

    def max_norm(self, state: State, g: State, t: int) -> None:
        for name, limit in self.limits.items():
            state[name] = ref.max_norm(state[name], limit)

    def run(self, net: nn.Sequential) -> State:
        """The weights after the steps."""
        state = {name: array.astype(np.float64) for name, array in net.state_dict().items()}
        order = kernels.permutation(len(X), 0, 0, SHUFFLE_STREAM)
        stages = {"penalty": self.penalty, "clip": self.clip_, "decay": self.decay_}
        stages |= {"update": self.update, "max_norm": self.max_norm}
        for t in range(1, STEPS + 1):
            rows = order[(t - 1) * BATCH : t * BATCH]
            g = twin_gradients(net, state, X[rows], Y[rows])[1]
            for stage in self.order:
                stages[stage](state, g, t)
        return state


def per_tensor(theta: float, unit: bool = False) -> Clip:
    def clip(state: State, g: State) -> State:
        norms = {name: reference.global_norm([array]) for name, array in g.items()}
        return {name: g[name] * (1.0 if unit else theta) / n if n > theta else g[name] for name, n in norms.items()}

    return clip


def by_value(value: float) -> Clip:
    return lambda state, g: {name: np.clip(array, -value, value) for name, array in g.items()}


def adaptive(factor: float) -> Clip:
    return lambda state, g: {
        name: ref.adaptive_clip(state[name], array, factor) if name.startswith("0.") else array
        for name, array in g.items()
    }


def whole_model(theta: float) -> Clip:
    return lambda state, g: dict(zip(g, reference.clip_by_global_norm(list(g.values()), theta)[0], strict=True))


def weights(c1: float, c2: float) -> dict[str, tuple[float, float]]:
    return {"0.weight": (c1, c2), "2.weight": (c1, c2)}


# Options of the first layer, of the Trainer, and of the twin.
TRICKS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "norm of each tensor": ({}, {"clip": optim.ClipNorm(0.2, per="tensor")}, {"clip": per_tensor(0.2)}),
    "norm of each tensor, to unit": (
        {}, {"clip": optim.ClipNorm(0.3, per="tensor", to="unit")}, {"clip": per_tensor(0.3, True)},
    ),
    "norm of the model": ({}, {"clip": optim.ClipNorm(0.3)}, {"clip": whole_model(0.3)}),
    "value": ({}, {"clip": optim.ClipValue(0.05)}, {"clip": by_value(0.05)}),
    "adaptive": ({}, {"clip": optim.AdaptiveClip(0.08)}, {"clip": adaptive(0.08)}),
    "L1": ({}, {"penalty": fdl.L1(0.03)}, {"penalties": weights(0.03, 0.0)}),
    "L2": ({}, {"penalty": fdl.L2(0.1)}, {"penalties": weights(0.0, 0.1)}),
    "L1L2": ({}, {"penalty": fdl.L1L2(0.02, 0.1)}, {"penalties": weights(0.02, 0.1)}),
    "L2 of a layer": ({"penalty": fdl.L2(0.2)}, {}, {"penalties": {"0.weight": (0.0, 0.2)}}),
    "L2 of a layer, L1 of all": (
        {"penalty": fdl.L2(0.2)}, {"penalty": fdl.L1(0.02)},
        {"penalties": {"0.weight": (0.02, 0.2), "2.weight": (0.02, 0.0)}},
    ),
    "max-norm": ({"max_norm": 0.8}, {}, {"limits": {"0.weight": 0.8}}),
    "decay": ({}, {}, {"decay": 0.2}),
    "all": (
        {"penalty": fdl.L1(0.02), "max_norm": 1.0},
        {"penalty": fdl.L2(0.05), "clip": optim.ClipNorm(0.5)},
        {
            "penalties": {"0.weight": (0.02, 0.05), "2.weight": (0.0, 0.05)},
            "clip": whole_model(0.5), "decay": 0.2, "limits": {"0.weight": 1.0},
        },
    ),
}  # fmt: skip


def assert_near(got: State, want: State) -> None:
    for name, array in want.items():
        np.testing.assert_allclose(got[name], array, rtol=2e-4, atol=2e-5, err_msg=name)


def far(got: State, want: State) -> bool:
    """Whether some weight differs by much more than `assert_near` allows."""
    return any(np.abs(got[name] - array).max() > 1e-3 for name, array in want.items())


@pytest.mark.parametrize("adam", [False, True], ids=["sgd", "adam"])
@pytest.mark.parametrize("name", TRICKS)
def test_a_trick_changes_the_training_as_its_formula_says(name: str, adam: bool) -> None:
    layer, options, formula = TRICKS[name]
    make: Any = optim.Adam if adam else optim.SGD
    net, twin = network(**layer), Twin(adam, **formula)
    want, without = twin.run(net), Twin(adam).run(net)
    optimizer = make(LR, weight_decay=formula.get("decay", 0.0))
    history = trained(net, X, Y, {"optimizer": optimizer, **options}, epochs=1, batch_size=BATCH).history
    assert_near(net.state_dict(), want)
    assert far(net.state_dict(), without)
    assert history["grad_norm"] == [pytest.approx(np.mean(twin.norms), rel=1e-4)]
    assert ("penalty" in history) == ("penalties" in formula)
    if "penalty" in history:
        assert history["penalty"] == [pytest.approx(np.mean(twin.values), rel=1e-4)]
    assert ("clipped" in history) == ("clip" in formula)
    if "clipped" in history:
        assert 0.0 < history["clipped"][0] == pytest.approx(np.mean(twin.clipped))


def test_the_order_of_a_step() -> None:
    """Of any two neighbouring stages, the other order would end elsewhere."""
    layer, options, formula = TRICKS["all"]
    net = network(**layer)
    wants = {}
    for i in range(len(ORDER)):
        order = list(ORDER)
        if i:
            order[i - 1], order[i] = order[i], order[i - 1]
        wants[i] = Twin(order=order, **formula).run(net)
    trained(net, X, Y, {"optimizer": optim.SGD(LR, weight_decay=0.2), **options}, epochs=1, batch_size=BATCH)
    assert_near(net.state_dict(), wants[0])
    for i in range(1, len(ORDER)):
        assert far(net.state_dict(), wants[i]), ORDER[i - 1 : i + 1]


def test_decoupled_decay_comes_after_the_clip() -> None:
    """One step of AdamW by hand: the clip does not see the decay."""
    net = network()
    before = {name: array.astype(np.float64) for name, array in net.state_dict().items()}
    g = twin_gradients(net, before, X, Y)[1]
    trained(
        net, X, Y, {"optimizer": optim.AdamW(0.1, weight_decay=0.5), "clip": optim.ClipValue(0.01)}, epochs=1,
        batch_size=len(X),
    )  # fmt: skip
    for name, array in net.state_dict().items():
        clipped = np.clip(g[name], -0.01, 0.01)
        shrink = 1.0 - 0.1 * 0.5 * name.endswith("weight")
        np.testing.assert_allclose(
            array, shrink * before[name] - 0.1 * clipped / (np.abs(clipped) + 1e-8), rtol=1e-4, atol=1e-5, err_msg=name
        )


def test_limits_that_are_never_reached_change_no_bit() -> None:
    plain = network()
    trained(plain, X, Y, {"optimizer": optim.Adam(LR)})
    for clip in (optim.ClipNorm(1e6, per="tensor"), optim.ClipValue(1e6), optim.AdaptiveClip(1e6)):
        net = network(max_norm=1e6)
        history = trained(net, X, Y, {"optimizer": optim.Adam(LR), "clip": clip}).history
        assert_same_state(net.state_dict(), plain.state_dict(), repr(clip))
        assert history["clipped"] == [0.0, 0.0]


def test_columns_hold_to_max_norm_at_every_step() -> None:
    net, seen = network(max_norm=0.5), []

    class Look(fdl.callbacks.Callback):
        def on_batch_end(self, trainer: Any, step: int, logs: Any) -> None:
            seen.append(np.linalg.norm(trainer.net.parameters()["0.weight"].astype(np.float64), axis=0).max())

    trained(net, X, Y, {"optimizer": optim.SGD(1.0)}, callbacks=[Look()])
    assert len(seen) == 2 * STEPS and max(seen) <= 0.5 * (1.0 + 1e-6)
    assert np.linalg.norm(net.parameters()["2.weight"], axis=0).max() > 0.5


def test_with_weight_norm_the_limit_is_on_the_gains() -> None:
    net = network(weight_norm=True, max_norm=0.5)
    trained(net, X, Y, {"optimizer": optim.SGD(0.3)})
    gains = np.abs(net.parameters()["0.gain"])
    assert gains.max() <= 0.5 and (gains > 0.4999).any()
    assert np.linalg.norm(net.parameters()["0.weight"], axis=0).max() > 0.5


@pytest.mark.parametrize(
    "clip",
    [optim.ClipNorm(0.2, per="tensor"), optim.ClipValue(0.01), optim.AdaptiveClip(0.01), optim.ClipNorm(0.2)],
    ids=repr,
)
def test_same_bits_with_any_team(clip: Any) -> None:
    states = []
    for threads in (1, 2, 7):
        net = nn.Sequential(nn.Dense(300, penalty=fdl.L1(1e-3), max_norm=1.0), nn.ReLU(), nn.Dense(200), nn.Dense(3))
        trained(net, X, Y, {"clip": clip, "penalty": fdl.L2(1e-3), "threads": threads})
        states.append(net.state_dict())
    assert_same_state(states[1], states[0])
    assert_same_state(states[2], states[0])


def test_biases_and_norms_are_not_penalised() -> None:
    net = nn.Sequential(nn.Dense(9), nn.BatchNorm(), nn.Tanh(), nn.Dense(3))
    net.build(6)
    for name, array in net.parameters().items():
        array[...] = 1.0 if name.endswith("weight") else 7.0
    history = trained(net, X, Y, {"optimizer": optim.SGD(0.0), "penalty": fdl.L1(1.0)}).history
    assert history["penalty"] == [pytest.approx(6 * 9 + 9 * 3)] * 2


def test_the_loss_is_reported_without_penalties() -> None:
    net = network(penalty=fdl.L2(10.0))
    plain = network()
    trainers = [trained(each, X, Y, {"optimizer": optim.SGD(0.0)}) for each in (net, plain)]
    assert trainers[0].history["loss"] == trainers[1].history["loss"]
    assert "penalty" not in trainers[1].history


def test_a_network_of_one_layer_has_nothing_to_clip_adaptively() -> None:
    net = nn.Sequential(nn.Dense(3))
    assert trained(net, X, Y, {"clip": optim.AdaptiveClip(1e-9)}).history["clipped"] == [0.0, 0.0]


def test_a_penalty_that_overflows_halts_the_step() -> None:
    net = network(penalty=fdl.L2(1e38))
    net.parameters()["0.weight"][...] = 1e3
    before = net.state_dict()
    with pytest.raises(fdl.NonFiniteError, match=r"0\.weight"):
        trained(net, X, Y)
    assert_same_state(net.state_dict(), before)


# --------------------------------------------------------------------------------------------- files and the edge


@pytest.mark.parametrize("penalty", [None, fdl.L1(0.25), fdl.L2(0.5), fdl.L1L2(0.25, 0.125)], ids=repr)
def test_options_are_saved(penalty: Any, tmp_path: Path) -> None:
    net = network(penalty=penalty, max_norm=1.5)
    net.save(tmp_path / "net")
    layer: Any = nn.load(tmp_path / "net").layers[0]
    assert repr(layer.penalty) == repr(penalty) and type(layer.penalty) is type(penalty)
    assert layer.max_norm == 1.5
    assert nn.Dense(3).config().keys().isdisjoint({"penalty", "max_norm"})


BAD: dict[str, tuple[Callable[[], Any], list[Any]]] = {
    "penalty is a number": (lambda: nn.Dense(3, penalty=0.1), ["penalty", "L1", "float"]),
    "penalty is a name": (lambda: fdl.Trainer(network(), penalty="l2"), ["penalty", "L2", "str"]),
    "penalty of a kind": (lambda: nn.Dense(3, penalty={"kind": "l3", "c": 1.0}), ["penalty", "l3"]),
    "penalty without c": (lambda: nn.Dense(3, penalty={"kind": "l1"}), ["penalty", "c"]),
    "L1": (lambda: fdl.L1(-1.0), ["c:", "-1"]),
    "L2": (lambda: fdl.L2(np.nan), ["c:", "nan"]),
    "L1L2": (lambda: fdl.L1L2(1.0, np.inf), ["c2:", "inf"]),
    "max-norm 0": (lambda: nn.Dense(3, max_norm=0.0), ["max_norm", "0"]),
    "max-norm text": (lambda: nn.Dense(3, max_norm="1"), ["max_norm", "str"]),
    "clip value": (lambda: optim.ClipValue(0.0), ["value", "0"]),
    "clip factor": (lambda: optim.AdaptiveClip(-0.1), ["factor", "-0.1"]),
    "clip": (lambda: fdl.Trainer(network(), clip=0.1), ["clip", "ClipNorm", "AdaptiveClip", "float"]),
}


@pytest.mark.parametrize("name", BAD)
def test_refused(name: str) -> None:
    call, words = BAD[name]
    check_refuses(call, *words)
