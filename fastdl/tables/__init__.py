"""Networks on tables: columns of any kind in, a trained model out, without preparation and without scikit-learn.

`Frame` is a table by columns, `Preparation` turns it into numbers, `Settings` are the choices of RealMLP, `Model` is
what is trained and saved. `fastdl.TabularClassifier` and `TabularRegressor` are scikit-learn's view of it, the command
line is another.
"""

from fastdl.tables.frame import Frame
from fastdl.tables.model import Model
from fastdl.tables.preparation import Preparation
from fastdl.tables.saving import load
from fastdl.tables.settings import Settings

__all__ = ["Frame", "Model", "Preparation", "Settings", "load"]
