"""What the tricks are for: trainings that go wrong without one and right with it."""

import numpy as np
import pytest
from networks import trained

import fastdl as fdl
from fastdl import callbacks, datasets, init, nn, optim

DIGITS = datasets.load_digits()


def digits(rows: int) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """So many to learn from, and the last 500 to be tested on."""
    X, y = DIGITS
    return (X[:rows], y[:rows]), (X[-500:], y[-500:])


@pytest.mark.parametrize("activation", [nn.Tanh, nn.ReLU])
def test_only_batch_norm_rescues_twelve_layers_of_tiny_weights(activation: type[nn.Layer]) -> None:
    (X, y), test = digits(1000)

    def accuracy(norm: bool) -> float:
        hidden = [
            layer
            for _ in range(12)
            for layer in (nn.Dense(32, init=init.Gaussian(1e-3)), *([nn.BatchNorm()] if norm else []), activation())
        ]
        net = nn.Sequential(nn.Standardize(), *hidden, nn.Dense(10))
        trained(net, X, y, {"clip": None}, epochs=12, batch_size=50)
        return float(np.mean(net.predict_classes(test[0]) == test[1]))

    assert accuracy(False) < 0.2
    assert accuracy(True) > 0.6


def test_dropout_helps_where_labels_are_wrong() -> None:
    """Every third label is another digit's; the mean over three seeds of the accuracy on right ones."""
    (X, y), test = digits(300)
    wrong = y.copy()
    wrong[::3] = (wrong[::3] + 1 + np.arange(100) % 9) % 10

    def accuracy(rate: float) -> float:
        found = []
        for seed in range(3):
            hidden = [layer for _ in range(2) for layer in (nn.Dense(256), nn.ReLU(), nn.Dropout(rate))]
            net = nn.Sequential(nn.MinMaxScale(), *hidden, nn.Dense(10))
            trained(net, X, wrong, {"seed": seed}, epochs=60, batch_size=50)
            found.append(np.mean(net.predict_classes(test[0]) == test[1]))
        return float(np.mean(found))

    assert accuracy(0.5) > accuracy(0.0) + 0.05


@pytest.mark.parametrize("averaging", [None, optim.EMA(0.95), optim.SWA(3)])
def test_early_stopping_ends_with_the_best_of_its_history(averaging: optim.Averaging | None) -> None:
    (X, y), test = digits(200)
    net = nn.Sequential(nn.MinMaxScale(), nn.Dense(128), nn.BatchNorm(), nn.ReLU(), nn.Dense(10))
    stop = callbacks.EarlyStopping("val_loss", patience=5)
    options = {"optimizer": optim.Adam(0.01), "averaging": averaging}
    trainer = trained(net, X, y, options, epochs=200, batch_size=33, validation_data=test, callbacks=stop)
    losses = trainer.history["val_loss"]
    assert len(losses) < 200 and losses[-1] > min(losses)
    assert trainer.evaluate(*test)["loss"] == min(losses)


def test_an_exploding_run_names_its_step_and_leaves_the_weights_before_it() -> None:
    (X, y), _ = digits(200)
    net = nn.Sequential(nn.MinMaxScale(), nn.Dense(64), nn.ReLU(), nn.Dense(64), nn.ReLU(), nn.Dense(10))
    trainer = fdl.Trainer(net, optimizer=optim.SGD(1e4), clip=None)
    with pytest.raises(fdl.NonFiniteError) as raised:
        trainer.fit(X, y, epochs=50, batch_size=20, progress=False)
    assert f"step {trainer.step}" in str(raised.value)
    assert all(np.isfinite(array).all() for array in net.state_dict().values())
