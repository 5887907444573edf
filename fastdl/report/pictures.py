"""Pictures as SVG, which stays sharp, follows the page's colours, and needs no library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from fastdl.report.axes import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Axis, number

Points = Sequence[tuple[float, float]]
COLOURS = 8  # classes of strokes that the page knows


def frame(inside: str, title: str, height: float = HEIGHT) -> str:
    """A picture with its name for those who don't see it."""
    return (
        f'<svg viewBox="0 0 {WIDTH:g} {height:g}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{inside}</svg>"
    )


def grid(x: Axis, y: Axis, xlabel: str, ylabel: str = "") -> str:
    """Lines, numbers and names of both axes."""
    parts = []
    for place, text in y.ticks():
        parts.append(f'<line class="grid" x1="{LEFT:g}" x2="{WIDTH - RIGHT:g}" y1="{place:.1f}" y2="{place:.1f}"/>')
        parts.append(f'<text class="tick" text-anchor="end" x="{LEFT - 6:g}" y="{place + 3.5:.1f}">{text}</text>')
    for place, text in x.ticks():
        parts.append(
            f'<text class="tick" text-anchor="middle" x="{place:.1f}" y="{HEIGHT - BOTTOM + 15:g}">{text}</text>'
        )
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text class="name" text-anchor="middle" x="{middle:g}" y="{HEIGHT - 8:g}">{escape(xlabel)}</text>')
    if ylabel:
        at = (TOP + HEIGHT - BOTTOM) / 2
        turned = f"translate(11 {at:g}) rotate(-90)"
        parts.append(f'<text class="name" text-anchor="middle" transform="{turned}">{escape(ylabel)}</text>')
    return "".join(parts)


def axes_of(points: Points, log: bool = False, zero: bool = False) -> tuple[Axis, Axis]:
    """Both axes of points."""
    x = Axis.over([a for a, _ in points], LEFT, WIDTH - RIGHT)
    return x, Axis.over([b for _, b in points], HEIGHT - BOTTOM, TOP, log, zero)


def lines(series: Mapping[str, Points], title: str, xlabel: str, log: bool = False, mark: float | None = None) -> str:
    """Curves; `mark` is a place on the x axis, such as the best epoch."""
    every = [point for points in series.values() for point in points if math.isfinite(point[1])]
    x, y = axes_of(every, log)
    parts = [grid(x, y, xlabel)]
    if mark is not None:
        at = x.place(mark)
        parts.append(f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP:g}" y2="{HEIGHT - BOTTOM:g}"/>')
    for i, points in enumerate(series.values()):
        path = " ".join(
            f"{x.place(a):.1f},{y.place(b):.1f}" for a, b in points if math.isfinite(b) and (b > 0 or not log)
        )
        parts.append(f'<polyline class="line c{i % COLOURS}" points="{path}"/>')
    return frame("".join(parts), title) + legend(list(series)) * (len(series) > 1)


def legend(names: Sequence[str]) -> str:
    """What the colours mean."""
    items = "".join(f'<li><i class="c{i % COLOURS}"></i>{escape(name)}</li>' for i, name in enumerate(names))
    return f'<ul class="legend">{items}</ul>'


def bars(values: Mapping[str, tuple[float, float]], title: str, xlabel: str) -> str:
    """Horizontal bars with their spread, the first at the top."""
    room, left = 22.0, 150.0
    height = TOP + room * len(values) + BOTTOM
    reach = [bound for mean, spread in values.values() for bound in (mean - spread, mean + spread)]
    x = Axis.over(reach, left, WIDTH - RIGHT, zero=True)
    parts = []
    for place, text in x.ticks():
        parts.append(f'<line class="grid" x1="{place:.1f}" x2="{place:.1f}" y1="{TOP:g}" y2="{height - BOTTOM:g}"/>')
        parts.append(
            f'<text class="tick" text-anchor="middle" x="{place:.1f}" y="{height - BOTTOM + 15:g}">{text}</text>'
        )
    for i, (name, (mean, spread)) in enumerate(values.items()):
        y = TOP + room * i
        low, high = sorted((x.place(0.0), x.place(mean)))
        shown = name if len(name) <= 22 else name[:21] + "\u2026"
        parts.append(f'<text class="tick" text-anchor="end" x="{left - 6:g}" y="{y + 14:.1f}">{escape(shown)}</text>')
        parts.append(
            f'<rect class="bar" x="{low:.1f}" y="{y + 4:.1f}" width="{max(high - low, 0.5):.1f}" height="13"/>'
        )
        if spread > 0:
            a, b = x.place(mean - spread), x.place(mean + spread)
            parts.append(f'<line class="spread" x1="{a:.1f}" x2="{b:.1f}" y1="{y + 10.5:.1f}" y2="{y + 10.5:.1f}"/>')
    middle = (left + WIDTH - RIGHT) / 2
    parts.append(f'<text class="name" text-anchor="middle" x="{middle:g}" y="{height - 8:g}">{escape(xlabel)}</text>')
    return frame("".join(parts), title, height)


def scatter(points: Points, title: str, xlabel: str, ylabel: str) -> str:
    """Points beside the line on which both numbers are equal."""
    every = [value for point in points for value in point]
    x, y = Axis.over(every, LEFT, WIDTH - RIGHT), Axis.over(every, HEIGHT - BOTTOM, TOP)
    ends = [min(every), max(every)]
    diagonal = " ".join(f"{x.place(value):.1f},{y.place(value):.1f}" for value in ends)
    dots = "".join(f'<circle class="dot" r="2" cx="{x.place(a):.1f}" cy="{y.place(b):.1f}"/>' for a, b in points)
    inside = grid(x, y, xlabel, ylabel) + f'<polyline class="mark" points="{diagonal}"/>' + dots
    return frame(inside, title)


def calibration(points: Points, title: str, xlabel: str, ylabel: str) -> str:
    """A curve that should be the diagonal."""
    every = [value for point in points for value in point]
    x, y = Axis.over(every, LEFT, WIDTH - RIGHT), Axis.over(every, HEIGHT - BOTTOM, TOP)
    ends = [min(every), max(every)]
    diagonal = " ".join(f"{x.place(value):.1f},{y.place(value):.1f}" for value in ends)
    path = " ".join(f"{x.place(a):.1f},{y.place(b):.1f}" for a, b in points)
    dots = "".join(f'<circle class="knot" r="3" cx="{x.place(a):.1f}" cy="{y.place(b):.1f}"/>' for a, b in points)
    inside = f'<polyline class="mark" points="{diagonal}"/><polyline class="line c0" points="{path}"/>{dots}'
    return frame(grid(x, y, xlabel, ylabel) + inside, title)


def confusion(counts: Sequence[Sequence[int]], names: Sequence[str], title: str) -> str:
    """A table of true classes (rows) and predicted ones, the darker the more of a row."""
    head = "".join(f"<th scope='col'>{escape(short(name))}</th>" for name in names)
    rows = []
    for name, row in zip(names, counts, strict=True):
        total = max(sum(row), 1)
        cells = "".join(
            f'<td style="--share:{count / total:.3f}" class="{"high" if count > 0.5 * total else ""}">{count}</td>'
            for count in row
        )
        rows.append(f"<tr><th scope='row'>{escape(short(name))}</th>{cells}</tr>")
    return (
        f'<div class="wide"><table class="confusion"><caption>{escape(title)}</caption>'
        f"<tr><td></td>{head}</tr>{''.join(rows)}</table></div>"
    )


def short(name: str) -> str:
    """A name that fits into a cell."""
    return name if len(name) <= 12 else name[:11] + "\u2026"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Words in rows and columns."""
    top = "".join(f"<th scope='col'>{escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def plain(value: float) -> str:
    """A number for a table; nothing where there is none."""
    return "" if math.isnan(value) else number(float(f"{value:.4g}"))
