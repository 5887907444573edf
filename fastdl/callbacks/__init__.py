"""What watches a training: the hooks, early stopping, a log file, members of an ensemble."""

from fastdl.callbacks.callback import Callback
from fastdl.callbacks.csv_logger import CSVLogger
from fastdl.callbacks.early_stopping import EarlyStopping
from fastdl.callbacks.snapshot import Snapshot

__all__ = ["CSVLogger", "Callback", "EarlyStopping", "Snapshot"]
