"""The estimators of tables inside scikit-learn."""

from typing import Any

import pytest

pytest.importorskip("sklearn")

from sklearn.utils.estimator_checks import parametrize_with_checks

import fastdl as fdl


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([fdl.TabularClassifier(), fdl.TabularRegressor()])
def test_every_check_of_estimators(estimator: Any, check: Any) -> None:
    check(estimator)
