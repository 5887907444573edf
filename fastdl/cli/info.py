"""`fastdl info`: what is installed, and what this machine offers."""

from __future__ import annotations

import argparse
import json
import platform
from importlib import metadata
from typing import Any

import numpy as np

# What each extra of pyproject.toml brings, by distribution.
EXTRAS = {
    "cli": ["matplotlib", "rich"],
    "onnx": ["onnx"],
    "plot": ["matplotlib"],
    "sklearn": ["scikit-learn"],
    "tabular": ["pandas", "pyarrow"],
}


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Declare the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "info", help="show the version, the instruction set, the threads and the extras",
        description="Show what is installed and what fastdl uses of this machine.",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def run(args: argparse.Namespace) -> int:
    """Print the facts."""
    facts = collect()
    if args.json:
        print(json.dumps(facts, indent=2))
        return 0
    rows = [
        ("fastdl", facts["version"]),
        ("instruction set", f"{facts['instruction_set']} (of {', '.join(facts['instruction_sets'])})"),
        ("threads", str(facts["threads"])),
        ("numpy", facts["numpy"]),
        ("python", f"{facts['python']} on {facts['platform']}"),
    ]
    for extra, packages in facts["extras"].items():
        found = ", ".join(f"{name} {version or 'missing'}" for name, version in packages.items())
        rows.append((f"extra {extra}", found))
    for name, value in rows:
        print(f"{name:<16} {value}")
    return 0


def collect() -> dict[str, Any]:
    """The facts, as they go into JSON."""
    import fastdl
    from fastdl.kernels import _team

    return {
        "version": fastdl.__version__,
        "instruction_set": _team.isa(),
        "instruction_sets": list(_team.available_isas()),
        "threads": fastdl.get_num_threads(),
        "numpy": np.__version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "extras": {extra: {name: _version(name) for name in names} for extra, names in EXTRAS.items()},
    }


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
