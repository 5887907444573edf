"""Fused programs: fewer ops, the same bits."""

from collections.abc import Callable

import numpy as np
import pytest

import fastdl as fdl
import fastdl.program
from fastdl import nn, optim
from fastdl.part import Form

Layers = Callable[[], list[nn.Layer]]
ROWS, FEATURES, CLASSES = 45, 7, 3
FORM = Form(weighted=False, labels=True, columns=1)

NETS: dict[str, Layers] = {
    "norm, ReLU, dropout": lambda: [nn.Dense(33), nn.BatchNorm(), nn.ReLU(), nn.Dropout(0.3), nn.Dense(CLASSES)],
    "norm, ReLU": lambda: [nn.Dense(130), nn.BatchNorm(), nn.ReLU(), nn.Dense(CLASSES)],
    "norm, dropout": lambda: [nn.Dense(17), nn.BatchNorm(), nn.Dropout(0.5), nn.Dense(CLASSES)],
    "norm alone": lambda: [nn.Dense(16), nn.BatchNorm(), nn.Dense(CLASSES)],
    "norm first": lambda: [nn.BatchNorm(), nn.ReLU(), nn.Dropout(0.1), nn.Dense(CLASSES)],
    "norm, tanh, dropout": lambda: [nn.Dense(20), nn.BatchNorm(), nn.Tanh(), nn.Dropout(0.2), nn.Dense(CLASSES)],
    "two dropouts": lambda: [
        nn.Dense(9),
        nn.BatchNorm(),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Dropout(0.2),
        nn.Dense(CLASSES),
    ],
    "norm of a norm": lambda: [nn.Dense(9), nn.BatchNorm(), nn.BatchNorm(), nn.ReLU(), nn.Dense(CLASSES)],
    "ReLU twice": lambda: [nn.Dense(9), nn.BatchNorm(), nn.ReLU(), nn.ReLU(), nn.Dense(CLASSES)],
    "norm last": lambda: [nn.Dense(CLASSES), nn.BatchNorm(), nn.ReLU()],
    "products": lambda: [nn.Dense(11), nn.ReLU(), nn.Dropout(0.2), nn.Dense(12), nn.Tanh(), nn.Dense(CLASSES)],
}
FEWER = {  # ops that fusion saves in a step: forwards and backwards
    "norm, ReLU, dropout": 4,
    "norm, ReLU": 2,
    "norm, dropout": 2,
    "norm alone": 0,
    "norm first": 4,
    "norm, tanh, dropout": 0,
    "two dropouts": 4,
    "norm of a norm": 2,
    "ReLU twice": 2,
    "norm last": 2,
    "products": 2,
}


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    return rng.normal(size=(ROWS, FEATURES)).astype(np.float32), rng.integers(0, CLASSES, ROWS)


def trained(layers: Layers, X: np.ndarray, y: np.ndarray, batch_size: int = 16) -> tuple[dict, int, np.ndarray]:
    """State after two epochs, the number of ops of a step, and outputs."""
    trainer = fdl.Trainer(nn.Sequential(*layers()), optimizer=optim.Adam(1e-2), clip=optim.ClipNorm(1.0), seed=3)
    trainer.fit(X, y, epochs=2, batch_size=batch_size, progress=False)
    return trainer.net.state_dict(), len(trainer.training_step(batch_size, FORM).program), trainer.net.predict(X)


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("batch_size", [1, 16, ROWS])
def test_fusion_changes_no_bit(name: str, batch_size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = data()
    fused, ops, outputs = trained(NETS[name], X, y, batch_size)
    monkeypatch.setattr(fastdl.program, "fuse", lambda ops: ops)
    plain, plain_ops, plain_outputs = trained(NETS[name], X, y, batch_size)
    assert {key: value.tobytes() for key, value in fused.items()} == {
        key: value.tobytes() for key, value in plain.items()
    }
    assert outputs.tobytes() == plain_outputs.tobytes()
    assert plain_ops - ops == FEWER[name]


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_fused_steps_are_the_same_on_any_team(threads: int) -> None:
    X, y = data()
    alone = fdl.Trainer(nn.Sequential(*NETS["norm, ReLU, dropout"]()), seed=1, threads=1)
    team = fdl.Trainer(nn.Sequential(*NETS["norm, ReLU, dropout"]()), seed=1, threads=threads)
    for trainer in (alone, team):
        trainer.fit(X, y, epochs=2, progress=False)
    assert alone.net.arena.tobytes() == team.net.arena.tobytes()
