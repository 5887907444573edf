"""fastdl's estimators beside scikit-learn's at equal settings: ``python -m benchmarks.sklearn``.

Each fit has both in turns, with a pause between them in which the other's threads fall asleep, and the least of each
counts. Scores are on rows that were held out. Memory is what a fit adds to the peak of a process of its own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import neural_network
from sklearn.datasets import make_classification, make_regression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import fastdl as fdl
from benchmarks import machine
from fastdl import datasets

PAUSE_SECONDS = 0.05
ROUNDS = 3
PREDICT_SECONDS = 0.1
SAME: dict[str, Any] = {"random_state": 0, "tol": 0.0, "n_iter_no_change": 10**9}

Data = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@dataclass
class Case:
    """A data set, a kind of estimator and its settings."""

    name: str
    data: str
    settings: dict[str, Any] = field(default_factory=dict)
    regression: bool = False

    def estimators(self) -> dict[str, Callable[[], Any]]:
        kind = "MLPRegressor" if self.regression else "MLPClassifier"
        packages = {"scikit-learn": neural_network, "fastdl": fdl}
        return {who: partial(getattr(package, kind), **SAME, **self.settings) for who, package in packages.items()}


def digits() -> tuple[np.ndarray, np.ndarray]:
    X, y = datasets.load_digits()
    return X.astype(np.float64), y


SOURCES: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {
    "digits": digits,
    "synthetic, 300 x 20": lambda: make_classification(300, 20, n_informative=10, random_state=0),
    "synthetic, 20000 x 50": lambda: make_classification(20000, 50, n_informative=20, n_classes=4, random_state=0),
    "synthetic, 20000 x 20": lambda: make_regression(20000, 20, noise=1.0, random_state=0),
}
TABLES = {  # file: separator, target (None: last), header, regression
    "mlbench_LetterRecognition.csv.gz": (",", "lettr", True, False),
    "phoneme.csv.gz": (",", None, False, False),
    "kin8nm.txt.gz": (r"\s+", None, False, True),
    "power-plant.txt.gz": (r"\s+", None, False, True),
    "california_housing.csv.gz": (",", "median_house_value", True, True),
}
CASES = [
    *(Case(f"width {w}", "digits", {"hidden_layer_sizes": w, "max_iter": 30}) for w in (32, 64, 100, 256)),
    Case("two of 100", "digits", {"hidden_layer_sizes": (100, 100), "max_iter": 30}),
    Case("batch 32", "digits", {"batch_size": 32, "max_iter": 10}),
    Case("sgd, tanh", "digits", {"solver": "sgd", "activation": "tanh", "learning_rate_init": 0.05, "max_iter": 30}),
    Case("lbfgs", "digits", {"solver": "lbfgs", "max_iter": 30}),
    Case("early stopping", "digits", {"early_stopping": True, "max_iter": 30}),
    *(Case(f"width {w}", "synthetic, 300 x 20", {"hidden_layer_sizes": w, "max_iter": 100}) for w in (32, 256)),
    Case("width 128", "synthetic, 20000 x 50", {"hidden_layer_sizes": 128, "max_iter": 5}),
    Case("width 100", "synthetic, 20000 x 20", {"max_iter": 5}, regression=True),
]


def table(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The complete rows of a table: its numbers, and its target."""
    import pandas

    separator, target, header, regression = TABLES[path.name]
    frame = pandas.read_csv(path, sep=separator, header=0 if header else None).dropna()
    y = frame.pop(target if target is not None else frame.columns[-1]).to_numpy()
    return frame.select_dtypes("number").to_numpy(np.float64), y.astype(float) if regression else y


def prepared(X: np.ndarray, y: np.ndarray, regression: bool) -> Data:
    """Standardized inputs, and targets of a regression; a quarter of the rows held out."""
    X, X_held, y, y_held = train_test_split(X, y, random_state=0)
    scaler = StandardScaler().fit(X)
    mean, std = (y.mean(), y.std()) if regression else (0, 1)
    if regression:
        y, y_held = (y - mean) / std, (y_held - mean) / std
    return scaler.transform(X), scaler.transform(X_held), y, y_held


def least_seconds(call: Callable[[], Any], seconds: float) -> float:
    """The least time of many calls."""
    best, end = np.inf, time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def measure(case: Case, data: Data) -> dict[str, list[float]]:
    """Of both: seconds of a fit, of predicting all held rows, of one row, and the score."""
    X, X_held, y, y_held = data
    found: dict[str, list[float]] = {}
    fitted: dict[str, Any] = {}
    for _ in range(ROUNDS):
        for who, make in case.estimators().items():
            time.sleep(PAUSE_SECONDS)
            fitted[who] = make()
            start = time.perf_counter()
            fitted[who].fit(X, y)
            spent = time.perf_counter() - start
            found.setdefault(who, [np.inf])[0] = min(found.get(who, [np.inf])[0], spent)
    for who, model in fitted.items():
        time.sleep(PAUSE_SECONDS)
        found[who] += [least_seconds(lambda x=x, m=model: m.predict(x), PREDICT_SECONDS) for x in (X_held, X_held[:1])]
        found[who].append(model.score(X_held, y_held))
    return found


def memory(place: int, who: str, folder: str | None) -> float:
    """What a fit adds to the peak, in a process that does nothing else."""
    command = [sys.executable, "-m", "benchmarks.sklearn", "--peak", str(place), who]
    if folder:
        command += ["--data", folder]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def all_cases(folder: str | None) -> tuple[list[Case], dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]]]:
    cases, sources = list(CASES), dict(SOURCES)
    for path in sorted(Path(folder).glob("*.gz")) if folder else ():
        if path.name in TABLES:
            name = path.name.split(".")[0]
            sources[name] = lambda path=path: table(path)
            cases.append(Case("width 100", name, {"max_iter": 10}, TABLES[path.name][3]))
    return cases, sources


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", metavar="FOLDER", help=f"where these are, if any: {', '.join(TABLES)}")
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="show in seconds that it works")
    parser.add_argument("--only", metavar="TEXT", default="", help="cases whose name holds this")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    cases, sources = all_cases(given.data)
    if given.peak:
        case = cases[int(given.peak[0])]
        X, _, y, _ = prepared(*sources[case.data](), case.regression)
        model = case.estimators()[given.peak[1]]()
        model.set_params(max_iter=1).fit(X[:64], y[:64])
        print(machine.memory_of(lambda: model.set_params(max_iter=2).fit(X, y)))
        return
    print(machine.describe(machine.facts()), end="\n\n")
    disturbance = machine.Disturbance()
    print(f"{'':34}{'fit, ms':>20}{'':9}{'predict, us':>18}{'one row, us':>19}{'':7}{'memory, MiB':>14}{'score':>18}")
    print(f"{'':34}" + f"{'sklearn':>10}{'fastdl':>10}{'ratio':>9}" + f"{'sklearn':>10}{'fastdl':>8}" * 2, end="")
    print(f"{'ratio':>7}" + f"{'sklearn':>9}{'fastdl':>7}" + f"{'sklearn':>10}{'fastdl':>8}")
    for place, case in enumerate(cases):
        title = f"{case.data}: {case.name}"
        if given.only not in title or (given.quick and place):
            continue
        data = prepared(*sources[case.data](), case.regression)
        one, two = measure(case, data).values()
        used = [memory(place, who, given.data) for who in case.estimators()]
        print(f"{title:34}{1e3 * one[0]:10.1f}{1e3 * two[0]:10.1f}{one[0] / two[0]:8.1f}x", end="")
        print(f"{1e6 * one[1]:10.0f}{1e6 * two[1]:8.0f}{1e6 * one[2]:10.0f}{1e6 * two[2]:8.1f}", end="")
        print(f"{one[2] / two[2]:6.1f}x{used[0]:9.1f}{used[1]:7.1f}{one[3]:10.3f}{two[3]:8.3f}", flush=True)
    print(f"on {os.cpu_count()} processors; {disturbance}")


if __name__ == "__main__":
    main()
