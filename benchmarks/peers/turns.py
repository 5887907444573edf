"""Measuring several processes in turns, while all but one are asleep."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks import CHECKOUT
from benchmarks.peers.cases import Case

# Threads of the last turn may spin for a while before they sleep.
PAUSE_SECONDS = 0.05
MOST_EPOCHS_A_TURN = 200
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# It ends by itself when nobody waits for it any more.
SPIN = """
import os, sys
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, [int(sys.argv[1])])
while os.getppid() == int(sys.argv[2]):
    for _ in range(1_000_000):
        pass
"""


class PeerError(RuntimeError):
    """A peer's process ended with an error."""


@dataclass
class Timing:
    """Seconds of every epoch of one peer at one thread count in one case, round by round."""

    case: Case
    peer: str
    threads: int
    busy: bool
    rounds: list[list[float]] = field(default_factory=list)
    loss: float = math.nan

    @property
    def best(self) -> float:
        """Microseconds a step: the minimum over all epochs."""
        return 1e6 / self.case.steps * min(map(min, self.rounds))

    @property
    def typical(self) -> float:
        """Microseconds a step: the median over all epochs."""
        return 1e6 / self.case.steps * median(seconds for one in self.rounds for seconds in one)

    @property
    def noise(self) -> float:
        """How far apart the rounds are: the largest of their minima over the smallest, less one."""
        minima = [min(one) for one in self.rounds]
        return max(minima) / min(minima) - 1

    def to_json(self) -> dict[str, Any]:
        """Return everything measured, as plain types."""
        return {
            "case": self.case.name,
            "peer": self.peer,
            "threads": self.threads,
            "busy": self.busy,
            "microseconds_a_step": self.best,
            "median": self.typical,
            "noise": self.noise,
            "loss_after_warm_up": self.loss,
            "steps_an_epoch": self.case.steps,
            "seconds_of_epochs": self.rounds,
        }


class Runner:
    """One peer at one thread count, in a process of its own."""

    def __init__(self, peer: str, threads: int, cpus: list[int]) -> None:
        self.peer, self.threads = peer, threads
        self.epochs_a_turn = 1
        limits = {**dict.fromkeys(THREAD_VARIABLES, str(threads)), "TORCHINDUCTOR_COMPILE_THREADS": "1"}
        command = [sys.executable, "-m", "benchmarks.peers.worker", peer, str(threads)]
        self.process = subprocess.Popen(
            [*command, ",".join(map(str, cpus[:threads]))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=CHECKOUT,
            env={**os.environ, **limits},
        )
        self.receive()

    def __str__(self) -> str:
        return f"{self.peer}, {self.threads} thread{'s' * (self.threads > 1)}"

    def receive(self) -> dict[str, Any]:
        """Wait for an answer."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": f"exit status {self.process.wait()}"}
        if "error" in answer:
            raise PeerError(f"{self}: {answer['error']}")
        return answer

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and wait for its answer."""
        assert self.process.stdin is not None
        print(json.dumps(request), file=self.process.stdin, flush=True)
        return self.receive()

    def start(self, case: Case, turn_seconds: float) -> float:
        """Start a case and fix the length of its turns; return the loss after the warm-up."""
        loss = float(self.ask(case=case.name)["loss"])
        if not loss < math.log(case.widths[-1]):
            raise PeerError(f"{self} doesn't learn {case}: after the warm-up its loss is {loss:.3f}, as by chance")
        seconds = min(self.ask(epochs=2)["seconds"])
        self.epochs_a_turn = min(max(math.ceil(turn_seconds / seconds), 2), MOST_EPOCHS_A_TURN)
        return loss

    def turn(self, busy: bool = False) -> list[float]:
        """Train for a turn, a shorter one beside a busy process; return the seconds of its epochs."""
        time.sleep(PAUSE_SECONDS)
        return list(self.ask(epochs=self.epochs_a_turn // 2 if busy else self.epochs_a_turn)["seconds"])

    def stop(self) -> None:
        """End the process: it stops when its input ends."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def busy_neighbour(cpu: int) -> Iterator[None]:
    """Let another process spin on one CPU."""
    spinner = subprocess.Popen([sys.executable, "-c", SPIN, str(cpu), str(os.getpid())])
    try:
        time.sleep(2 * PAUSE_SECONDS)
        yield
    finally:
        spinner.kill()
        spinner.wait()


def measure(runners: list[Runner], case: Case, rounds: int, turn_seconds: float, busy_cpu: int | None) -> list[Timing]:
    """Measure a case in alternating rounds: quiet ones, and as many with a busy neighbour if a CPU is given for it."""
    losses = [runner.start(case, turn_seconds) for runner in runners]
    found = []
    for busy in (False, True)[: 1 if busy_cpu is None else 2]:
        timings = [
            Timing(case, runner.peer, runner.threads, busy, loss=loss)
            for runner, loss in zip(runners, losses, strict=True)
        ]
        for number in range(rounds):
            # Another order each round, so that nobody always comes after the same one.
            order = list(range(len(runners)))
            for place in order[number:] + order[:number]:
                if busy and busy_cpu is not None:
                    with busy_neighbour(busy_cpu):
                        timings[place].rounds.append(runners[place].turn(busy=True))
                else:
                    timings[place].rounds.append(runners[place].turn())
        found += timings
    return found
