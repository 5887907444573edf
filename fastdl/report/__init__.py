"""A run as one self-contained page of HTML: curves, signals, errors, and the command to repeat it."""

from fastdl.report.run import write_report

__all__ = ["write_report"]
