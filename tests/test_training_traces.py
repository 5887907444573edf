"""Whole trainings and schedules along torch's and optax's, frozen by known_answers/make_training_traces.py."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support import KNOWN_ANSWERS

import fastdl as fdl
from fastdl import callbacks, losses, nn, optim, penalty, schedule

TRACES = json.loads((KNOWN_ANSWERS / "training_traces.json").read_text())
X, Y = np.array(TRACES["X"], np.float32), np.array(TRACES["y"])
STEPS = TRACES["kept"][-1]
CLASS_WEIGHTS = dict(enumerate([0.5, 1.0, 3.0]))


def network(max_norm: float | None = None) -> nn.Sequential:
    """With torch's first weights."""
    net = nn.Sequential(nn.Dense(5, max_norm=max_norm), nn.Tanh(), nn.Dense(3, max_norm=max_norm))
    net.build(X.shape[1])
    state = net.state_dict()
    net.load_state_dict(
        {
            name: np.array(value, np.float32).reshape(state[name].shape)
            for name, value in zip(state, TRACES["weights"], strict=True)
        }
    )
    return net


def flat(net: nn.Sequential) -> np.ndarray:
    return np.concatenate([value.ravel() for value in net.state_dict().values()])


class Keep(callbacks.Callback):
    """The network at the ends of epochs, averaged if it is."""

    def __init__(self) -> None:
        self.weights: list[np.ndarray] = []

    def on_epoch_end(self, trainer: fdl.Trainer, epoch: int, logs: dict[str, float]) -> None:
        self.weights.append(flat(trainer.net))


# Options of the trainer, the net, and the fit.
TRAININGS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {}, {}),
    "clip_norm": ({"clip": optim.ClipNorm(0.1)}, {}, {}),
    "clip_norm_by_tensor": ({"clip": optim.ClipNorm(0.05, per="tensor")}, {}, {}),
    "clip_value": ({"clip": optim.ClipValue(0.02)}, {}, {}),
    "adaptive_clip": ({"clip": optim.AdaptiveClip(0.01)}, {}, {}),
    "l1": ({"penalty": penalty.L1(0.01)}, {}, {}),
    "l2": ({"penalty": penalty.L2(0.02)}, {}, {}),
    "max_norm": ({}, {"max_norm": 1.5}, {}),
    "label_smoothing": ({"loss": losses.CrossEntropy(label_smoothing=0.2)}, {}, {}),
    "class_weights": ({}, {}, {"class_weight": CLASS_WEIGHTS}),
    "ema": ({"averaging": optim.EMA(0.9)}, {}, {}),
    "swa": ({"averaging": optim.SWA(8)}, {}, {}),
    "adamw_clipped": ({"optimizer": optim.AdamW(0.02, weight_decay=0.1), "clip": optim.ClipNorm(0.1)}, {}, {}),
    "cosine": ({"schedule": schedule.Cosine()}, {}, {}),
}


def test_every_trace_is_walked() -> None:
    assert list(TRACES["trainings"]) == list(TRAININGS)
    assert list(TRACES["rates"]) == list(SCHEDULES)


@pytest.mark.parametrize("name", TRAININGS)
def test_training(name: str) -> None:
    """Each step moves the weights by a float32 gradient, so that they drift by a few roundings a step."""
    options, layers, fit = TRAININGS[name]
    keep = Keep()
    trainer = fdl.Trainer(network(**layers), **{"optimizer": optim.SGD(0.5), "clip": None, **options})
    trainer.fit(X, Y, epochs=STEPS, batch_size=len(X), callbacks=keep, progress=False, **fit)
    start = np.concatenate([np.array(value) for value in TRACES["weights"]])
    for step, want in zip(TRACES["kept"], TRACES["trainings"][name], strict=True):
        np.testing.assert_allclose(keep.weights[step - 1], want, rtol=5e-6, atol=5e-6, err_msg=f"step {step}")
        assert np.abs(np.array(want) - start).max() > 1e-4
    if name not in ("plain", "swa"):
        plain = np.array(TRACES["trainings"]["plain"][-1])
        assert np.abs(plain - keep.weights[-1]).max() > 1e-3, "the trick is not seen"


SCHEDULES: dict[str, schedule.Schedule] = {
    "cosine": schedule.Cosine(),
    "cosine_restarts": schedule.CosineRestarts(5, 2),
    "one_cycle": schedule.OneCycle(0.4),
    "cyclic": schedule.Cyclic(6, 0.1),
    "cyclic_halved": schedule.Cyclic(4, 0.1, "triangular2"),
    "exponential": schedule.Exponential(0.9),
    "step": schedule.Step(7, 0.3),
    "polynomial": schedule.Polynomial(2.0),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_rates_through_a_training(name: str) -> None:
    """One step an epoch, so that torch's schedules by epochs and by steps are the same."""
    trainer = fdl.Trainer(network(), optimizer=optim.SGD(0.5), schedule=SCHEDULES[name])
    history = trainer.fit(X, Y, epochs=STEPS, batch_size=len(X), progress=False)
    np.testing.assert_allclose(history["lr"], TRACES["rates"][name], rtol=1e-12, atol=1e-15)


def test_plateau() -> None:
    """torch's patience and cooldown count the epochs that are forgiven, ours those that bring the fall."""
    one: Callable[..., float] = schedule.ReduceOnPlateau("val_loss", 0.5, 3, 0.01, cooldown=2, low=0.1).reached
    values = TRACES["plateau"]["losses"]
    got = [one(values[: epoch + 1]) for epoch in range(len(values))]
    np.testing.assert_allclose(got, TRACES["plateau"]["rates"], rtol=1e-12)
    assert len(set(got)) >= 3
