"""Pictures that belong to no window and to no pyplot state: they work without a display and from any thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(owner: str, width: float, height: float) -> Figure:
    """An empty figure, sized in inches; without matplotlib an error that says what the owner needs."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(f'{owner} needs matplotlib: pip install "fastdl-nn[plot]"') from error
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure
