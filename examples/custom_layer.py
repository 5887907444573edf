"""A layer of your own in NumPy: a gate that learns which features to let through.

A layer needs `build` if it has parameters, `forward`, and `backward`, which leaves the gradients of the parameters in
`self.grads`. `fdl.gradcheck` compares them with differences. The rest of the network stays native.

    python examples/custom_layer.py
"""

import numpy as np

import fastdl as fdl
from fastdl import nn, optim


class Gate(nn.Layer):
    """y = x sigmoid(g), with a g for each feature."""

    def build(self, in_shape):
        self.add_parameter("g", in_shape, "zeros", decay=False)
        return in_shape

    def forward(self, x, training):
        self.x, self.open = x, 1 / (1 + np.exp(-self.params["g"]))
        return x * self.open

    def backward(self, dy):
        self.grads["g"] = (dy * self.x).sum(axis=0) * self.open * (1 - self.open)
        return dy * self.open


rng = np.random.default_rng(0)
X = rng.normal(size=(2000, 8)).astype(np.float32)
y = X[:, 0] * X[:, 1] + X[:, 2]  # the other five features are noise

net = nn.Sequential(Gate(), nn.Dense(32), nn.Tanh(), nn.Dense(1))
net.build(8)
print(fdl.gradcheck(net, X[:16], y[:16], loss="mse"))

trainer = fdl.Trainer(net, "mse", optim.Adam(1e-2), penalty=fdl.L2(1e-4))
history = trainer.fit(X, y, epochs=30, batch_size=64, validation_split=0.2, progress=False)
print(f"validation loss {history['val_loss'][-1]:.4f}")
print("gates", (1 / (1 + np.exp(-net.parameters()["0.g"]))).round(2))
