"""What a seed gives is a promise to users: hashes of trained networks, so that a change of bits is a decision.

If a hash here changes, results that people have published change with it. Store the new one only together with a line
in CHANGELOG.md that says so. `tests/test_native.py` holds the same for each kernel by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from networks import trained
from support import ISAS, THREADS, team

import fastdl as fdl
import fastdl.program
from fastdl import nn, optim
from fastdl.program import TeamSize

ROWS, FEATURES, BATCH = 300, 20, 128  # the last batch of an epoch is short


def numbers(rows: int, cols: int, salt: int) -> np.ndarray:
    """Multiples of 1/16 in [-4, 4), float32, by integers alone: neither NumPy's generators nor libm matter."""
    z = np.arange(1, rows * cols + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(salt)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)  # splitmix64
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z >> np.uint64(57)).astype(np.float32) / 16 - 4).reshape(rows, cols)


X = numbers(ROWS, FEATURES, 1)
LABELS = (X[:, 0] + X[:, 1] > X[:, 2]).astype(np.int64) + (X[:, 3] > 1)
TARGETS = X[:, :2] * X[:, 2:4] / 4
CODES = np.concatenate([np.abs(np.floor(X[:, :1])), X[:, 1:]], axis=1)
WEIGHTS = np.abs(numbers(ROWS, 1, 2)[:, 0])


class Case(NamedTuple):
    """A training, and the hash that it gives wherever there is FMA, and on the baseline."""

    layers: Callable[[], list[nn.Layer]]
    trainer: dict[str, Any]
    X: np.ndarray
    y: np.ndarray
    fused: str
    baseline: str
    fit: dict[str, Any] | None = None


CASES = {
    "batch norm, dropout, clip, Adam": Case(
        lambda: [
            nn.Standardize(),
            *(nn.Dense(160), nn.BatchNorm(), nn.ReLU(), nn.Dropout(0.25)),
            *(nn.Dense(160), nn.BatchNorm(), nn.Tanh()),
            nn.Dense(3),
        ],
        {"optimizer": optim.Adam(1e-2), "clip": optim.ClipNorm(0.5), "metrics": ["accuracy"]},
        X, LABELS, "30323d5c75b3aac6", "7a0d46643d674bba",
    ),
    "row norms, GELU, weights of rows, SGD": Case(
        lambda: [nn.Dense(150), nn.LayerNorm(), nn.GELU(), nn.Dense(70), nn.RMSNorm(), nn.Mish(), nn.Dense(3)],
        {"optimizer": optim.SGD(0.05, 0.9, nesterov=True, weight_decay=0.01)},
        X, LABELS, "aeab6d94365ef3c9", "425e6ba91b8a768e", {"sample_weight": WEIGHTS},
    ),
    "residual, branches, weight norm, RMSprop": Case(
        lambda: [
            nn.Dense(100, weight_norm=True),
            nn.Residual(nn.Dense(100), nn.BatchNorm(), nn.SiLU()),
            nn.Parallel(nn.Dense(10), nn.Dense(13), merge="concat"),
            nn.Dense(2),
        ],
        {"loss": "mse", "optimizer": optim.RMSprop(1e-3, centered=True, momentum=0.5)},
        X, TARGETS, "d3d0d2e3f014052c", "863e2fe537b2ccd2",
    ),
    "embedding, SELU, alpha dropout, AdamW": Case(
        lambda: [nn.Embedding([0], 6, sizes=[5]), nn.Dense(90), nn.SELU(), nn.AlphaDropout(0.1), nn.Dense(1)],
        {"loss": "binary_cross_entropy", "optimizer": optim.AdamW(3e-3, weight_decay=0.1)},
        CODES, LABELS > 0, "f6419dc69dd2d4a6", "bad10ccce5f169ba",
    ),
    "noise, penalty, max-norm, orthogonal, Lion": Case(
        lambda: [
            nn.RobustScale(),
            nn.GaussianNoise(0.1),
            *(nn.Dense(64, init="orthogonal", penalty=fdl.L1(1e-3), max_norm=1.0), nn.Softplus()),
            nn.Dense(2),
        ],
        {"loss": "huber", "optimizer": optim.Lion(1e-3), "clip": optim.ClipValue(0.01)},
        X, TARGETS, "fe396b6cdd5e67f2", "b630be4adc3156f0",
    ),
}  # fmt: skip


def hash_of(case: Case) -> str:
    """Of all that a training leaves: parameters, states, losses, outputs."""
    options = {**case.trainer, "seed": 7}
    trainer = trained(nn.Sequential(*case.layers()), case.X, case.y, options, batch_size=BATCH, **(case.fit or {}))
    arrays = [*trainer.net.state_dict().values(), np.array(trainer.history["loss"]), trainer.net.predict(case.X)]
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()[:16]


@pytest.fixture(autouse=True)
def forced_teams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every step gets the team that is asked for, worth it or not."""
    monkeypatch.setattr(TeamSize, "next", lambda self: (max(self.allowed()), 0.003))


@pytest.mark.parametrize("name", CASES)
def test_bits_are_those_of_earlier_releases(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]
    for isa in ISAS:
        want = case.baseline if isa == "baseline" else case.fused
        for threads in THREADS:
            with team(isa, threads):
                assert hash_of(case) == want, f"{isa}, {threads} threads: the bits of this training have changed"
        with team(isa), monkeypatch.context() as patch:
            patch.setattr(fastdl.program, "fuse", lambda ops: ops)
            assert hash_of(case) == want, f"{isa}: not fused, the bits differ"


def test_the_data_is_what_the_hashes_are_of() -> None:
    assert hashlib.sha256(X.tobytes() + WEIGHTS.tobytes()).hexdigest()[:16] == "4dea8bc9045d8505"
    assert np.bincount(LABELS).min() > 20 and len(np.unique(X)) == 128
