"""A loss of your own in NumPy: squared error of which being too low costs ten times as much.

A loss is a function of targets and outputs that gives each row's loss and its gradient. Weights of rows, the mean over
the batch and the check for NaN are the trainer's work.

    python examples/custom_loss.py
"""

import numpy as np

import fastdl as fdl
from fastdl import nn, optim


def too_low_is_worse(y_true, y_pred):
    error = y_pred - y_true
    weight = np.where(error < 0, 10.0, 1.0)
    return (weight * error**2).mean(axis=1), 2 * weight * error / error.shape[1]


rng = np.random.default_rng(0)
X = rng.uniform(-1, 1, (2000, 1)).astype(np.float32)
y = np.sin(3 * X[:, 0]) + 0.3 * rng.normal(size=2000)

for loss in ("mse", too_low_is_worse):
    net = nn.Sequential(nn.Dense(32), nn.Tanh(), nn.Dense(1))
    trainer = fdl.Trainer(net, loss, optim.Adam(1e-2))
    trainer.fit(X, y, epochs=40, batch_size=64, progress=False)
    below = np.mean(net.predict(X)[:, 0] < y)
    print(f"{getattr(loss, '__name__', loss):18} the prediction is too low for {100 * below:.0f} % of the rows")
