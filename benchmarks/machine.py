"""What a reader of a benchmark needs to know about the machine: ``python -m benchmarks.machine``."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
from collections.abc import Callable
from pathlib import Path

from benchmarks.peak import fma_gflops
from fastdl.cli.machine import CPU_FOLDER, cpu_facts, load_average, read

LIBRARIES = ("numpy", "scikit-learn", "torch", "jax", "pytabkit", "lightgbm", "xgboost")


def usable_cpus() -> list[int]:
    """Return the CPUs this process may use, one of every physical core first."""
    if not hasattr(os, "sched_getaffinity"):
        return list(range(os.cpu_count() or 1))
    cpus = sorted(os.sched_getaffinity(0))
    first_of_core: list[int] = []
    siblings_of_those: list[int] = []
    seen: set[str] = set()
    for cpu in cpus:
        core = read(CPU_FOLDER / f"cpu{cpu}" / "topology" / "thread_siblings_list") or str(cpu)
        (siblings_of_those if core in seen else first_of_core).append(cpu)
        seen.add(core)
    return first_of_core + siblings_of_those


class Disturbance:
    """Processor time that others took since the object was made: a reason not to believe a measurement."""

    def __init__(self) -> None:
        self.before = self.seconds()

    @staticmethod
    def seconds() -> tuple[float, float]:
        """Return the seconds so far of other processes (all, less ours and our ended children's) and other machines."""
        fields = read(Path("/proc/stat")).partition("\n")[0].split()[1:]
        if len(fields) < 8:
            return 0.0, 0.0
        user, nice, system, _, _, irq, soft_irq, stolen = (
            int(field) / os.sysconf("SC_CLK_TCK") for field in fields[:8]
        )
        return user + nice + system + irq + soft_irq - sum(os.times()[:4]), stolen

    def __str__(self) -> str:
        others, stolen = (now - then for now, then in zip(self.seconds(), self.before, strict=True))
        return f"meanwhile other processes took {others:.1f} s of processor time, other virtual machines {stolen:.1f} s"


def peak_memory() -> float:
    """Return the largest resident memory of this process so far, MiB; NaN where there is no /proc."""
    for line in read(Path("/proc/self/status")).splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return float("nan")


def memory_of(work: Callable[[], object]) -> float:
    """Do the work and return what it adds to the peak of this process, MiB."""
    forget = Path("/proc/self/clear_refs")
    if forget.exists():
        forget.write_text("5")  # the peak is what is used now
    before = peak_memory()
    work()
    return peak_memory() - before


def versions() -> dict[str, str]:
    """Return the versions of the peers that are installed, without importing them."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def fastdl_facts() -> dict[str, str]:
    """Return version, place and instruction set of the fastdl that would be measured."""
    try:
        fastdl = importlib.import_module("fastdl")
        team = importlib.import_module("fastdl.kernels._team")
    except ImportError as error:
        return {"fastdl": f"cannot be imported ({error})"}
    return {"fastdl": f"{fastdl.__version__} from {Path(fastdl.__file__ or '').parent}", "instruction set": team.isa()}


def facts() -> dict[str, str]:
    """Return all facts as text, in the order of printing."""
    found = {"system": platform.platform(), "python": platform.python_version()}
    found.update(cpu_facts())
    found["usable CPUs"] = " ".join(map(str, usable_cpus()))
    found.update(load_average())
    peak = fma_gflops()
    found["multiply-add peak"] = f"{peak:.1f} GFLOP/s on one core" if peak else "unknown, no C compiler"
    found.update(versions())
    found.update(fastdl_facts())
    return found


def describe(found: dict[str, str]) -> str:
    """Return the facts as a two-column table."""
    width = max(map(len, found))
    return "\n".join(f"{key:<{width}}  {value}" for key, value in found.items())


if __name__ == "__main__":
    print(describe(facts()))
