"""``python -m benchmarks.peers``: the standard training step, fastdl beside whatever peers are installed."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
from contextlib import ExitStack
from pathlib import Path

from benchmarks import machine
from benchmarks.peers.cases import CASES
from benchmarks.peers.report import OURS, case_table, ratio_lines, summary
from benchmarks.peers.turns import Runner, Timing, measure

PEERS = ("sklearn", "torch", "jax")
EXPLANATION = """\
us a step: the minimum over all epochs of all rounds; a star marks the thread count that suits a peer best.
rounds apart: the largest of the rounds' own minima over the smallest, less one.
loss: after the same few epochs of warm-up, to show that it learns. sklearn has no batch norm, dropout and clipping."""


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    usable = len(machine.usable_cpus())
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES), metavar="CASE")
    parser.add_argument("--threads", nargs="+", type=int, default=sorted({1, min(2, usable)}), metavar="N")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS), metavar="PEER")
    parser.add_argument("--rounds", type=int, default=3, help="alternating rounds (default 3)")
    parser.add_argument("--turn", type=float, default=0.3, help="seconds of a turn, at least two epochs (default 0.3)")
    parser.add_argument("--busy", action="store_true", help="measure also beside a process that spins on one core")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured to a file")
    options = parser.parse_args(arguments)
    if not 1 <= min(options.threads) <= max(options.threads) <= usable:
        parser.error(f"--threads must lie in 1..{usable}, the CPUs this process may use, got {options.threads}")
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {options.rounds}")
    return options


def installed(names: list[str]) -> list[str]:
    """Return fastdl and those of the peers that can be imported, and name the others."""
    found = []
    try:
        importlib.import_module(OURS).Trainer  # noqa: B018 (a checkout's sources may import, but not run)
        found.append(OURS)
    except (ImportError, AttributeError) as error:
        print(f"skipped: {OURS} cannot be used: {error}")
    for name in names:
        if importlib.util.find_spec(name) is None:
            print(f"skipped: {name} is not installed")
        else:
            found.append(name)
    return found


def main() -> None:
    """Measure and print."""
    options = parse()
    facts = machine.facts()
    print(machine.describe(facts), end="\n\n")
    names = installed(options.peers)
    cpus = machine.usable_cpus()
    busy_cpu = cpus[max(options.threads) - 1] if options.busy else None
    disturbance = machine.Disturbance()
    timings: list[Timing] = []
    with ExitStack() as stack:
        runners = []
        for name in names:
            for threads in sorted(set(options.threads)):
                runner = Runner(name, threads, cpus)
                stack.callback(runner.stop)
                runners.append(runner)
        print(EXPLANATION, end="\n\n")
        for case in [CASES[name] for name in options.cases]:
            found = measure(runners, case, options.rounds, options.turn, busy_cpu)
            timings += found
            for busy in (False, True)[: 1 if busy_cpu is None else 2]:
                print(case_table(found, busy), flush=True)
            print("\n".join(ratio_lines(found)), end="\n\n", flush=True)
    if OURS in names and len(names) > 1:
        print(summary(timings))
    print(disturbance)
    if options.json:
        report = {"machine": facts, "disturbance": str(disturbance), "timings": [one.to_json() for one in timings]}
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
