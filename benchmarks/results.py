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
from benchmarks.machine import Disturbance, describe
from fastdl.cli.bench import NUMBERS, Times, clock, summary
from fastdl.cli.races import SIZES

FOLDER = Path(__file__).parent / "results"
IDLE = 1.0  # load average above which a machine is busy with something else


def page(name: str, command: str, facts: dict[str, str], times: Times, disturbance: str) -> str:
    """The numbers for readers, and how they were made."""
    head = " | ".join(f"{rows} x {cols}, fastdl | ratio" for rows, cols in SIZES.values())
    lines = [f"| kernel | {head} |", "|---|" + "---:|---:|" * len(SIZES)]
    for kernel, sizes in times.items():
        cells = " | ".join(f"{clock(ours)} | {theirs / ours:.2f} |"[:-2] for ours, theirs in sizes.values())
        lines.append(f"| {kernel} | {cells} |")
    return "\n".join(
        [
            f"# {name}: kernels beside NumPy",
            "",
            f"Made by `{command}`, which runs `fastdl bench`: every kernel is checked against NumPy in",
            "float64, then both are timed in turns. A time is the least of 15 rounds of about 2 ms; a ratio is NumPy's",
            "time by fastdl's. Both get the same arrays. Where NumPy can write into an array that is there, it does.",
            "",
            "```",
            describe(facts),
            disturbance,
            "```",
            "",
            *lines,
            "",
            summary(times).strip() + ".",
            "",
        ]
    )


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.results", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("name", help="the machine's: letters, digits and hyphens")
    parser.add_argument("--threads", type=int, default=1, help="threads of both sides (default 1)")
    parser.add_argument("--busy", action="store_true", help="measure although the machine is busy")
    options = parser.parse_args()
    if not options.name.replace("-", "").isalnum():
        parser.error(f"name: expected letters, digits and hyphens, got {options.name!r}")
    if os.getloadavg()[0] > IDLE and not options.busy:
        parser.error(
            f"the load is {os.getloadavg()[0]:.2f}: numbers of a busy machine mean nothing (--busy measures anyway)"
        )
    command = f"python -m benchmarks.results {options.name}" + f" --threads {options.threads}" * (options.threads > 1)
    disturbance = Disturbance()
    with tempfile.TemporaryDirectory() as folder:
        bench = [sys.executable, "-m", "fastdl.cli", "bench", "--threads", str(options.threads), "--out", folder]
        path = os.pathsep.join(filter(None, (str(Path(fastdl.__file__).parents[1]), os.environ.get("PYTHONPATH"))))
        subprocess.run(bench, check=True, cwd=folder, env={**os.environ, "PYTHONPATH": path})
        result = json.loads(Path(folder, NUMBERS).read_text())
    commit = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    done = subprocess.run(commit, cwd=FOLDER.parent, capture_output=True, text=True)
    result["machine"]["commit"] = done.stdout.strip() or "unknown"
    times = {
        kernel: {size: (pair["fastdl"], pair["numpy"]) for size, pair in sizes.items()}
        for kernel, sizes in result["seconds"].items()
    }
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{options.name}.json").write_text(json.dumps(result, indent=1) + "\n")
    text = page(options.name, command, result["machine"], times, str(disturbance))
    (FOLDER / f"{options.name}.md").write_text(text)


if __name__ == "__main__":
    main()
