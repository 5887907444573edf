"""The estimators inside scikit-learn: its checks of estimators, its tools, and its own tests of its MLP."""

import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import run_python

sklearn = pytest.importorskip("sklearn")

from joblib import parallel_backend  # noqa: E402
from sklearn.calibration import CalibratedClassifierCV  # noqa: E402
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor  # noqa: E402
from sklearn.ensemble import BaggingClassifier, BaggingRegressor, VotingClassifier  # noqa: E402
from sklearn.inspection import permutation_importance  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate  # noqa: E402
from sklearn.neural_network import MLPClassifier  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import MinMaxScaler, StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

import fastdl as fdl  # noqa: E402
from fastdl import datasets  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = datasets.load_digits()
X, y = X[:300].astype(np.float64), y[:300]
QUICK: dict[str, Any] = {"hidden_layer_sizes": (32,), "max_iter": 40, "random_state": 0, "batch_size": 32}


def quick(**more: Any) -> Any:
    return make_pipeline(MinMaxScaler(), fdl.MLPClassifier(**{**QUICK, **more}))


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([fdl.MLPClassifier(), fdl.MLPRegressor()])
def test_every_check_of_estimators(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [
        fdl.MLPClassifier(20, solver="lbfgs", max_iter=50),
        fdl.MLPClassifier((12, 12), optimizer="adamw", norm="layer", dropout=0.1, activation="gelu", residual=True),
    ]
)
def test_checks_of_other_settings(estimator: Any, check: Any) -> None:
    name = getattr(check, "func", check).__name__
    if "sample_weight_equivalence" in name and estimator.dropout:
        pytest.skip("each row has dropout of its own: twice a row is not the row with twice the weight")
    check(estimator)


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_grid_search_in_two_workers(backend: str) -> None:
    grid = {"mlpclassifier__dropout": [0.0, 0.2], "mlpclassifier__alpha": [1e-4, 1e-1]}
    found = []
    for jobs in (1, 2):
        with parallel_backend(backend, n_jobs=jobs):
            search = GridSearchCV(quick(), grid, cv=2, n_jobs=jobs).fit(X, y)
        found.append(search.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(found[0], found[1])
    assert found[0].max() > 0.8


def test_cross_validation_and_regression_in_a_pipeline() -> None:
    assert cross_val_score(quick(), X, y, cv=3, n_jobs=2).mean() > 0.8
    target = X[:, :20].sum(axis=1) * 100.0
    inner = make_pipeline(StandardScaler(), fdl.MLPRegressor(solver="lbfgs", **QUICK))
    model = TransformedTargetRegressor(inner, transformer=StandardScaler())
    assert cross_val_score(model, X, target, cv=3).mean() > 0.9


def test_ensembles_calibration_and_importance() -> None:
    voting = VotingClassifier([("mlp", quick()), ("linear", LogisticRegression(max_iter=200))], voting="soft")
    bagging = BaggingClassifier(quick(), n_estimators=3, random_state=0, n_jobs=2)
    calibrated = CalibratedClassifierCV(quick(), cv=2)
    for model in (voting, bagging, calibrated):
        model.fit(X[:200], y[:200])
        assert model.score(X[200:], y[200:]) > 0.75
        np.testing.assert_allclose(model.predict_proba(X[:5]).sum(axis=1), 1.0)
    assert BaggingRegressor(fdl.MLPRegressor(**QUICK), n_estimators=2).fit(X / 16, y).score(X / 16, y) > 0.2
    importance = permutation_importance(voting, X[200:], y[200:], n_repeats=2, random_state=0, n_jobs=2)
    assert importance.importances_mean.max() > 0.0


def test_frames_and_feature_names() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=[f"p{i}" for i in range(64)])
    columns = ColumnTransformer([("scaled", MinMaxScaler(), list(frame.columns[:60]))], remainder="passthrough")
    model = make_pipeline(columns.set_output(transform="pandas"), fdl.MLPClassifier(**QUICK)).fit(frame, y)
    assert model[-1].feature_names_in_[0] == "scaled__p0" and model.score(frame, y) > 0.8
    with pytest.raises(ValueError, match="feature names"):
        fdl.MLPClassifier(**QUICK).fit(frame, y).predict(frame.rename(columns={"p0": "other"}))
    with pytest.warns(UserWarning, match="feature names"):
        fdl.MLPClassifier(**QUICK).fit(frame, y).predict(X)


def test_metadata_routing_of_weights() -> None:
    with sklearn.config_context(enable_metadata_routing=True):
        asks = fdl.MLPClassifier(**QUICK).set_fit_request(sample_weight=True)
        given = np.where(y == 3, 5.0, 1.0)
        model = make_pipeline(MinMaxScaler(), asks).fit(X, y, sample_weight=given)
        by_hand = fdl.MLPClassifier(**QUICK).fit(MinMaxScaler().fit_transform(X), y, sample_weight=given)
        np.testing.assert_array_equal(model.predict_proba(X), by_hand.predict_proba(MinMaxScaler().fit_transform(X)))
        scores = cross_validate(
            make_pipeline(MinMaxScaler(), asks.set_score_request(sample_weight=True)),
            X,
            y,
            cv=2,
            params={"sample_weight": given},
        )
    assert scores["test_score"].min() > 0.7


def test_pickles_go_to_another_process(tmp_path: Path) -> None:
    model = quick().fit(X, y)
    code = """
import pathlib, pickle
folder = pathlib.Path({path!r})
m, x = pickle.loads((folder / "model.pkl").read_bytes())
(folder / "proba").write_bytes(m.predict_proba(x).tobytes())
"""
    (tmp_path / "model.pkl").write_bytes(pickle.dumps((model, X)))
    run_python(code.format(path=str(tmp_path)))
    assert (tmp_path / "proba").read_bytes() == model.predict_proba(X).tobytes()


def test_import_of_fastdl_does_not_import_scikit_learn() -> None:
    code = "import sys, fastdl, fastdl.nn, fastdl.trainer; print('sklearn' in sys.modules, 'scipy' in sys.modules)"
    assert run_python(code).stdout.split() == ["False", "False"]
    hidden = "import sys; sys.modules['sklearn'] = None\nimport fastdl\nfastdl.MLPClassifier"
    failed = run_python(hidden, check=False)
    assert (
        failed.returncode != 0
        and "ImportError" in failed.stderr
        and 'pip install "fastdl-nn[sklearn]"' in failed.stderr
    )


# ------------------------------------------------------------------------------------- scikit-learn's own tests

PRIVATE = {  # they look at attributes with an underscore in front; docs/sklearn.md lists them
    "test_learning_rate_warmstart": "_optimizer",
    "test_gradient": "_loss_grad_lbfgs",
    "test_adaptive_learning_rate": "_optimizer",
}
CONFTEST = "import pytest\n\n@pytest.fixture(params=[42])\ndef global_random_seed(request):\n    return request.param\n"


@pytest.mark.slow
def test_their_own_tests_pass_with_these_classes(tmp_path: Path) -> None:
    theirs = Path(sys.modules[MLPClassifier.__module__].__file__).parent / "tests" / "test_mlp.py"
    if not theirs.exists():
        pytest.skip("this scikit-learn came without its tests")
    line = "from sklearn.neural_network import MLPClassifier, MLPRegressor"
    source = theirs.read_text()
    assert source.count(line) == 1
    (tmp_path / "test_mlp.py").write_text(source.replace(line, "from fastdl import MLPClassifier, MLPRegressor"))
    (tmp_path / "conftest.py").write_text(CONFTEST)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rfE", "--tb=no", "test_mlp.py"]
    out = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stdout
    failed = set(re.findall(r"^(?:FAILED|ERROR) test_mlp.py::(\w+)", out, re.M))
    passed = int(re.search(r"(\d+) passed", out)[1])
    assert failed <= set(PRIVATE), out
    assert passed >= 0.85 * (passed + len(failed)) and passed > 40, out
    text = (Path(__file__).parents[1] / "docs" / "sklearn.md").read_text()
    assert all(name in text and attribute in text for name, attribute in PRIVATE.items())
