"""Estimators for scikit-learn, which this package needs and the rest of fastdl does not."""

try:
    import sklearn.utils.validation  # noqa: F401  (only to see whether it is there)
except ImportError as error:
    raise ImportError(
        'fastdl.MLPClassifier, TabularClassifier and their kin need scikit-learn: pip install "fastdl-nn[sklearn]"'
    ) from error

from fastdl.estimators.classifier import MLPClassifier
from fastdl.estimators.regressor import MLPRegressor
from fastdl.estimators.tabular import TabularClassifier, TabularRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "TabularClassifier", "TabularRegressor"]
