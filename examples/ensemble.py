"""Five networks are better than one, and say what they do not know.

python examples/ensemble.py
"""

import fastdl as fdl
from fastdl import datasets, nn, optim

X, y = datasets.load_digits()
train, test = slice(0, 1200), slice(1200, None)
net = nn.Sequential(nn.MinMaxScale(), nn.Dense(64), nn.ReLU(), nn.Dropout(0.2), nn.Dense(10))

ensemble = fdl.Ensemble(net, 5, optimizer=optim.Adam(3e-3), metrics=["accuracy"], seed=0)
ensemble.fit(X[train], y[train], epochs=25, batch_size=64, progress=False)

for i, trainer in enumerate(ensemble.trainers):
    print(f"member {i}  accuracy {trainer.evaluate(X[test], y[test])['accuracy']:.4f}")
print(f"together  accuracy {ensemble.evaluate(X[test], y[test])['accuracy']:.4f}")

p = ensemble.predict_proba(X[test])
sure = p.max(axis=1) > 0.9
right = ensemble.predict_classes(X[test]) == y[test]
print(f"where they are sure ({100 * sure.mean():.0f} % of the rows) {100 * right[sure].mean():.1f} % are right")
