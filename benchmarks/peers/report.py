"""Tables of what the peers took."""

from __future__ import annotations

from benchmarks.peers.turns import Timing

OURS = "fastdl"
HALF_PRECISION = ("torch_bf16",)


def best_of(timings: list[Timing], busy: bool) -> dict[str, Timing]:
    """Return the timing of every peer at the thread count that suits it best."""
    best: dict[str, Timing] = {}
    for timing in timings:
        if timing.busy == busy and (timing.peer not in best or timing.best < best[timing.peer].best):
            best[timing.peer] = timing
    return best


def case_table(timings: list[Timing], busy: bool) -> str:
    """Return a table of one case: a line for each peer and thread count, a star at each peer's best."""
    best = best_of(timings, busy)
    case = timings[0].case
    title = f"{case}, {case.parameters:,} parameters, {case.steps} steps an epoch"
    lines = [
        title + (", beside a busy process" if busy else ""),
        f"  {'':<14} {'threads':>7} {'us a step':>11} {'median':>9} {'rounds apart':>13} {'loss':>7} {'fastdl is':>14}",
    ]
    for timing in timings:
        if timing.busy != busy:
            continue
        star = "*" if timing is best[timing.peer] else " "
        ratio = ""
        if OURS in best and timing.peer != OURS:
            ratio = f"{timing.best / best[OURS].best:.2f}x faster"
        lines.append(
            f"  {timing.peer:<14} {timing.threads:>7} {timing.best:>10.1f}{star} {timing.typical:>9.1f}"
            f" {timing.noise:>12.0%}  {timing.loss:>7.3f} {ratio:>14}".rstrip()
        )
    return "\n".join(lines)


def ratio_lines(timings: list[Timing]) -> list[str]:
    """Return how each peer fares with more threads and beside a busy process, against one quiet thread of its own."""
    lines = []
    by_kind = {(timing.peer, timing.threads, timing.busy): timing for timing in timings}
    for (peer, threads, busy), timing in by_kind.items():
        single = by_kind.get((peer, 1, busy))
        if threads == 1 or single is None:
            continue
        lines.append(
            f"  {peer}: {threads} threads are {single.best / timing.best:.2f}x as fast as one"
            f" ({single.typical / timing.typical:.2f}x by medians)" + (", beside a busy process" if busy else "")
        )
    return lines


def summary(timings: list[Timing], busy: bool) -> str:
    """Return one line a case: fastdl's best thread count against each peer's best."""
    timings = [timing for timing in timings if timing.busy == busy]
    peers = [peer for peer in dict.fromkeys(timing.peer for timing in timings) if peer != OURS]
    cases = list(dict.fromkeys(timing.case for timing in timings))
    width = max(map(len, peers)) + 2
    where = ", beside a busy process" if busy else ""
    lines = [f"fastdl against each peer, both at their best thread count{where} (times faster):"]
    lines.append(f"  {'case':<5}" + "".join(f"{peer:>{width}}" for peer in peers) + "   best in float32")
    for case in cases:
        best = best_of([timing for timing in timings if timing.case == case], busy)
        ours = best.pop(OURS).best
        columns = "".join(f"{best[peer].best / ours:>{width}.2f}" for peer in peers)
        float32 = [best[peer].best / ours for peer in peers if peer not in HALF_PRECISION]
        lines.append(f"  {case.name:<5}{columns}" + (f"{min(float32):>18.2f}" if float32 else ""))
    return "\n".join(lines)
