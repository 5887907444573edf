"""The process in which one library trains: requests come in, answers go out, one line of JSON each.

    {"case": "S1"}    make the data, start the training and warm it up  -> {"loss": ...}
    {"epochs": 5}     train for so many epochs                          -> {"seconds": [...]}

Between two requests it sleeps in a read.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import traceback
from typing import Any, TextIO

# More than one, because some libraries settle on their number of threads, or compile, in the first few.
WARM_UP_EPOCHS = 3


class Worker:
    """Answers requests for one library at one thread count."""

    def __init__(self, peer: str, threads: int) -> None:
        self.module = importlib.import_module(f"benchmarks.peers.{peer}_step")
        self.threads = threads
        self.training: Any = None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what the request says."""
        if "case" in request:
            return {"loss": self.start(request["case"])}
        return {"seconds": list(self.training.epochs(request["epochs"]))}

    def start(self, name: str) -> float:
        """Start the training of a case; return its loss after the warm-up."""
        from benchmarks.peers.cases import CASES, make_data

        self.training = None  # the arrays of the last case go before those of the next come
        gc.collect()
        case = CASES[name]
        self.training = self.module.start(case, *make_data(case), self.threads)
        self.training.epochs(WARM_UP_EPOCHS)
        return float(self.training.loss())


def serve(peer: str, threads: int, cpus: list[int], requests: TextIO, answers: TextIO) -> None:
    """Answer every request until there are no more."""
    # Before the library is imported: this is the only limit on threads that XLA knows, and so that none is placed
    # better than another, it holds for all.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cpus)

    def send(message: dict[str, Any]) -> None:
        print(json.dumps(message), file=answers, flush=True)

    try:
        worker = Worker(peer, threads)
        send({"ready": True})
        for line in requests:
            send(worker.answer(json.loads(line)))
    except Exception:
        send({"error": traceback.format_exc()})


def main() -> None:
    """Take the place of ``__main__``: arguments are the peer, its threads and its CPUs, comma-separated."""
    peer, threads, cpus = sys.argv[1:]
    # Libraries that print must not get in between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    serve(peer, int(threads), [int(cpu) for cpu in cpus.split(",")], sys.stdin, answers)


if __name__ == "__main__":
    main()
