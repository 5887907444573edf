"""``python -m benchmarks.peers``: the standard training step, fastdl beside whatever peers are installed."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import shutil
from contextlib import ExitStack
from typing import Any

from benchmarks import keep, machine
from benchmarks.peers.cases import CASES, Case
from benchmarks.peers.report import OURS, case_table, ratio_lines, summary
from benchmarks.peers.turns import Runner, Timing, measure

PEERS = {"sklearn": "sklearn", "torch": "torch", "torch_compiled": "torch", "torch_bf16": "torch", "jax": "jax"}
HOW = """\
Made by `python -m benchmarks.peers`: every library trains in a process of its own, on CPUs of its own choice among
the same ones, and all but one sleep while that one is measured, in {rounds} alternating rounds of turns of {turn} s
at least. The figure is the least time of an epoch by its steps, of all rounds; what counts is the ratio."""
EXPLANATION = """\
us a step: the minimum over all epochs of all rounds; a star marks the thread count that suits a peer best.
rounds apart: the largest of the rounds' own minima over the smallest, less one.
loss: after the same few epochs of warm-up, to show that it learns. sklearn has no batch norm, dropout and clipping."""


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    usable = len(machine.usable_cpus())
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    add = parser.add_argument
    add("--cases", nargs="+", choices=list(CASES), default=list(CASES), metavar="CASE")
    add("--threads", nargs="+", type=int, default=sorted({1, min(2, usable)}), metavar="N")
    add("--peers", nargs="*", choices=list(PEERS), default=list(PEERS), metavar="PEER", help=", ".join(PEERS))
    add("--rounds", type=int, default=3, help="alternating rounds (default 3)")
    add("--turn", type=float, default=0.3, help="seconds of a turn, at least two epochs (default 0.3)")
    add(
        "--busy",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="measure also beside a process that spins on one core (default: yes)",
    )
    keep.add_options(parser)
    options = parser.parse_args(arguments)
    keep.check_options(parser, options)
    if not 1 <= min(options.threads) <= max(options.threads) <= usable:
        parser.error(f"--threads must lie in 1..{usable}, the CPUs this process may use, got {options.threads}")
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {options.rounds}")
    if options.quick:
        options.cases, options.threads, options.rounds, options.turn = ["S1", "W45"], [1], 1, 0.01
    return options


def installed(names: list[str]) -> list[str]:
    """Return fastdl and those of the peers that can be used, and name the others."""
    found = []
    try:
        importlib.import_module(OURS).Trainer  # noqa: B018 (a checkout's sources may import, but not run)
        found.append(OURS)
    except (ImportError, AttributeError) as error:
        print(f"skipped: {OURS} cannot be used: {error}")
    for name in names:
        if importlib.util.find_spec(PEERS[name]) is None:
            print(f"skipped: {PEERS[name]} is not installed")
        elif name == "torch_compiled" and not any(map(shutil.which, ("c++", "g++", "clang++"))):
            print(f"skipped: {name} needs a C++ compiler")
        else:
            found.append(name)
    return found


def run(options: argparse.Namespace, names: list[str]) -> tuple[list[Timing], list[str]]:
    """Measure case after case; return the timings, and the tables, which are printed as they come."""
    cpus = machine.usable_cpus()
    busy_cpu = cpus[max(options.threads) - 1] if options.busy else None
    kinds = (False, True)[: 1 if busy_cpu is None else 2]
    timings: list[Timing] = []
    tables: list[str] = []

    def show(text: str) -> None:
        print(text, end="\n\n", flush=True)
        tables.append(text)

    def measure_case(runners: list[Runner], case: Case) -> None:
        found = measure(runners, case, options.rounds, options.turn, busy_cpu)
        timings.extend(found)
        show("\n".join([*(case_table(found, busy) for busy in kinds), *ratio_lines(found)]))

    with ExitStack() as stack:
        runners = []
        for name in names:
            for threads in sorted(set(options.threads)):
                runner = Runner(name, threads, cpus)
                stack.callback(runner.stop)
                runners.append(runner)
        for name in options.cases:
            measure_case(runners, CASES[name])
    if OURS in names and len(names) > 1:
        for busy in kinds:
            show(summary(timings, busy))
    return timings, tables


def main(arguments: list[str] | None = None) -> None:
    """Measure, print and, if it is asked for, keep."""
    options = parse(arguments)
    facts = keep.facts_to_keep()
    print(machine.describe(facts), end="\n\n")
    names = installed(options.peers)
    print(EXPLANATION, end="\n\n")
    disturbance = machine.Disturbance()
    timings, tables = run(options, names)
    print(disturbance)
    if options.save:
        numbers: dict[str, Any] = {"machine": facts, "timings": [one.to_json() for one in timings]}
        how = HOW.format(rounds=options.rounds, turn=options.turn)
        body = ["```", *EXPLANATION.splitlines(), "", "\n\n".join(tables), "```"]
        text = keep.page(f"{options.save}: training steps beside other libraries", how, facts, disturbance, body)
        keep.keep(options.out, f"{options.save}-peers", numbers, text)


if __name__ == "__main__":
    main()
