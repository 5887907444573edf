"""Pictures of measurements, where matplotlib is installed."""

from __future__ import annotations

from typing import Any


def check_picture() -> None:
    """Say before the measurement, and not after it, that there will be no picture."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise ImportError('a picture needs matplotlib: pip install "fastdl-nn[plot]"') from error


def blank(width: float, height: float, columns: int = 1) -> tuple[Any, Any]:
    """Return a figure and its axes, a row of so many."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, columns)
