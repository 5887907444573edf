"""First-layer weights as pictures, before and after they are made to be smooth.

scikit-learn's documentation draws what the first layer of a network looks for in pictures of digits. Weights that look
like noise belong to pixels that hardly matter, so nothing held them. Here the same is drawn for the digits that fastdl
carries, with the import changed, beside three ways to hold them.

    python examples/sklearn_weights.py [weights.png]
"""

import sys
import warnings

from matplotlib.figure import Figure
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from fastdl import MLPClassifier, datasets, optim

WAYS = {
    "as scikit-learn": {},
    "alpha=1": {"alpha": 1.0},
    "AdamW, decay 0.3": {"optimizer": optim.AdamW(2e-3, weight_decay=0.3), "alpha": 0.0},
    "dropout, label smoothing": {"dropout": 0.3, "label_smoothing": 0.1},
}


def main() -> None:
    warnings.simplefilter("ignore", ConvergenceWarning)
    X, y = datasets.load_digits()
    X, X_held, y, y_held = train_test_split(X / 16, y, random_state=0, test_size=0.3)
    figure = Figure(figsize=(11, 6.5), layout="constrained")
    for part, (way, settings) in zip(figure.subfigures(2, 2).ravel(), WAYS.items(), strict=True):
        model = MLPClassifier(32, max_iter=40, random_state=1, learning_rate_init=2e-3, **settings).fit(X, y)
        weights = model.coefs_[0]
        limit = abs(weights).max()
        for axes, column in zip(part.subplots(4, 8).ravel(), weights.T, strict=True):
            axes.imshow(column.reshape(8, 8), cmap="gray", vmin=-0.7 * limit, vmax=0.7 * limit)
            axes.set(xticks=[], yticks=[])
        score = model.score(X_held, y_held)
        part.suptitle(f"{way}: held-out {score:.3f}")
        print(f"{way:28} accuracy {model.score(X, y):.3f} in training, {score:.3f} held out")
    path = sys.argv[1] if len(sys.argv) > 1 else "weights.png"
    figure.savefig(path, dpi=120)
    print(path)


if __name__ == "__main__":
    main()
