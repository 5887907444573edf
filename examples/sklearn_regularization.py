"""What holds a network back: borders between two classes under more and more of `alpha`, and under dropout.

scikit-learn's documentation shows how a larger `alpha` makes the border smoother. Here is the same with the import
changed, and below it what it can't do: dropout, which is a regularizer of its own kind.

    python examples/sklearn_regularization.py [borders.png]
"""

import sys
import warnings

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastdl import MLPClassifier

ROWS = [
    [{"alpha": alpha, "solver": "lbfgs"} for alpha in (0.01, 0.1, 1.0, 10.0)],
    [{"dropout": dropout, "alpha": 0.0, "learning_rate_init": 0.01} for dropout in (0.0, 0.1, 0.3, 0.5)],
]


def main() -> None:
    warnings.simplefilter("ignore", ConvergenceWarning)
    X, y = make_moons(200, noise=0.3, random_state=0)
    X, X_held, y, y_held = train_test_split(X, y, test_size=0.5, random_state=0)
    side = np.linspace(-3, 3, 150)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    figure = Figure(figsize=(11, 5.8), layout="constrained")
    for line, settings in zip(figure.subplots(2, 4), ROWS, strict=True):
        for axes, each in zip(line, settings, strict=True):
            network = MLPClassifier((50, 50), random_state=1, max_iter=500, **each)
            model = make_pipeline(StandardScaler(), network).fit(X, y)
            p = model.predict_proba(model[0].inverse_transform(grid))[:, 1].reshape(150, 150)
            axes.contourf(side, side, p, levels=20, cmap="RdBu", alpha=0.7)
            axes.scatter(*model[0].transform(X).T, c=y, cmap="RdBu", edgecolors="k", s=12)
            name, value = next(iter(each.items()))
            score = model.score(X_held, y_held)
            axes.set(title=f"{name}={value}: held-out {score:.2f}", xticks=[], yticks=[])
            print(f"{name}={value}: accuracy {model.score(X, y):.3f} in training, {score:.3f} held out")
    path = sys.argv[1] if len(sys.argv) > 1 else "regularization.png"
    figure.savefig(path, dpi=120)
    print(path)


if __name__ == "__main__":
    main()
