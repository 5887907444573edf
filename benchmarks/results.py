"""``python -m benchmarks.results NAME``: measure this machine by ``fastdl bench`` and keep the result under its name.

Writes benchmarks/results/NAME.json, the numbers, and NAME.md, which says how they were made. The machine must be idle.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import fastdl
from benchmarks import keep
from benchmarks.machine import Disturbance
from fastdl.cli.bench import NUMBERS, Times, clock, summary
from fastdl.cli.races import SIZES

HOW = """\
Made by `{command}`, which runs `fastdl bench`: every kernel is checked against NumPy in
float64, then both are timed in turns. A time is the least of 15 rounds of about 2 ms; a ratio is NumPy's
time by fastdl's. Both get the same arrays. Where NumPy can write into an array that is there, it does."""


def table(times: Times) -> list[str]:
    """The numbers for readers."""
    head = " | ".join(f"{rows} x {cols}, fastdl | ratio" for rows, cols in SIZES.values())
    lines = [f"| kernel | {head} |", "|---|" + "---:|---:|" * len(SIZES)]
    for kernel, sizes in times.items():
        cells = " | ".join(f"{clock(ours)} | {theirs / ours:.2f} |"[:-2] for ours, theirs in sizes.values())
        lines.append(f"| {kernel} | {cells} |")
    return [*lines, "", summary(times).strip() + "."]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.results", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("name", help="the machine's: letters, digits and hyphens")
    parser.add_argument("--threads", type=int, default=1, help="threads of both sides (default 1)")
    parser.add_argument("--anyway", action="store_true", help="measure although the machine is busy")
    options = parser.parse_args()
    keep.check_name(parser, options.name)
    if not options.anyway:
        keep.check_idle(parser)
    command = f"python -m benchmarks.results {options.name}" + f" --threads {options.threads}" * (options.threads > 1)
    disturbance = Disturbance()
    with tempfile.TemporaryDirectory() as folder:
        bench = [sys.executable, "-m", "fastdl.cli", "bench", "--threads", str(options.threads), "--out", folder]
        path = os.pathsep.join(filter(None, (str(Path(fastdl.__file__).parents[1]), os.environ.get("PYTHONPATH"))))
        subprocess.run(bench, check=True, cwd=folder, env={**os.environ, "PYTHONPATH": path})
        result = json.loads(Path(folder, NUMBERS).read_text())
    result["machine"]["commit"] = keep.commit()
    times = {
        kernel: {size: (pair["fastdl"], pair["numpy"]) for size, pair in sizes.items()}
        for kernel, sizes in result["seconds"].items()
    }
    title, how = f"{options.name}: kernels beside NumPy", HOW.format(command=command)
    text = keep.page(title, how, result["machine"], disturbance, table(times))
    keep.keep(keep.FOLDER, options.name, result, text)


if __name__ == "__main__":
    main()
