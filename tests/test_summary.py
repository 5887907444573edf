"""The summary's word about capacity, and classes that are balanced."""

from typing import Any

import numpy as np
import pytest
from networks import assert_same_state, blobs, mlp, trained

import fastdl as fdl
from fastdl import callbacks, nn, optim, schedule

X, Y = blobs(40)
WARNING = "far more parameters than rows"


def wide(*more: nn.Layer, **options: Any) -> nn.Sequential:
    return nn.Sequential(nn.Dense(80, **options), *more, nn.Dense(3))


def test_many_parameters_and_nothing_against_overfitting() -> None:
    net = wide()
    net.build(6)
    assert WARNING not in net.summary()  # no data is known yet
    trained(net, X, Y)
    assert WARNING in net.summary()
    assert "20.1 for each of 40 training rows" in net.summary()
    assert WARNING not in trained(nn.Sequential(nn.Dense(3)), X, Y).net.summary()


@pytest.mark.parametrize("layer", [nn.Dropout(0.1), nn.AlphaDropout(0.1), nn.GaussianNoise(0.1)])
def test_layers_that_regularise(layer: nn.Layer) -> None:
    assert WARNING not in trained(wide(layer), X, Y).net.summary()


@pytest.mark.parametrize("options", [{"penalty": fdl.L2(0.1)}, {"max_norm": 2.0}])
def test_parameters_that_are_held(options: dict[str, Any]) -> None:
    assert WARNING not in trained(wide(**options), X, Y).net.summary()


@pytest.mark.parametrize(
    "options",
    [
        {"penalty": fdl.L1(0.1)},
        {"averaging": optim.EMA(0.9)},
        {"mixup": 0.2},
        {"optimizer": optim.AdamW(weight_decay=0.1 * schedule.Cosine())},
    ],
)
def test_trainings_that_regularise(options: dict[str, Any]) -> None:
    assert WARNING not in trained(wide(), X, Y, options).net.summary()


def test_balanced_classes() -> None:
    """Weights as a dict of rows / (classes * rows of the class), to the bit; with callbacks or without."""
    y = np.where(Y == 2, 2, 0)
    counts = {label: int((y == label).sum()) for label in (0, 2)}
    by_hand = {label: len(y) / (2 * count) for label, count in counts.items()}
    balanced = trained(mlp(), X, y, class_weight="balanced", callbacks=callbacks.Callback())
    assert_same_state(balanced.net.state_dict(), trained(mlp(), X, y, class_weight=by_hand).net.state_dict())
    names = np.array(["a", "b", "c"])[Y]
    trained(mlp(), X, names, class_weight="balanced")
    with pytest.raises(TypeError, match="balanced"):
        trained(mlp(), X, y, class_weight="balance")
