"""``python -m benchmarks.gemm``: the three matrix products of a dense layer beside np.matmul, in alternation.

x w (forward), xT dy (gradient of the weights), dy wT (gradient of the inputs), each for a batch of B rows, I inputs
and O outputs. Every figure is the minimum over all rounds of its side. The peak of the multiply-add units is measured
just before and after each product, with the registers of the instruction set in use; the last column is the share that
fastdl reaches of the better of the two. `FASTDL_ISA=avx2` in the environment makes fastdl, but not NumPy, use that one.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from time import perf_counter, sleep
from typing import Any

import numpy as np

from benchmarks import keep, machine
from benchmarks.compare import check, normal, times
from benchmarks.peak import fma_gflops
from fastdl import kernels
from fastdl.kernels import _team

# B, I, O: the shapes with a target of their own, then the other layers of the standard networks
SHAPES = [
    (128, 784, 512),
    (64, 256, 256),
    (256, 1024, 1024),
    (32, 16, 64),
    (32, 64, 64),
    (64, 64, 128),
    (64, 128, 128),
    (128, 512, 256),
    (128, 256, 10),
    (256, 784, 1024),
    (512, 256, 2048),
    (512, 2048, 2048),
    (512, 2048, 100),
]
FORMS = ("x w", "xT dy", "dy wT")
SAMPLE_SECONDS = 0.004
Product = Callable[[], np.ndarray]


def products(form: str, shape: tuple[int, int, int]) -> tuple[Product, Product, np.ndarray]:
    """Return fastdl's product, NumPy's, and the float64 result."""
    batch, inputs, outputs = shape
    x, w, dy = normal((batch, inputs)), normal((inputs, outputs), seed=1), normal((batch, outputs), seed=2)
    a, b, transpose_a, transpose_b = {
        "x w": (x, w, False, False),
        "xT dy": (x, dy, True, False),
        "dy wT": (dy, w, False, True),
    }[form]
    left, right = (a.T if transpose_a else a), (b.T if transpose_b else b)
    ours = np.empty((left.shape[0], right.shape[1]), dtype=np.float32)
    theirs = np.empty_like(ours)
    return (
        lambda: kernels.matmul(a, b, transpose_a=transpose_a, transpose_b=transpose_b, out=ours),
        lambda: np.matmul(left, right, out=theirs),
        left.astype(np.float64) @ right.astype(np.float64),
    )


def seconds(product: Product, repeats: int) -> float:
    """Return the time of one call, over a few in a row."""
    start = perf_counter()
    for _ in range(repeats):
        product()
    return (perf_counter() - start) / repeats


def alternate(sides: list[Product], rounds: int) -> list[float]:
    """Return the minimum of each side over alternating rounds."""
    best = [seconds(side, 1) for side in sides]
    repeats = [max(1, int(SAMPLE_SECONDS / one)) for one in best]
    for _ in range(rounds):
        for place, side in enumerate(sides):
            best[place] = min(best[place], seconds(side, repeats[place]))
    return best


def measure(shape: tuple[int, int, int], rounds: int, threads: int) -> Iterator[dict[str, Any]]:
    """Check and time the three products of a layer: GFLOP/s of both sides, and of the peak on as many cores."""
    for form in FORMS:
        ours, theirs, want = products(form, shape)
        check(f"{form} {times(shape)}, fastdl", ours(), want)
        check(f"{form} {times(shape)}, NumPy", theirs(), want)
        if threads > 1:
            sleep(0.01)  # until the other library's threads sleep
        before = fma_gflops(_team.isa())
        best = alternate([ours, theirs], rounds)
        after = fma_gflops(_team.isa())
        mine, other = (2e-9 * float(np.prod(shape)) / one for one in best)
        peak = threads * max(before, after) if before and after else None
        yield {"shape": shape, "form": form, "fastdl": mine, "numpy": other, "peak": peak}


def line(row: dict[str, Any]) -> str:
    """For the table."""
    text = f"{times(row['shape']):>14}  {row['form']:<6} {row['fastdl']:>9.1f} {row['numpy']:>9.1f}"
    text += f" {row['fastdl'] / row['numpy']:>8.2f}"
    return text + (f" {row['peak']:>8.1f} {row['fastdl'] / row['peak']:>8.0%}" if row["peak"] else "")


def main() -> None:
    """Measure, print and, if it is asked for, keep."""
    summary_line, _, how = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gemm", description=summary_line)
    parser.add_argument("--rounds", type=int, default=15, help="alternating rounds (default 15)")
    parser.add_argument("--threads", type=int, default=1, help="threads of both sides (default 1)")
    parser.add_argument(
        "--shape", type=int, nargs=3, action="append", metavar=("B", "I", "O"), help="a shape instead of the table's"
    )
    keep.add_options(parser)
    options = parser.parse_args()
    keep.check_options(parser, options)
    wanted = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(options.threads))
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        # NumPy's BLAS has read the environment already: once more, with the right one.
        os.execve(sys.executable, [sys.executable, "-m", "benchmarks.gemm", *sys.argv[1:]], {**os.environ, **wanted})
    if options.quick:
        options.shape, options.rounds = options.shape or [SHAPES[3]], 1
    _team.set_num_threads(options.threads)
    facts = keep.facts_to_keep(threads=str(options.threads))
    print(machine.describe(facts), end="\n\n")
    disturbance = machine.Disturbance()
    lines = [
        f"GFLOP/s, threads: {options.threads}, instruction set: {_team.isa()}",
        f"{'B x I x O':>14}  {'form':<6} {'fastdl':>9} {'NumPy':>9}    ratio     peak  of peak",
    ]
    print(*lines, sep="\n")
    rows = []
    for shape in options.shape or SHAPES:
        for row in measure(tuple(shape), options.rounds, options.threads):
            rows.append(row)
            lines.append(line(row))
            print(lines[-1], flush=True)
    print(disturbance)
    if options.save:
        name = f"{options.save}-gemm-{_team.isa()}" + f"-{options.threads}-threads" * (options.threads > 1)
        title = f"{options.save}: matrix products, {_team.isa()}"
        text = keep.page(title, how.strip(), facts, disturbance, ["```", *lines, "```"])
        keep.keep(options.out, name, {"machine": facts, "products": rows}, text)


if __name__ == "__main__":
    main()
