"""The estimators of tables inside scikit-learn."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

import fastdl as fdl


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([fdl.TabularClassifier(), fdl.TabularRegressor()])
def test_every_check_of_estimators(estimator: Any, check: Any) -> None:
    check(estimator)


RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
LABELS = np.where(X[:, 0] > 0, "yes", "no")


def quick(**options: Any) -> fdl.TabularClassifier:
    return fdl.TabularClassifier(**{"preset": "simple", "epochs": 3, "hidden_layer_sizes": (8,), **options})


def test_any_setting_may_be_given() -> None:
    model = quick(preset="default", settings={"waves": 2}).set_params(settings={"waves": 0, "data_init": True})
    assert clone(model).get_params()["settings"] == {"waves": 0, "data_init": True}
    fitted = model.fit(X, LABELS)
    assert fitted.model_.settings.waves == 0 and fitted.model_.settings.data_init
    plain = clone(model).set_params(settings=None).fit(X, LABELS)
    assert plain.model_.settings.waves == 16
    assert (plain.predict_proba(X) != fitted.predict_proba(X)).any()


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"wave": 3}, ValueError, "settings.*did you mean 'waves'"),
        ({"epochs": 3}, ValueError, "settings: 'epochs' is set by the parameter 'epochs'"),
        ({"hidden": (3,)}, ValueError, "'hidden' is set by the parameter 'hidden_layer_sizes'"),
        ({"task": "regression"}, ValueError, "settings.*'task'"),
        ({"waves": -1}, ValueError, "waves"),
        ({"beta2": "x"}, TypeError, "beta2"),
        ([("waves", 3)], TypeError, "settings.*list"),
        ({3: 3}, ValueError, "settings.*3"),
    ],
    ids=str,
)
def test_settings_that_will_not_do(settings: Any, error: type[Exception], words: str) -> None:
    model = quick(settings=settings)
    with pytest.raises(error, match=words):
        model.fit(X, LABELS)
    assert not hasattr(model, "model_") and not hasattr(model, "n_features_in_")
