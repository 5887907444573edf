"""What watches a training: the hooks, early stopping, a log file."""

from fastdl.callbacks.callback import Callback
from fastdl.callbacks.csv_logger import CSVLogger
from fastdl.callbacks.early_stopping import EarlyStopping

__all__ = ["CSVLogger", "Callback", "EarlyStopping"]
