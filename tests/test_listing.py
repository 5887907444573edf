"""trainer.program(): the ops of a step as a table."""

import numpy as np
import pytest

import fastdl as fdl
from fastdl import datasets, nn, optim
from fastdl.part import Form


def trainer() -> fdl.Trainer:
    net = nn.Sequential(nn.MinMaxScale(), nn.Dense(24), nn.BatchNorm(), nn.ReLU(), nn.Dropout(0.2), nn.Dense(10))
    return fdl.Trainer(net, optimizer=optim.Adam(1e-3), clip=optim.ClipNorm(1.0))


def test_lists_every_op_with_its_shapes_and_operations(capsys: pytest.CaptureFixture[str]) -> None:
    made = trainer()
    made.net.build(64)
    listing = made.program(batch_size=16)
    assert str(listing) in capsys.readouterr().out
    step = made.training_step(16, Form(weighted=False, labels=True, columns=1))
    assert sum(op.native for op in step.ops) == len(step.program)
    assert len(listing.rows) == len(step.ops)
    products = [row for row in listing.rows if row.op == "dense.forward"]
    assert [row.flops for row in products] == [2 * 16 * 64 * 24, 2 * 16 * 24 * 10]
    assert products[0].shapes["w"] == (64, 24)
    assert products[0].bytes == 4 * (16 * 64 + 64 * 24 + 16 * 24 + 24)
    assert all(row.seconds is None for row in listing.rows)
    assert {"batchnorm.backward", "dropout.mask", "loss.softmax_cross_entropy", "optimizer.adam", "reduce.norm"} <= {
        row.op for row in listing.rows
    }
    gradients = {row.op: row.flops for row in listing.rows if row.op.endswith("gradient")}
    assert gradients["dense.weight_gradient"] in (2 * 16 * 64 * 24, 2 * 16 * 24 * 10)


def test_times_ops_and_changes_nothing() -> None:
    X, y = datasets.load_digits()
    first, second = trainer(), trainer()
    for made in (first, second):
        made.fit(X[:200], y[:200], progress=False)
    listing = first.program(X, y, repeats=3)
    assert all(row.seconds is not None and 0.0 < row.seconds < 10.0 for row in listing.rows)
    assert listing.seconds == pytest.approx(sum(row.seconds or 0.0 for row in listing.rows))
    assert "GFLOP/s" in str(listing)
    for made in (first, second):
        made.fit(X[:200], y[:200], progress=False)
    assert first.net.arena.tobytes() == second.net.arena.tobytes()
    assert first.history["loss"] == second.history["loss"]


def test_python_ops_are_listed_and_timed() -> None:
    class Double(nn.Layer):
        def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
            return 2 * x

        def backward(self, dy: np.ndarray) -> np.ndarray:
            return 2 * dy

    made = fdl.Trainer(nn.Sequential(nn.Dense(4), Double(), nn.Dense(2)))
    X, y = np.ones((8, 3), np.float32), np.zeros(8, np.int64)
    made.fit(X, y, progress=False)
    assert [row.op for row in made.program(X, y, 8, repeats=2).rows].count("Python") == 2


def test_refuses_what_is_not_built() -> None:
    with pytest.raises(ValueError, match="not built"):
        trainer().program()
