"""What a reader of measurements needs to know about the machine that they were made on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

CPU_FOLDER = Path("/sys/devices/system/cpu")
TELLING_FLAGS = ("avx2", "fma", "avx512f", "avx512_bf16", "amx_tile", "amx_bf16", "asimd", "sve")


def read(path: Path) -> str:
    """The text of a small system file, or an empty string where the system has no such file."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def cpu_facts() -> dict[str, str]:
    """Model, telling instruction sets and caches of the processor."""
    facts = {"processor": platform.processor() or platform.machine()}
    for line in read(Path("/proc/cpuinfo")).splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            facts["processor"] = value.strip()
        elif key.strip() in ("flags", "Features"):
            flags = set(value.split())
            facts["instructions"] = " ".join(flag for flag in TELLING_FLAGS if flag in flags)
            break
    caches = []
    for index in sorted((CPU_FOLDER / "cpu0" / "cache").glob("index*")):
        kind = {"Data": "d", "Instruction": "i"}.get(read(index / "type"), "")
        caches.append(f"L{read(index / 'level')}{kind} {read(index / 'size')}")
    if caches:
        facts["caches"] = ", ".join(caches)
    return facts


def load_average() -> dict[str, str]:
    """How many programs wanted a processor lately, where the system counts them."""
    return {"load average": "{:.2f} {:.2f} {:.2f}".format(*os.getloadavg())} if hasattr(os, "getloadavg") else {}
