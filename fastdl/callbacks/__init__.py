"""What watches a training: the hooks, early stopping, a log file, members of an ensemble, signals."""

from fastdl.callbacks.callback import Callback
from fastdl.callbacks.csv_logger import CSVLogger
from fastdl.callbacks.early_stopping import EarlyStopping
from fastdl.callbacks.probe import Probe
from fastdl.callbacks.signal_monitor import SignalMonitor
from fastdl.callbacks.snapshot import Snapshot

__all__ = ["CSVLogger", "Callback", "EarlyStopping", "Probe", "SignalMonitor", "Snapshot"]
