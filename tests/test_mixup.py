"""Mixup: the shares' distribution, the mixtures against NumPy, and a training against one on mixtures made by hand."""

import itertools
from typing import Any

import numpy as np
import pytest
from networks import assert_same_state, blobs, mlp, trained
from support import normal, team

import fastdl as fdl
from fastdl import kernels, nn, optim
from fastdl.fitting import SHUFFLE_STREAM
from fastdl.kernels._program import Program
from fastdl.kernels._scalar import Column
from fastdl.kernels.mixup import record_mix, record_mix_labels
from fastdl.mixup import Mixup

X, Y = blobs(103)


@pytest.mark.parametrize("alpha", [0.05, 0.2, 1.0, 4.0])
def test_shares_are_beta_distributed(alpha: float) -> None:
    """By mean, variance and fourth moment of Beta(alpha, alpha), from 40,000 draws."""
    share = np.concatenate([Mixup(alpha).shares(10_000, seed=3, epoch=epoch) for epoch in range(4)])
    assert share.min() >= 0.0
    assert share.max() <= 1.0
    variance = 0.25 / (2 * alpha + 1)
    fourth = 3 * variance**2 * (2 * alpha + 1) / (2 * alpha + 3)
    assert share.mean() == pytest.approx(0.5, abs=0.01)
    assert share.var() == pytest.approx(variance, rel=0.03)
    assert ((share - 0.5) ** 4).mean() == pytest.approx(fourth, rel=0.05)


def test_shares_depend_on_seed_epoch_and_place_alone() -> None:
    mixup = Mixup(0.4)
    np.testing.assert_array_equal(mixup.shares(50, 1, 2), mixup.shares(80, 1, 2)[:50])
    ways = [mixup.shares(50, seed, epoch) for seed, epoch in ((1, 2), (1, 3), (2, 2))]
    for one, other in itertools.combinations(ways, 2):
        assert (one == other).mean() < 0.1


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (2, 1), (7, 3), (64, 33), (3000, 40)])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_mixtures(rows: int, cols: int, share: float) -> None:
    x, labels = normal((rows, cols)), np.arange(rows, dtype=np.int32) * 7 % cols
    y, p, v = np.empty_like(x), np.empty_like(x), np.empty(rows, np.float32)
    program = Program()
    record_mix(program, y, x, Column(1))
    record_mix_labels(program, p, labels.astype(np.int32), Column(1), 0.1)
    record_mix(program, v, x[:, 0].copy(), Column(1))
    for threads in (1, 3):
        y[...] = p[...] = v[...] = np.nan
        program.begin(rows, rows, 1, 0, 0, np.array([[9.0, share]]))
        program.advance(threads)
        want = share * x.astype(np.float64) + (1.0 - share) * np.roll(x, -1, axis=0)
        np.testing.assert_allclose(y, want, rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal(v, y[:, 0])
        eye = np.eye(cols)
        probabilities = share * eye[labels] + (1.0 - share) * eye[np.roll(labels, -1)]
        np.testing.assert_allclose(p, 0.9 * probabilities + 0.1 / cols, rtol=1e-6)


def by_hand(seed: int, batch: int, alpha: float, epochs: int, smoothing: float) -> dict[str, np.ndarray]:
    """A network trained by plain steps on mixtures made in NumPy."""
    net = nn.Sequential(nn.Dense(8), nn.Tanh(), nn.Dense(3))
    trainer = fdl.Trainer(net, "cross_entropy", optim.SGD(0.1, momentum=0.9), seed=seed)
    for epoch in range(epochs):
        order = kernels.permutation(len(X), seed, epoch, SHUFFLE_STREAM)
        shares = Mixup(alpha).shares(-(-len(X) // batch), seed, epoch)
        for share, start in zip(shares, range(0, len(X), batch), strict=True):
            rows = order[start : start + batch]
            t = (1 - smoothing) * np.eye(3)[Y[rows]] + smoothing / 3
            x = share * X[rows] + (1 - share) * np.roll(X[rows], -1, axis=0)
            mixed = share * t + (1 - share) * np.roll(t, -1, axis=0)
            trainer.fit(x, mixed, batch_size=len(rows), progress=False)
    return net.state_dict()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_training_is_that_on_the_mixtures(smoothing: float) -> None:
    """Thirty-five steps; the order of the rows within a batch, which the hand shuffles again, does not matter."""
    net = nn.Sequential(nn.Dense(8), nn.Tanh(), nn.Dense(3))
    loss = fdl.losses.CrossEntropy(smoothing)
    trained(net, X, Y, {"loss": loss, "optimizer": optim.SGD(0.1, momentum=0.9), "mixup": 0.4, "seed": 5}, epochs=5)
    want = by_hand(5, 16, 0.4, 5, smoothing)
    for name, value in net.state_dict().items():
        np.testing.assert_allclose(value, want[name], rtol=2e-4, atol=2e-5, err_msg=name)


@pytest.mark.parametrize(
    ("loss", "y"),
    [
        ("mse", normal((103, 3), 1)),
        ("binary_cross_entropy", (normal((103, 3), 1) > 0).astype(np.float64)),
        (lambda t, p: (((p - t) ** 2).sum(axis=1), 2 * (p - t)), normal((103, 3), 1)),
    ],
)
def test_other_losses_and_weights(loss: Any, y: np.ndarray) -> None:
    """A step of SGD is linear in the gradient, which is that of the mixed rows, weighted by the mixed weights."""
    weights = np.linspace(0.5, 2.0, 103)
    net, other = (nn.Sequential(nn.Dense(3)) for _ in range(2))
    trained(
        net, X, y, {"loss": loss, "optimizer": "sgd", "mixup": 0.4}, epochs=1, batch_size=103, sample_weight=weights
    )
    order, share = kernels.permutation(103, 0, 0, SHUFFLE_STREAM), Mixup(0.4).shares(1, 0, 0)[0]
    x, t, s = (share * a[order] + (1 - share) * np.roll(a[order], -1, axis=0) for a in (X, y, weights))
    trained(other, x, t, {"loss": loss, "optimizer": "sgd"}, epochs=1, batch_size=103, sample_weight=s)
    for name, value in net.state_dict().items():
        np.testing.assert_allclose(value, other.state_dict()[name], rtol=1e-4, atol=1e-6)


def test_none_and_zero_leave_the_bits_and_a_single_row_is_no_mixture() -> None:
    plain = trained(mlp(), X, Y).net.state_dict()
    for off in (None, 0, 0.0):
        assert_same_state(trained(mlp(), X, Y, {"mixup": off}).net.state_dict(), plain)
    with pytest.raises(AssertionError):
        assert_same_state(trained(mlp(), X, Y, {"mixup": 0.2}).net.state_dict(), plain)
    alone = [
        trained(nn.Sequential(nn.Dense(2)), X, X[:, :2], {"loss": "mse", "mixup": off}, batch_size=1).net.state_dict()
        for off in (None, 0.5)
    ]
    assert_same_state(*alone)


def test_the_same_bits_at_any_number_of_threads_and_in_two_fits() -> None:
    states = []
    for threads in (1, 2, 3, 7):
        with team(threads=threads):
            states.append(trained(mlp(70), X, Y, {"mixup": 0.2}, epochs=3).net.state_dict())
    trainer = trained(mlp(70), X, Y, {"mixup": 0.2}, epochs=1)
    trainer.fit(X, Y, epochs=2, batch_size=16, progress=False)
    for state in (*states[1:], trainer.net.state_dict()):
        assert_same_state(state, states[0])


def test_validation_is_not_mixed_and_an_explosion_is_diagnosed() -> None:
    trainer = trained(mlp(), X, Y, {"mixup": 0.2, "metrics": ["accuracy"]}, validation_data=(X, Y))
    assert trainer.history["val_loss"][-1] == trainer.evaluate(X, Y)["loss"]
    wild = nn.Sequential(nn.Dense(40), nn.Dense(40), nn.Dense(1))
    with pytest.raises(fdl.NonFiniteError, match="is not finite"), np.errstate(all="ignore"):
        trained(wild, X, Y.reshape(-1, 1), {"loss": "mse", "optimizer": optim.SGD(1e12), "mixup": 0.2}, epochs=9)


def test_bad_options() -> None:
    for bad in (-0.1, "0.2", np.nan, [1]):
        with pytest.raises((ValueError, TypeError), match="mixup"):
            fdl.Trainer(mlp(), mixup=bad)
    with pytest.raises(ValueError, match="focal"):
        fdl.Trainer(mlp(), "focal", mixup=0.2)
    codes = nn.Sequential(nn.Embedding([0], 4), nn.Dense(3))
    with pytest.raises(ValueError, match="Embedding"):
        fdl.Trainer(codes, mixup=0.2)
