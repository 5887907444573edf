"""Makes ``pytest benchmarks --benchmark-only`` find bench_*.py and print a group for each kernel and shape.

Each benchmark checks both sides against float64 NumPy, then times one of them; the number in brackets beside a time is
its ratio to the faster one. ``--benchmark-columns=min,median`` makes the tables narrow. fastdl and NumPy's BLAS run on
one thread; ``OMP_NUM_THREADS=2 pytest benchmarks --benchmark-only`` gives both more.
"""

from __future__ import annotations

import os

# Before NumPy is imported: its BLAS reads this once.
THREADS = int(os.environ.setdefault("OMP_NUM_THREADS", "1"))

from collections.abc import Callable, Iterator  # noqa: E402
from typing import Any  # noqa: E402

import pytest  # noqa: E402

from benchmarks import machine  # noqa: E402
from benchmarks.compare import check  # noqa: E402

SECONDS_EACH = 0.3
Race = Callable[..., None]


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Keep everything in one process: the tests run on all cores, but whoever measures wants to be alone."""
    if config.getoption("benchmark_only") and hasattr(config.option, "numprocesses"):
        config.option.numprocesses = 0


def pytest_configure(config: pytest.Config) -> None:
    """Let bench_*.py files and bench_* functions be collected."""
    config.addinivalue_line("python_files", "bench_*.py")
    config.addinivalue_line("python_functions", "bench*")


def pytest_report_header() -> list[str]:
    """Say what is measured, and where."""
    facts = machine.facts()
    told = ("processor", "instructions", "caches", "load average", "numpy", "fastdl", "instruction set")
    return [f"{key}: {facts[key]}" for key in told if key in facts] + [f"threads: {THREADS}"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the whole run short."""
    for item in items:
        item.add_marker(pytest.mark.benchmark(max_time=SECONDS_EACH, warmup=True, warmup_iterations=3))


@pytest.fixture(autouse=True)
def as_many_threads_as_the_blas() -> Iterator[None]:
    """Give fastdl the threads that the environment gives to NumPy's BLAS."""
    from fastdl.kernels import _team

    before = _team.get_num_threads()
    _team.set_num_threads(min(THREADS, len(machine.usable_cpus())))
    yield
    _team.set_num_threads(before)


@pytest.fixture(params=["fastdl", "numpy"])
def race(request: pytest.FixtureRequest, benchmark: Any) -> Race:
    """Return ``race(group, want, fastdl=..., numpy=...)``.

    It checks one call of each side against ``want``, the float64 result (None: the benchmark has checked by itself),
    then times the side whose turn it is.
    """

    def run(group: str, want: Any, **sides: Callable[[], Any]) -> None:
        benchmark.group = group
        if want is not None:
            for name, side in sides.items():
                check(f"{group}, {name}", side(), want)
        benchmark(sides[request.param])

    return run
