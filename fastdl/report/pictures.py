"""Pictures as SVG, which stays sharp, follows the page's colours, and needs no library.

A picture has the width of its card, and texts keep their size: places along the width are percentages, curves are drawn
in a frame of 1000 by 1000 that is stretched over it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from fastdl.report.axes import Axis
from fastdl.report.text import safe, width

Points = Sequence[tuple[float, float]]
LETTER = 7.7  # about the widest letter of a number, 12 px high
# Letters along the narrowest plot, and along one that is so wide that the style shows all ticks.
NARROW, USUAL = 24.0, 36.0
DOTS = ((30, 4.0, 0.9), (200, 3.0, 0.6), (math.inf, 2.2, 0.35))  # up to so many: radius and opacity

MOST_POINTS = 800  # of a curve


def plot(x: Axis, y: Axis, names: tuple[str, str], says: str, inside: str) -> str:
    """A frame with numbers around what is drawn.

    Parameters
    ----------
    x, y : Axis
    names : (str, str)
        Of the axes.
    says : str
        What the picture shows, for those who don't see it.
    inside : str
        SVG.
    """
    across, up, few = x.ticks(USUAL), y.ticks(), x.ticks(NARROW)
    shown = {round(place, 6) for place, _ in few.places}
    if not shown <= {round(place, 6) for place, _ in across.places}:
        across = few
    parts = []
    for place, text in up.places:
        level = f"{100.0 * (1.0 - place):.2f}%"
        parts.append(f'<line class="gridline" x1="0" x2="100%" y1="{level}" y2="{level}"/>')
        parts.append(f'<text class="tick" text-anchor="end" x="-6" y="{level}" dy="4">{text}</text>')
    for place, text in across.places:
        kind = "tick" if round(place, 6) in shown else "tick between"
        at = f'x="{100.0 * place:.2f}%" y="100%" dy="16"'
        parts.append(f'<text class="{kind}" text-anchor="middle" {at}>{text}</text>')
    left = math.ceil(12.0 + LETTER * max((width(text) for _, text in up.places), default=1.0))
    xname, yname = (noted(name, ticks.note) for name, ticks in zip(names, (across, up), strict=True))
    parts.append(f'<text class="name" text-anchor="middle" x="50%" y="100%" dy="34">{safe(xname)}</text>')
    if yname:
        parts.append(f'<text class="name" x="{-left}" y="-11">{safe(yname)}</text>')
    return (
        f'<svg class="plot" style="--left:{left}px" role="img" aria-label="{safe(says)}">{"".join(parts)}{inside}</svg>'
    )


def noted(name: str, note: str) -> str:
    """The name of an axis with what its numbers leave out."""
    return f"{name} ({note})" if name and note else name or note


def stretched(inside: str) -> str:
    """A frame of 1000 by 1000 over the whole picture."""
    return f'<svg viewBox="0 0 1000 1000" preserveAspectRatio="none" width="100%" height="100%">{inside}</svg>'


def finite(points: Points) -> Points:
    """The points that have a place."""
    return [(a, b) for a, b in points if math.isfinite(a) and math.isfinite(b)]


def path(x: Axis, y: Axis, points: Points) -> str:
    """Points for a line in the stretched frame."""
    return " ".join(f"{1000.0 * x.place(a):.1f},{1000.0 * (1.0 - y.place(b)):.1f}" for a, b in points)


def circle(x: Axis, y: Axis, point: tuple[float, float], radius: float, style: str = 'class="c0"') -> str:
    """A dot."""
    across, down = 100.0 * x.place(point[0]), 100.0 * (1.0 - y.place(point[1]))
    return f'<circle {style} r="{radius:g}" cx="{across:.2f}%" cy="{down:.2f}%"/>'


def cloud(x: Axis, y: Axis, points: Points) -> str:
    """Dots, the smaller and fainter the more there are."""
    radius, opacity = next((radius, opacity) for most, radius, opacity in DOTS if len(points) <= most)
    return "".join(circle(x, y, point, radius, f'class="c0" fill-opacity="{opacity:g}"') for point in points)


def curves(
    series: Mapping[str, Sequence[Sequence[float]]], name: str, log: bool = False, mark: int | None = None
) -> str:
    """Quantities over epochs.

    Parameters
    ----------
    series : mapping of str to sequence of sequence of float
        For each quantity a curve of each member, of which the first is drawn thick.
    name : str
        What is shown.
    log : bool
        Whether it is on a logarithmic axis, if it is positive.
    mark : int, optional
        An epoch to draw a line at.
    """
    numbers = [value for members in series.values() for values in members for value in values if math.isfinite(value)]
    log = log and min(numbers, default=0.0) > 0.0
    quantity = name.lower() + ", logarithmic scale" * log
    longest = max((len(values) for members in series.values() for values in members), default=0)
    x, y = Axis.over([0.0, max(longest - 1.0, 0.0)], whole=True), Axis.over(numbers, log)
    drawn, dots = [], []
    if mark is not None:
        at = f"{1000.0 * x.place(mark):.1f}"
        drawn.append(f'<line class="mark" x1="{at}" x2="{at}" y1="0" y2="1000"/>')
    for place, members in enumerate(series.values()):
        for member, values in reversed(list(enumerate(members))):
            kind = f"c{place}" + " thin" * (member > 0)
            for run in map(thinned, runs(values)):
                if len(run) > 1:
                    drawn.append(f'<polyline class="line {kind}" points="{path(x, y, run)}"/>')
                else:
                    dots.append(circle(x, y, run[0], 3.0, f'class="{kind}"'))
    said = f"{name} over {longest} epochs: " + "; ".join(
        f"{label} {spoken(members[0])}" for label, members in series.items()
    )
    picture = plot(x, y, ("epoch", quantity), said, stretched("".join(drawn)) + "".join(dots))
    return picture + legend(list(series)) * (len(series) > 1)


def runs(values: Sequence[float]) -> list[list[tuple[float, float]]]:
    """The stretches of a curve between its gaps."""
    points = [(float(place), value) for place, value in enumerate(values)]
    return [list(run) for there, run in groupby(points, lambda point: math.isfinite(point[1])) if there]


def thinned(run: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The curve itself, or of very many points the least and the largest of each bucket, which look the same."""
    if len(run) <= MOST_POINTS:
        return run
    size, found = -(-2 * len(run) // MOST_POINTS), []
    for start in range(0, len(run), size):
        bucket = run[start : start + size]
        found += sorted({min(bucket, key=itemgetter(1)), max(bucket, key=itemgetter(1))})
    return found


def spoken(values: Sequence[float]) -> str:
    """A curve in words."""
    there = [value for value in values if math.isfinite(value)]
    if not there:
        return "has no values"
    return f"from {there[0]:.3g} to {there[-1]:.3g}, between {min(there):.3g} and {max(there):.3g}"


def legend(names: Sequence[str]) -> str:
    """What the colours mean."""
    items = "".join(f'<li><i class="c{place}"></i>{safe(name)}</li>' for place, name in enumerate(names))
    return f'<ul class="legend">{items}</ul>'


def beside_diagonal(points: Points, names: tuple[str, str], says: str, joined: bool) -> str:
    """Points beside the line on which both numbers are equal: a cloud, or joined to a curve."""
    points = finite(points)
    every = [value for point in points for value in point] or [0.0]
    x, y = Axis.over(every), Axis.over(every)
    ends = [(value, value) for value in (min(every), max(every))]
    drawn = f'<polyline class="mark" points="{path(x, y, ends)}"/>'
    if joined:
        drawn += f'<polyline class="line c0" points="{path(x, y, points)}"/>'
    dots = "".join(circle(x, y, point, 3.0) for point in points) if joined else cloud(x, y, points)
    return plot(x, y, names, says, stretched(drawn) + dots)


def about_zero(points: Points, names: tuple[str, str], says: str) -> str:
    """A cloud beside the line on which the second number is 0."""
    points = finite(points)
    x, y = Axis.over(a for a, _ in points), Axis.over([*(b for _, b in points), 0.0])
    level = f"{100.0 * (1.0 - y.place(0.0)):.2f}%"
    line = f'<line class="mark" x1="0" x2="100%" y1="{level}" y2="{level}"/>'
    return plot(x, y, names, says, line + cloud(x, y, points))


def bars(values: Mapping[str, tuple[float, float, str]], heading: str) -> str:
    """A table of numbers with bars, the first at the top.

    Parameters
    ----------
    values : mapping of str to (float, float, str)
        By name, as HTML: mean, deviation, and both as text.
    heading : str
        Of the numbers.
    """
    reach = [bound for mean, std, _ in values.values() for bound in (mean - std, mean + std, 0.0)]
    x = Axis.over(reach, air=0.0)
    zero = f'<line class="zero" x1="{100 * x.place(0.0):.2f}%" x2="{100 * x.place(0.0):.2f}%" y1="0" y2="100%"/>'
    rows = []
    for name, (mean, std, text) in values.items():
        low, high = sorted((100.0 * x.place(0.0), 100.0 * x.place(mean)))
        bar = f'<rect x="{low:.2f}%" y="20%" width="{high - low:.2f}%" height="60%"/>'
        if std > 0.0:
            a, b = 100.0 * x.place(mean - std), 100.0 * x.place(mean + std)
            bar += f'<line class="spread" x1="{a:.2f}%" x2="{b:.2f}%" y1="50%" y2="50%"/>'
        rows.append(
            f'<tr><th scope="row">{name}</th><td class="num">{text}</td>'
            f'<td><svg aria-hidden="true">{bar}{zero}</svg></td></tr>'
        )
    head = f'<tr><th scope="col">column</th><th scope="col" class="num" colspan="2">{safe(heading)}</th></tr>'
    return f'<table class="bars"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'
