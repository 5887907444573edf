"""``python -m benchmarks.roofline``: every op of the standard training steps against what the processor can do.

An op that computes much for every byte is bound by the multiply-add units, one that computes little by the cache or
memory that its arrays come from. Both limits are measured by small C loops in the same process (``peak.py``,
``bandwidth.py``). The least time that an op could take is the larger of flops / peak and bytes / bandwidth, the
bandwidth being that of an array as large as all that the op touches; the last column is that time by the measured one.
More than 100 % is possible: the bandwidth is that of reading and writing back, and an op that only reads has more.

One thread. Times are the least of many runs of the whole step, op after op, so that each finds the caches as the one
before left them; a clock reading of some 30 ns is in each. Bytes are those of an op's arrays, each touched once.
Operations are exact for products and counted by hand for the others, as ``Trainer.program`` prints them.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import keep, machine, picture
from benchmarks.bandwidth import gigabytes_a_second
from benchmarks.compare import times
from benchmarks.peak import fma_gflops
from benchmarks.peers.cases import CASES, Case, make_data
from benchmarks.peers.fastdl_step import FastdlTraining

CEILINGS = {"L1 cache": 1 << 14, "L2 cache": 1 << 19, "memory": 1 << 28}  # bytes of an array that is in there
SHOWN = 3  # shapes in a line


@dataclass(frozen=True)
class Dot:
    """An op of a step: GFLOP and gigabytes, seconds, and the least seconds that the processor allows."""

    case: str
    op: str
    shapes: str
    gflop: float
    gigabytes: float
    seconds: float
    least: float
    bound: str

    @property
    def reached(self) -> float:
        """Share of the limit."""
        return self.least / self.seconds


def size_class(size: float) -> int:
    """Return a power of two near so many bytes: the bandwidth is measured once for each."""
    return 1 << max(12, min(28, round(size).bit_length()))


def dots_of(case: Case, repeats: int) -> list[Dot]:
    """Measure the ops of a case's training step."""
    rows, labels = make_data(case)
    training = FastdlTraining(case, rows, labels, 1)
    training.epochs(1)
    with redirect_stdout(io.StringIO()):
        listing = training.trainer.program(rows, labels, case.batch, repeats)
    peak, found = fma_gflops(), []
    for row in listing.rows:
        bandwidth = gigabytes_a_second(size_class(row.bytes))
        assert peak is not None and bandwidth is not None and row.seconds is not None
        arithmetic, moving = 1e-9 * row.flops / peak, 1e-9 * row.bytes / bandwidth
        bound = "arithmetic" if arithmetic > moving else "bytes"
        shapes = " ".join(times(shape) for shape in list(row.shapes.values())[:SHOWN])
        work = (1e-9 * row.flops, 1e-9 * row.bytes, row.seconds, max(arithmetic, moving))
        found.append(Dot(case.name, row.op, shapes, *work, bound))
    return found


def table(dots: Sequence[Dot]) -> list[str]:
    """Return a line for each op."""
    widest = max(len(dot.op) for dot in dots)
    shapes = max(len(dot.shapes) for dot in dots)
    head = f"{'case':<4} {'op':<{widest}}  {'shapes':<{shapes}}"
    lines = [f"{head} {'us':>9} {'GFLOP/s':>9} {'GB/s':>8} {'of limit':>9}  bound by"]
    for dot in dots:
        rate, moved = dot.gflop / dot.seconds, dot.gigabytes / dot.seconds
        lines.append(
            f"{dot.case:<4} {dot.op:<{widest}}  {dot.shapes:<{shapes}} {1e6 * dot.seconds:>9.2f} {rate:>9.1f}"
            f" {moved:>8.1f} {dot.reached:>9.0%}  {dot.bound}"
        )
    return lines


def summary(dots: Sequence[Dot]) -> list[str]:
    """Return a line for each case: the share of the limit that the whole step reaches."""
    lines = []
    for case in dict.fromkeys(dot.case for dot in dots):
        mine = [dot for dot in dots if dot.case == case]
        seconds, least = sum(dot.seconds for dot in mine), sum(dot.least for dot in mine)
        share = f"{least / seconds:.0%}"
        lines.append(f"{case}: a step's ops take {1e6 * seconds:.1f} us, their limits {1e6 * least:.1f} us: {share}")
    return lines


def draw(path: Path, title: str, peak: float, roofs: dict[str, float], dots: Sequence[Dot]) -> None:
    """Rate against operations a byte: a dot for each op, under the roofs that the processor puts over it."""
    figure, axes = picture.blank(9.0, 5.5)
    left, right = 0.03, 300.0
    for place, (name, bandwidth) in enumerate(roofs.items()):
        ridge = peak / bandwidth
        axes.plot([left, ridge, right], [left * bandwidth, peak, peak], "-", color=f"{0.25 + 0.2 * place}", linewidth=1)
        axes.annotate(f"{name}, {bandwidth:.0f} GB/s", (left * 1.1, left * 1.15 * bandwidth), fontsize=7, rotation=32)
    nouns = list(dict.fromkeys(dot.op.split(".")[0] for dot in dots))
    markers = dict(zip(dict.fromkeys(dot.case for dot in dots), "osD^v*P", strict=False))
    for place, noun in enumerate(nouns):
        for case, marker in markers.items():
            some = [dot for dot in dots if dot.op.split(".")[0] == noun and dot.case == case and dot.gflop]
            label = noun if case == next(iter(markers)) else None
            x, y = [dot.gflop / dot.gigabytes for dot in some], [dot.gflop / dot.seconds for dot in some]
            axes.plot(x, y, marker, color=f"C{place % 10}", markersize=5, alpha=0.8, label=label)
    axes.set(xscale="log", yscale="log", xlim=(left, right), ylim=(0.1, 1.6 * peak))
    axes.set_xlabel("operations a byte")
    axes.set_ylabel("GFLOP/s on one core")
    cases = ", ".join(f"{case} {marker}" for case, marker in markers.items())
    axes.set_title(f"{title}\npeak {peak:.0f} GFLOP/s; cases: {cases}", fontsize=10)
    axes.grid(color="0.92", linewidth=0.6)
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    figure.savefig(path, dpi=110)


def main(arguments: list[str] | None = None) -> None:
    """Measure, print and, if it is asked for, keep."""
    summary_line, _, how = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(prog="python -m benchmarks.roofline", description=summary_line)
    standard = [case for case in CASES if not CASES[case].plain]
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=standard, metavar="CASE")
    parser.add_argument("--repeats", type=int, default=200, help="runs of each step, of which the least counts")
    keep.add_options(parser)
    options = parser.parse_args(arguments)
    keep.check_options(parser, options)
    if options.quick:
        options.cases, options.repeats = ["S1"], 5
    if options.save:
        picture.check_picture()
    peak = fma_gflops()
    if peak is None:
        parser.exit(2, "the limits are measured by a C loop, and there is no C compiler\n")
    facts = keep.facts_to_keep()
    roofs = {name: gigabytes_a_second(size) or 0.0 for name, size in CEILINGS.items()}
    facts["bandwidth"] = ", ".join(f"{name} {rate:.0f}" for name, rate in roofs.items()) + " GB/s read and written"
    print(machine.describe(facts), end="\n\n")
    disturbance = machine.Disturbance()
    dots: list[Dot] = []
    for case in options.cases:
        dots += dots_of(CASES[case], options.repeats)
    lines = [*table(dots), "", *summary(dots)]
    print("\n".join(lines))
    print(disturbance)
    if options.save:
        numbers: dict[str, Any] = {
            "machine": facts,
            "peak_gflops": peak,
            "gigabytes_a_second": roofs,
            "ops": [asdict(dot) for dot in dots],
        }
        name = f"{options.save}-roofline"
        body = [f"![roofline]({name}.png)", "", "```", *lines, "```"]
        title = f"{options.save}: ops of training steps against the processor's limits"
        text = keep.page(title, how.strip(), facts, disturbance, body)
        keep.keep(options.out, name, numbers, text, lambda path: draw(path, facts["processor"], peak, roofs, dots))


if __name__ == "__main__":
    main()
