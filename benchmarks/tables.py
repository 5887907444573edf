"""Models on tables beside others: ``python -m benchmarks.tables [--data FOLDER]``.

Each table is split several times into rows to learn from and a fifth to be judged by. All models see the same splits,
one after the other. Error is 1 - accuracy, or RMSE by the deviation of the target. Times are those of fit and
predict, on all cores. Memory is what a fit on the first split adds to the peak of a process of its own that holds the
table, with all that the library loads meanwhile. scikit-learn's own tables are always there; the folder of --data
(default: FASTDL_DATA of the environment) adds those in its `tabular`.
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import importlib.util
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import CHECKOUT, keep, machine
from benchmarks.machine import Disturbance
from benchmarks.picture import blank, check_picture

Table = tuple[Any, np.ndarray]  # columns (pandas), target
SPLITS, SHARE = 3, 0.2
QUICK_ROWS = 300
PEAK = "MiB of a fit: "  # begins the line that says it, among what libraries print


def from_sklearn(name: str) -> Table:
    loaded = getattr(importlib.import_module("sklearn.datasets"), f"load_{name}")(as_frame=True)
    return loaded.data, loaded.target.to_numpy()


def from_csv(path: Path, target: str | int, header: bool = True, text: bool = False) -> Table:
    pandas = importlib.import_module("pandas")
    frame = pandas.read_csv(path, header=0 if header else None, skipinitialspace=True, na_values="?")
    frame.columns = [str(name) for name in frame.columns]
    name = target if isinstance(target, str) else frame.columns[target]
    y = frame.pop(name).to_numpy()
    return frame, y.astype(str) if text else y


def from_blanks(path: Path) -> Table:
    pandas = importlib.import_module("pandas")
    with gzip.open(path) as file:
        values = np.loadtxt(file)
    return pandas.DataFrame(values[:, :-1]).rename(columns=str), values[:, -1]


def tables(folder: Path | None) -> dict[str, tuple[bool, Callable[[], Table]]]:
    """Return for each table whether its target is a class, and what loads it."""
    found: dict[str, tuple[bool, Callable[[], Table]]] = {
        "breast cancer": (True, lambda: from_sklearn("breast_cancer")),
        "wine": (True, lambda: from_sklearn("wine")),
        "digits": (True, lambda: from_sklearn("digits")),
        "diabetes": (False, lambda: from_sklearn("diabetes")),
    }
    if folder is None:
        return found
    place = folder / "tabular"
    return found | {
        "phoneme": (True, lambda: from_csv(place / "phoneme.csv.gz", -1, header=False)),
        "letter": (True, lambda: from_csv(place / "mlbench_LetterRecognition.csv.gz", "lettr", text=True)),
        "adult": (True, lambda: from_csv(place / "adult-train.csv.gz", -1, header=False, text=True)),
        "kin8nm": (False, lambda: from_blanks(place / "kin8nm.txt.gz")),
        "power plant": (False, lambda: from_blanks(place / "power-plant.txt.gz")),
        "california": (False, lambda: from_csv(place / "california_housing.csv.gz", "median_house_value")),
        "diamonds": (False, lambda: from_csv(place / "diamonds.csv.gz", "price")),
    }


def encoded(model: Any, X: Any) -> Any:
    """Return scikit-learn's usual preparation before a model that takes numbers only."""
    compose, pipeline = importlib.import_module("sklearn.compose"), importlib.import_module("sklearn.pipeline")
    prepare = importlib.import_module("sklearn.preprocessing")
    impute = importlib.import_module("sklearn.impute").SimpleImputer
    words = [name for name in X.columns if X[name].dtype.kind == "O" or str(X[name].dtype) in ("str", "category")]
    numbers = [name for name in X.columns if name not in words]
    columns = compose.ColumnTransformer([
        ("numbers", pipeline.make_pipeline(impute(strategy="median"), prepare.StandardScaler()), numbers),
        ("words", prepare.OneHotEncoder(handle_unknown="ignore", sparse_output=False), words),
    ])  # fmt: skip
    return pipeline.make_pipeline(columns, model)


def fastdl_model(classes: bool, preset: str, **more: Any) -> Any:
    import fastdl as fdl

    return (fdl.TabularClassifier if classes else fdl.TabularRegressor)(preset, random_state=0, **more)


def sklearn_model(classes: bool, X: Any) -> Any:
    network = importlib.import_module("sklearn.neural_network")
    options: dict[str, Any] = {"hidden_layer_sizes": (256, 256, 256), "early_stopping": True, "random_state": 0}
    if classes:
        return encoded(network.MLPClassifier(**options), X)
    scaled = importlib.import_module("sklearn.compose").TransformedTargetRegressor
    scaler = importlib.import_module("sklearn.preprocessing").StandardScaler()
    return encoded(scaled(network.MLPRegressor(**options), transformer=scaler), X)


def boosting(classes: bool, X: Any) -> Any:
    ensemble = importlib.import_module("sklearn.ensemble")
    kind = ensemble.HistGradientBoostingClassifier if classes else ensemble.HistGradientBoostingRegressor
    return encoded(kind(random_state=0), X)


def pytabkit(classes: bool, kind: str) -> Any:
    module = importlib.import_module("pytabkit")
    make = getattr(module, f"RealMLP_{kind}_{'Classifier' if classes else 'Regressor'}")
    return make(device="cpu", random_state=0, n_cv=1, n_refit=0, n_threads=os.cpu_count(), val_fraction=0.2)


def models(quick: bool) -> dict[str, Callable[[bool, Any], Any]]:
    """Return what makes each model, for a kind of target and some columns."""
    few = {"epochs": 4} if quick else {}
    found: dict[str, Callable[[bool, Any], Any]] = {
        "fastdl simple": lambda classes, X: fastdl_model(classes, "simple", **few),
        "fastdl default": lambda classes, X: fastdl_model(classes, "default", **few),
        "scikit-learn MLP": sklearn_model,
        "scikit-learn boosting": boosting,
    }
    if importlib.util.find_spec("pytabkit") is not None:
        found["pytabkit TD-S"] = lambda classes, X: pytabkit(classes, "TD_S")
    for package, name in (("lightgbm", "LGBM"), ("xgboost", "XGB")):
        if importlib.util.find_spec(package) is not None:
            found[package] = lambda classes, X, package=package, name=name: encoded(
                getattr(importlib.import_module(package), f"{name}{'Classifier' if classes else 'Regressor'}")(), X
            )
    return found


def divided(classes: bool, X: Any, y: np.ndarray, split: int) -> tuple[Table, Table]:
    """Return what to learn from and what to be judged by; classes as numbers from 0."""
    order, many = np.random.default_rng(split).permutation(len(y)), int(SHARE * len(y))
    labels = np.unique(y, return_inverse=True)[1] if classes else y
    rows, held = order[many:], order[:many]
    return (X.iloc[rows], labels[rows]), (X.iloc[held], labels[held])


def fewer(X: Any, y: np.ndarray, quick: bool) -> Table:
    return (X.iloc[:QUICK_ROWS], y[:QUICK_ROWS]) if quick else (X, y)


def fit_memory(make: Callable[[bool, Any], Any], classes: bool, X: Any, y: np.ndarray) -> float:
    """Return what a fit on the first split adds to the peak of memory, MiB."""
    (X_rows, y_rows), _ = divided(classes, X, y, 0)
    model = make(classes, X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return machine.memory_of(lambda: model.fit(X_rows, y_rows))


def memory(name: str, who: str, folder: Path | None, quick: bool) -> float:
    """Return the same of a process that does nothing else."""
    command = [sys.executable, "-m", "benchmarks.tables", "--peak", name, who, *(["--quick"] if quick else [])]
    command += ["--data", str(folder.absolute())] if folder else []
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=CHECKOUT)
    if done.returncode:
        raise RuntimeError(f"{who} on {name} failed:\n{done.stderr}")
    return float(next(line for line in done.stdout.splitlines() if line.startswith(PEAK)).removeprefix(PEAK))


def judge(make: Callable[[bool, Any], Any], classes: bool, X: Any, y: np.ndarray, split: int) -> dict[str, float]:
    """Fit on a split's rows and return error and seconds."""
    (X_rows, y_rows), (X_held, y_held) = divided(classes, X, y, split)
    began = time.perf_counter()
    model = make(classes, X).fit(X_rows, y_rows)
    fitted = time.perf_counter()
    predicted = model.predict(X_held)
    done = time.perf_counter()
    if classes:
        error = float(np.mean(predicted != y_held))
    else:
        error = float(np.sqrt(np.mean((predicted - y_held) ** 2)) / np.std(y_held))
    return {"error": error, "fit": fitted - began, "predict": done - fitted}


def measure(
    chosen: Mapping[str, tuple[bool, Callable[[], Table]]],
    contestants: Mapping[str, Any],
    quick: bool,
    splits: int,
    folder: Path | None,
) -> dict[str, Any]:
    """Return for each table and model a list of results, one a split."""
    results: dict[str, Any] = {}
    for name, (classes, load) in chosen.items():
        X, y = fewer(*load(), quick)
        of_table: dict[str, list[dict[str, float]]] = {who: [] for who in contestants}
        for split in range(splits):
            for who, make in contestants.items():
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    of_table[who].append(judge(make, classes, X, y, split))
        used = {who: memory(name, who, folder, quick) for who in contestants}
        sizes = {"rows": len(y), "columns": X.shape[1]}
        results[name] = {"classes": classes, **sizes, "models": of_table, "memory": used}
        print(f"{name}: {len(y)} x {X.shape[1]}")
        for who, runs in of_table.items():
            errors, fits = [run["error"] for run in runs], [run["fit"] for run in runs]
            spent = f"{np.mean(fits):7.2f} s {used[who]:7.0f} MiB"
            print(f"  {who:22} {np.mean(errors):.4f} +- {np.std(errors):.4f}   {spent}", flush=True)
    return results


def lines(results: Mapping[str, Any]) -> list[str]:
    """Return the result as a table of the page."""
    names = list(dict.fromkeys(who for table in results.values() for who in table["models"]))
    out = [f"| table | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for name, table in results.items():
        cells = []
        for who in names:
            runs = table["models"].get(who)
            errors = [run["error"] for run in runs] if runs else []
            fit = np.mean([run["fit"] for run in runs]) if runs else 0.0
            used = table["memory"].get(who)
            cells.append(f"{np.mean(errors):.4f} ± {np.std(errors):.4f}, {fit:.1f} s, {used:.0f} MiB" if runs else "")
        out.append(f"| {name} ({table['rows']} x {table['columns']}) | {' | '.join(cells)} |")
    return out


def draw(results: Mapping[str, Any], path: Path) -> None:
    """Draw error by the best one's against seconds, a point for each model and table."""
    figure, axes = blank(7.5, 4.5)
    names = list(dict.fromkeys(who for table in results.values() for who in table["models"]))
    for i, who in enumerate(names):
        points = []
        for table in results.values():
            means = {w: np.mean([r["error"] for r in runs]) for w, runs in table["models"].items()}
            if who in means and min(means.values()) > 0:
                fit = np.mean([r["fit"] for r in table["models"][who]])
                points.append((fit, means[who] / min(means.values())))
        axes.scatter(*np.array(points).T, s=22, color=f"C{i}", alpha=0.8, label=who)
    axes.set(xscale="log", yscale="log", xlabel="seconds of a fit", ylabel="error by that of the best model")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize="small")
    figure.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables", description=__doc__)
    folder = os.environ.get("FASTDL_DATA")
    parser.add_argument("--data", metavar="FOLDER", type=Path, default=Path(folder) if folder else None)
    parser.add_argument("--only", metavar="TABLE", action="append", help="some tables")
    parser.add_argument("--splits", metavar="N", type=int, default=SPLITS)
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    keep.add_options(parser)
    options = parser.parse_args()
    keep.check_options(parser, options)
    if options.save is not None:
        check_picture()
    chosen = tables(options.data)
    if options.peak is not None:
        name, who = options.peak
        classes, load = chosen[name]
        print(f"{PEAK}{fit_memory(models(options.quick)[who], classes, *fewer(*load(), options.quick))}")
        return
    if options.data is None:
        print("no folder of data sets (--data or FASTDL_DATA): scikit-learn's own only")
    if options.only:
        unknown = set(options.only) - set(chosen)
        if unknown:
            parser.error(f"--only: expected some of {', '.join(chosen)}, got {', '.join(unknown)}")
        chosen = {name: chosen[name] for name in options.only}
    disturbance = Disturbance()
    splits = 1 if options.quick else options.splits
    results = measure(chosen, models(options.quick), options.quick, splits, options.data)
    if options.save is not None:
        how = "Made by `python -m benchmarks.tables --save`; error is 1 - accuracy, or RMSE by the target's deviation."
        text = keep.page("Models on tables", how, keep.facts_to_keep(), disturbance, lines(results))
        keep.keep(options.out, f"{options.save}-tables", results, text, lambda path: draw(results, path))


if __name__ == "__main__":
    main()
