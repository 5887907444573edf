"""Ways to descend, on one picture: plain, momentum, Nesterov's, falling rates, Adam; and what fastdl adds to them.

scikit-learn's documentation compares its solvers on a few small data sets. This does so with the import changed, and
draws some more curves that are one parameter away.

    python examples/sklearn_training_curves.py [curves.png]
"""

import sys
import warnings

from matplotlib.figure import Figure
from sklearn.datasets import load_digits, load_iris, make_circles, make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import MinMaxScaler

from fastdl import MLPClassifier, optim

SGD = {"solver": "sgd", "learning_rate_init": 0.2, "momentum": 0.0}
WAYS = {
    "constant rate": SGD,
    "momentum": {**SGD, "momentum": 0.9, "nesterovs_momentum": False},
    "Nesterov's momentum": {**SGD, "momentum": 0.9},
    "falling rate": {**SGD, "learning_rate": "invscaling"},
    "falling rate, momentum": {**SGD, "learning_rate": "invscaling", "momentum": 0.9},
    "Adam": {"solver": "adam", "learning_rate_init": 0.01},
    "cosine, momentum (fastdl)": {**SGD, "momentum": 0.9, "schedule": "cosine"},
    "Lion (fastdl)": {"optimizer": optim.Lion(1e-3)},
    "batch norm, Adam (fastdl)": {"solver": "adam", "learning_rate_init": 0.01, "norm": "batch"},
}
DATA = {
    "iris": load_iris(return_X_y=True),
    "digits": load_digits(return_X_y=True),
    "circles": make_circles(noise=0.2, factor=0.5, random_state=1),
    "moons": make_moons(noise=0.3, random_state=0),
}


def main() -> None:
    warnings.simplefilter("ignore", ConvergenceWarning)  # some ways are meant to be slow
    figure = Figure(figsize=(11, 7.5), layout="constrained")
    for axes, (name, (X, y)) in zip(figure.subplots(2, 2).ravel(), DATA.items(), strict=True):
        X = MinMaxScaler().fit_transform(X)
        epochs = 15 if name == "digits" else 200
        print(f"\n{name}: {len(X)} rows")
        for way, settings in WAYS.items():
            model = MLPClassifier(random_state=0, max_iter=epochs, **settings).fit(X, y)
            axes.plot(model.loss_curve_, label=way)
            print(f"  {way:28} loss {model.loss_:.4f}, accuracy {model.score(X, y):.3f}")
        axes.set(title=name, xlabel="epoch", ylabel="loss", yscale="log")
    figure.legend(*axes.get_legend_handles_labels(), ncols=3, loc="outside lower center")
    path = sys.argv[1] if len(sys.argv) > 1 else "training_curves.png"
    figure.savefig(path, dpi=120)
    print(f"\n{path}")


if __name__ == "__main__":
    main()
