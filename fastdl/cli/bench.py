"""`fastdl bench`: every kernel beside NumPy on this machine, as a table, a picture and JSON."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fastdl.cli.console import say
from fastdl.cli.machine import cpu_facts, load_average
from fastdl.cli.options import whole
from fastdl.cli.report import facts_table

NUMBERS, PICTURE = "bench.json", "bench.png"
# A BLAS reads these once, when NumPy is imported.
POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
Times = dict[str, dict[str, tuple[float, float]]]  # kernel, size -> seconds of fastdl and of NumPy


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Declare the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "bench",
        help="measure every kernel beside NumPy",
        description="Check every kernel against NumPy, then time both in turns, at three sizes. A time is the least of"
        " many rounds; the ratio says how many times as fast as NumPy fastdl is.",
    )
    add = parser.add_argument
    add("--threads", metavar="N", type=whole(1), default=1, help="threads of fastdl and of NumPy's BLAS (default: 1)")
    add("--quick", action="store_true", help="few rounds, and no large size")
    add("--only", metavar="TEXT", default="", help="only kernels whose names hold this text")
    add("--out", metavar="DIR", help=f"also write {NUMBERS} and {PICTURE} into this folder")
    return parser


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    wanted = dict.fromkeys(POOLS, str(args.threads))
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        return again(args, wanted)
    if args.out is not None:
        check_picture()
        Path(args.out).mkdir(parents=True, exist_ok=True)
    found = facts(args.threads)
    say(facts_table(list(found.items())) + "\n")
    times = measure(args.only, args.threads, args.quick)
    say(summary(times))
    if args.out is not None:
        save(Path(args.out), found, times)
        say(f"\n{Path(args.out) / NUMBERS} and {PICTURE}")
    return 0


def again(args: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Run in a process whose BLAS has as many threads: this one's has read the environment already."""
    command = [sys.executable, "-P", "-m", "fastdl.cli", "bench", "--threads", str(args.threads), "--only", args.only]
    command += ["--quick"] * args.quick + (["--out", args.out] if args.out is not None else [])
    # -P, and this package's own place: the current folder may be a checkout without compiled modules.
    path = os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH"))))
    return subprocess.run(command, env={**os.environ, **environment, "PYTHONPATH": path}).returncode


def facts(threads: int) -> dict[str, str]:
    """What the numbers depend on."""
    import fastdl
    from fastdl.kernels import _team

    return {
        **cpu_facts(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "fastdl": fastdl.__version__,
        "instruction set": _team.isa(),
        "threads": str(threads),
        **load_average(),
    }


def measure(only: str, threads: int, quick: bool) -> Times:
    """Check and time; each kernel's line is printed as it is known."""
    from fastdl.cli.races import CASES, SIZES, alternate
    from fastdl.kernels import _team

    cases = [case for case in CASES if only in case.name]
    if not cases:
        raise ValueError(f"--only: no kernel's name holds {only!r}")
    sizes = dict(list(SIZES.items())[:2]) if quick else SIZES
    width = max(len(case.name) for case in cases)
    say(f"{'':<{width}}" + "".join(f"{rows} x {cols}".rjust(22) for rows, cols in sizes.values()))
    say(f"{'':<{width}}" + f"{'fastdl':>12}{'ratio':>10}" * len(sizes))
    times: Times = {}
    before = _team.get_num_threads()
    _team.set_num_threads(threads)
    try:
        for case in cases:
            times[case.name] = {}
            for size, (rows, cols) in sizes.items():
                ours, theirs = alternate(case.sides(rows, cols), 3 if quick else 15)
                times[case.name][size] = (ours, theirs)
            pairs = times[case.name].values()
            say(f"{case.name:<{width}}" + "".join(f"{clock(ours):>12}{theirs / ours:>9.2f}x" for ours, theirs in pairs))
    finally:
        _team.set_num_threads(before)
    return times


def summary(times: Times) -> str:
    """One line: how fast on average, and how often slower."""
    ratios = [theirs / ours for sizes in times.values() for ours, theirs in sizes.values()]
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    slower = sum(ratio < 1 for ratio in ratios)
    return f"\n{mean:.2f}x NumPy in the geometric mean; slower in {slower} of {len(ratios)}"


def clock(seconds: float) -> str:
    """A time in a unit that fits it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} us"


def save(folder: Path, found: Mapping[str, str], times: Times) -> None:
    """The numbers as JSON, and the picture."""
    table = {
        name: {size: {"fastdl": ours, "numpy": theirs} for size, (ours, theirs) in sizes.items()}
        for name, sizes in times.items()
    }
    (folder / NUMBERS).write_text(json.dumps({"machine": dict(found), "seconds": table}, indent=1) + "\n")
    draw(folder / PICTURE, f"{found['processor']}, threads: {found['threads']}", times)


def check_picture() -> None:
    """Say before the measurement, and not after it, that there will be no picture."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise ImportError('fastdl bench --out needs matplotlib: pip install "fastdl-nn[plot]"') from error


def draw(path: Path, title: str, times: Times) -> None:
    """A dot for each kernel and size, by how many times as fast as NumPy it is."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 1.6 + 0.24 * len(times)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    names = list(times)[::-1]
    for place, size in enumerate(next(iter(times.values()))):
        ratios = [times[name][size][1] / times[name][size][0] for name in names]
        axes.plot(ratios, range(len(names)), "o", color=f"C{place}", markersize=5, alpha=0.85, label=size)
    axes.axvline(1.0, color="0.4", linewidth=1.0)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda ratio, _: f"{ratio:g}x")
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(-0.7, len(names) - 0.3)
    axes.set_xlabel("times as fast as NumPy")
    axes.grid(axis="y", color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    figure.legend(frameon=False, loc="outside lower center", ncols=len(next(iter(times.values()))))
    axes.set_title(title, fontsize=10)
    figure.savefig(path, dpi=150)
