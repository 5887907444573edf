"""What the estimators change in a training step, against the formulas in float64 over 27 steps."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

import fastdl as fdl
from fastdl import kernels, losses, nn, optim
from fastdl.estimators.objective import EpsilonHat, PerRow, Scaled
from fastdl.fitting import SHUFFLE_STREAM

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 3)), RNG.normal(size=(20, 2))
WEIGHTS = RNG.uniform(0.0, 2.0, size=20).astype(np.float32)
WEIGHTS[3] = 0.0
BATCH, EPOCHS, LR, BETAS, SEED = 7, 9, 0.05, (0.9, 0.99), 4
STEPS = 27


def trained(weights: np.ndarray | None, **options: object) -> tuple[np.ndarray, np.ndarray, fdl.Trainer]:
    net = nn.Sequential(nn.Dense(2))
    net.build(3)
    net.load_state_dict({"0.weight": np.full((3, 2), 0.3), "0.bias": np.zeros(2)})
    given = {"loss": "mse", "optimizer": optim.SGD(LR), "seed": SEED, **options}
    trainer = fdl.Trainer(net, **given)
    trainer.fit(X, Y, epochs=EPOCHS, batch_size=BATCH, sample_weight=weights, progress=False)
    return net.parameters()["0.weight"].copy(), net.parameters()["0.bias"].copy(), trainer


def twin(weights: np.ndarray | None, eps: float | None = None, alpha: float = 0.0, slope: float = 1.0) -> np.ndarray:
    """Weights (3, 2) above the bias (1, 2), by the formulas: Adam with sqrt(v) + eps if there is one, else descent."""
    theta = np.vstack([np.full((3, 2), 0.3), np.zeros((1, 2))])
    m, v, t = np.zeros_like(theta), np.zeros_like(theta), 0
    s = np.ones(20) if weights is None else weights.astype(np.float64)
    rows = np.flatnonzero(s)
    for epoch in range(EPOCHS):
        order = rows[kernels.permutation(len(rows), SEED, epoch, SHUFFLE_STREAM)]
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            x = np.hstack([X[batch], np.ones((len(batch), 1))])
            g = x.T @ (s[batch, None] * (x @ theta - Y[batch])) * slope / s[batch].sum()  # of the mean of two outputs
            g[:3] += 2.0 * alpha * theta[:3] / s[batch].sum()
            t += 1
            if eps is None:
                theta = theta - LR * g
                continue
            m, v = BETAS[0] * m + (1 - BETAS[0]) * g, BETAS[1] * v + (1 - BETAS[1]) * g * g
            rate = LR * np.sqrt(1 - BETAS[1] ** t) / (1 - BETAS[0] ** t)
            theta = theta - rate * m / (np.sqrt(v) + eps)
    assert t == STEPS
    return theta


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["", "weighted"])
def test_a_penalty_per_row_is_divided_by_the_batch(weights: np.ndarray | None) -> None:
    w, b, trainer = trained(weights, penalty=PerRow(0.4))
    want = twin(weights, alpha=0.4)
    np.testing.assert_allclose(np.vstack([w, b]), want, atol=2e-6)
    assert np.abs(want - twin(weights, alpha=0.0)).max() > 0.01
    # Its value in the history is that of the whole sum, not divided.
    first = fdl.L2(0.4).c * (np.full((3, 2), 0.3) ** 2).sum()
    one = fdl.Trainer(
        nn.Sequential(nn.Dense(2, init=fdl.init.Constant(0.3))), "mse", optim.SGD(0.0), penalty=PerRow(0.4)
    )
    assert one.fit(X, Y, batch_size=20, progress=False)["penalty"] == [pytest.approx(first, rel=1e-6)]
    assert "penalty" in trainer.history


@pytest.mark.parametrize("eps", [1e-8, 1e-2, 1.0])
def test_adam_with_eps_beside_the_uncorrected_root(eps: float) -> None:
    w, b, _ = trained(None, optimizer=EpsilonHat(LR, BETAS, eps))
    np.testing.assert_allclose(np.vstack([w, b]), twin(None, eps), atol=5e-6)
    if eps == 1.0:
        plain, _, _ = trained(None, optimizer=optim.Adam(LR, BETAS, eps))
        assert np.abs(plain - w).max() > 0.01


@pytest.mark.parametrize("slope", [0.5, 3.0])
def test_a_scaled_loss_has_a_scaled_gradient(slope: float) -> None:
    w, b, trainer = trained(None, loss=Scaled(losses.MSE(), slope))
    np.testing.assert_allclose(np.vstack([w, b]), twin(None, slope=slope), atol=2e-6)
    assert trainer.history["loss"][0] > 0.5
    neutral, plain = trained(None, loss=Scaled(losses.MSE(), 1.0)), trained(None)
    assert neutral[0].tobytes() == plain[0].tobytes() and neutral[2].history == plain[2].history


def test_a_penalty_of_nothing_leaves_the_bits() -> None:
    assert trained(None, penalty=PerRow(0.0))[0].tobytes() == trained(None)[0].tobytes()
