"""What watches a training: the hooks, early stopping, log files, a clock, members of an ensemble, signals."""

from fastdl.callbacks.callback import Callback
from fastdl.callbacks.csv_logger import CSVLogger
from fastdl.callbacks.early_stopping import EarlyStopping
from fastdl.callbacks.probe import Probe
from fastdl.callbacks.signal_monitor import SignalMonitor
from fastdl.callbacks.snapshot import Snapshot
from fastdl.callbacks.tensorboard import TensorBoard
from fastdl.callbacks.terminate_on_time import TerminateOnTime

__all__ = [
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "Probe",
    "SignalMonitor",
    "Snapshot",
    "TensorBoard",
    "TerminateOnTime",
]
