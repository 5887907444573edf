"""``python -m benchmarks.scaling``: how the cost of training grows with rows, epochs, width, depth and batch.

Each factor is varied over two decades while the others stay. A slope is that of the logarithm of the time over the
logarithm of the factor: 1 where cost is proportional, 2 for the width, since weights grow with its square, and less
where fixed costs still show. The first slope is over the whole range, the second over its upper half, where fixed costs
no longer count. A batch twice as large makes half as many steps of an epoch, so that its slope would be 0 if a step
cost nothing but its rows.

The network is Dense, batch norm, ReLU a layer, trained by Adam on one thread unless told otherwise. Rounds go through
all points in turns; a time is the least of its rounds.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

import fastdl as fdl
from benchmarks import keep, machine, picture
from benchmarks.compare import normal
from fastdl import nn, optim

FEATURES, CLASSES = 32, 10


@dataclass(frozen=True)
class Size:
    """What a training's cost depends on."""

    rows: int = 4096
    epochs: int = 1
    width: int = 64
    depth: int = 2
    batch: int = 64


@dataclass
class Sweep:
    """A factor, its values, and the seconds of a fit at each."""

    factor: str
    sizes: list[Size]
    expected: str
    seconds: list[float] = field(default_factory=list)

    @property
    def values(self) -> list[int]:
        """Those of the factor."""
        return [getattr(size, self.factor) for size in self.sizes]

    def slope(self, first: int = 0) -> float:
        """Least squares through the logarithms, from a point on."""
        x, y = np.log(self.values[first:]), np.log(self.seconds[first:])
        return float(np.polyfit(x, y, 1)[0])

    def line(self) -> str:
        """For the table."""
        cells = "".join(f"{1e3 * one:>10.2f}" for one in self.seconds)
        return (
            f"{self.factor:<7}{self.slope():>7.2f}{self.slope(len(self.sizes) // 2):>8.2f}  {self.expected:<9}{cells}"
        )


def decades(least: int, points: int) -> list[int]:
    """Whole numbers over two decades, evenly spread by their ratios."""
    return [round(least * 100 ** (i / (points - 1))) for i in range(points)]


def sweeps(points: int) -> list[Sweep]:
    """All factors."""
    return [
        Sweep("rows", [Size(rows=rows) for rows in decades(1000, points)], "1"),
        Sweep("epochs", [Size(rows=1024, epochs=epochs) for epochs in decades(1, points)], "1"),
        Sweep("width", [Size(rows=512, width=width) for width in decades(16, points)], "to 2"),
        Sweep("depth", [Size(rows=1024, depth=depth) for depth in decades(1, points)], "to 1"),
        Sweep("batch", [Size(rows=8192, batch=batch) for batch in decades(8, points)], "-1 to 0"),
    ]


class Fit:
    """A trainer that has its programs already, and its data."""

    def __init__(self, size: Size, threads: int) -> None:
        layers = [layer for _ in range(size.depth) for layer in (nn.Dense(size.width), nn.BatchNorm(), nn.ReLU())]
        self.size = size
        self.trainer = fdl.Trainer(nn.Sequential(*layers, nn.Dense(CLASSES)), optimizer=optim.Adam(), threads=threads)
        self.rows, self.labels = normal((size.rows, FEATURES)), np.arange(size.rows) % CLASSES

    def seconds(self) -> float:
        """Time of a fit."""
        start = perf_counter()
        self.trainer.fit(self.rows, self.labels, self.size.epochs, self.size.batch, progress=False)
        return perf_counter() - start


def measure(all_sweeps: Sequence[Sweep], rounds: int, threads: int) -> None:
    """Fill in the seconds. Every point is measured in every round; the first fit of each, which compiles, is not."""
    for sweep in all_sweeps:
        fits = [Fit(size, threads) for size in sweep.sizes]
        for fit in fits:
            fit.seconds()
        sweep.seconds = [math.inf] * len(fits)
        for _ in range(rounds):
            for place, fit in enumerate(fits):
                sweep.seconds[place] = min(sweep.seconds[place], fit.seconds())


def draw(path: Path, title: str, all_sweeps: Sequence[Sweep]) -> None:
    """Time over each factor, both logarithmic, with its slope."""
    figure, axes = picture.blank(2.6 * len(all_sweeps), 3.2, len(all_sweeps))
    for place, (one, sweep) in enumerate(zip(axes, all_sweeps, strict=True)):
        one.plot(sweep.values, [1e3 * seconds for seconds in sweep.seconds], "o-", color="C0", markersize=4)
        one.set(xscale="log", yscale="log", xlabel=sweep.factor)
        one.set_title(f"slope {sweep.slope():.2f}, upper half {sweep.slope(len(sweep.sizes) // 2):.2f}", fontsize=8)
        one.grid(color="0.92", linewidth=0.6)
        if place == 0:
            one.set_ylabel("ms a fit")
    figure.suptitle(title, fontsize=10)
    figure.savefig(path, dpi=110)


def main(arguments: list[str] | None = None) -> None:
    """Measure, print and, if it is asked for, keep."""
    summary_line, _, how = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=summary_line)
    parser.add_argument("--threads", type=int, default=1, help="most threads of a fit (default 1)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds through all points (default 5)")
    parser.add_argument("--points", type=int, default=9, help="values of each factor, at least 4 (default 9)")
    keep.add_options(parser)
    options = parser.parse_args(arguments)
    keep.check_options(parser, options)
    if options.points < 4:
        parser.error(f"--points must be at least 4, got {options.points}")
    if options.quick:
        options.rounds, options.points = 1, 4
    if options.save:
        picture.check_picture()
    facts = keep.facts_to_keep(threads=str(options.threads))
    print(machine.describe(facts), end="\n\n")
    disturbance = machine.Disturbance()
    found = sweeps(options.points)
    measure(found, options.rounds, options.threads)
    lines = [f"{'factor':<7}{'slope':>7}{'upper':>8}  {'expected':<9}{'ms a fit at each value':>30}"]
    for sweep in found:
        lines += [f"{'':<33}" + "".join(f"{value:>10}" for value in sweep.values), sweep.line()]
    print("\n".join(lines))
    print(disturbance)
    if options.save:
        kept = [{"factor": x.factor, "values": x.values, "seconds": x.seconds, "slope": x.slope()} for x in found]
        numbers: dict[str, Any] = {"machine": facts, "sweeps": kept}
        name = f"{options.save}-scaling"
        body = [f"![scaling]({name}.png)", "", "```", *lines, "```"]
        text = keep.page(f"{options.save}: what training costs", how.strip(), facts, disturbance, body)
        keep.keep(options.out, name, numbers, text, lambda path: draw(path, facts["processor"], found))


if __name__ == "__main__":
    main()
