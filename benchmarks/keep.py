"""What is kept of a measurement in benchmarks/results/: numbers as JSON, and a page that says how they were made."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import CHECKOUT, machine
from benchmarks.machine import Disturbance, describe

FOLDER = Path(__file__).parent / "results"
IDLE = 1.0  # load average above which a machine is busy with something else


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what all benchmarks that can be kept have in common."""
    parser.add_argument("--quick", action="store_true", help="show that it works, in seconds; the numbers mean little")
    parser.add_argument("--save", metavar="NAME", help="keep the result in benchmarks/results/ under a machine's name")
    parser.add_argument("--out", metavar="DIR", type=Path, default=FOLDER, help="keep it in this folder instead")
    parser.add_argument("--anyway", action="store_true", help="keep it even if the machine is busy")


def check_options(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Refuse a name that is none, and to keep numbers of a busy machine."""
    if options.save is not None:
        check_name(parser, options.save)
        if not options.anyway:
            check_idle(parser)


def check_name(parser: argparse.ArgumentParser, name: str) -> None:
    """Refuse a name that would not do for a file."""
    if not name.replace("-", "").isalnum():
        parser.error(f"name: expected letters, digits and hyphens, got {name!r}")


def check_idle(parser: argparse.ArgumentParser) -> None:
    """Refuse a busy machine."""
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > IDLE:
        parser.error(
            f"the load is {os.getloadavg()[0]:.2f}: numbers of a busy machine mean nothing (--anyway keeps them)"
        )


def commit() -> str:
    """Return the commit that is measured, "-dirty" behind it if files differ from it."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def facts_to_keep(**more: str) -> dict[str, str]:
    """Return the machine's facts and the commit; not where this copy of fastdl lies."""
    facts = {**machine.facts(), **more, "commit": commit()}
    return {**facts, "fastdl": facts["fastdl"].partition(" from ")[0]}


def page(title: str, how: str, facts: Mapping[str, str], disturbance: Disturbance, body: Sequence[str]) -> str:
    """Return a page: what was measured and how, on which machine, and the result."""
    return "\n".join([f"# {title}", "", how, "", "```", describe(dict(facts)), str(disturbance), "```", "", *body, ""])


def keep(folder: Path, name: str, numbers: Any, text: str, draw: Callable[[Path], None] | None = None) -> None:
    """Write NAME.json, NAME.md and, if there is something to draw, NAME.png."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(numbers, indent=1) + "\n")
    (folder / f"{name}.md").write_text(text)
    if draw is not None:
        draw(folder / f"{name}.png")
    print(f"kept: {folder / name}.json, .md" + (", .png" if draw is not None else ""))
