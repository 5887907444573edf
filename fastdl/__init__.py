"""Neural networks on CPUs: every classic training trick, in native code, without a BLAS and without a framework."""

from fastdl import callbacks, datasets, init, kernels, losses, metrics, nn, optim, schedule
from fastdl.config import __version__, show_config
from fastdl.errors import NonFiniteError
from fastdl.history import History
from fastdl.kernels._team import get_num_threads, set_num_threads
from fastdl.trainer import Trainer

__all__ = [
    "History",
    "NonFiniteError",
    "Trainer",
    "__version__",
    "callbacks",
    "datasets",
    "get_num_threads",
    "init",
    "kernels",
    "losses",
    "metrics",
    "nn",
    "optim",
    "schedule",
    "set_num_threads",
    "show_config",
]
