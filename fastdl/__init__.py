"""Neural networks on CPUs: every classic training trick, in native code, without a BLAS and without a framework."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastdl.config import __version__, show_config
from fastdl.errors import NonFiniteError

if TYPE_CHECKING:
    from fastdl import callbacks, datasets, init, kernels, losses, metrics, nn, optim, schedule
    from fastdl.diagnosis import diagnose
    from fastdl.ensemble import Ensemble
    from fastdl.estimators import MLPClassifier as MLPClassifier
    from fastdl.estimators import MLPRegressor as MLPRegressor
    from fastdl.estimators import TabularClassifier as TabularClassifier
    from fastdl.estimators import TabularRegressor as TabularRegressor
    from fastdl.gradient_check import gradcheck
    from fastdl.history import History
    from fastdl.kernels._team import get_num_threads, set_num_threads
    from fastdl.penalty import L1, L1L2, L2
    from fastdl.range_test import lr_find
    from fastdl.trainer import Trainer

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "Ensemble",
    "History",
    "NonFiniteError",
    "Trainer",
    "__version__",
    "callbacks",
    "datasets",
    "diagnose",
    "get_num_threads",
    "gradcheck",
    "init",
    "kernels",
    "losses",
    "lr_find",
    "metrics",
    "nn",
    "optim",
    "schedule",
    "set_num_threads",
    "show_config",
]

# Names that are imported when they are first used, so that `import fastdl` costs a script next to nothing.
_HOMES = {
    "Ensemble": "fastdl.ensemble",
    "diagnose": "fastdl.diagnosis",
    "gradcheck": "fastdl.gradient_check",
    "History": "fastdl.history",
    "L1": "fastdl.penalty",
    "L1L2": "fastdl.penalty",
    "L2": "fastdl.penalty",
    "MLPClassifier": "fastdl.estimators",
    "MLPRegressor": "fastdl.estimators",
    "TabularClassifier": "fastdl.estimators",
    "TabularRegressor": "fastdl.estimators",
    "Trainer": "fastdl.trainer",
    "get_num_threads": "fastdl.kernels._team",
    "lr_find": "fastdl.range_test",
    "set_num_threads": "fastdl.kernels._team",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        globals()[name] = getattr(import_module(_HOMES[name]), name)
        return globals()[name]
    if name in __all__:
        return import_module(f"fastdl.{name}")
    raise AttributeError(f"module 'fastdl' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_HOMES})
