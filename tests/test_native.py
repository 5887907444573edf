"""The C by itself: under the sanitizers, by other compilers, for another processor, and bit for bit the same."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = [ROOT / "csrc" / "dispatch.c", *sorted((ROOT / "csrc" / "isa").glob("*.c"))]
DRIVER = sorted((ROOT / "tests" / "native").glob("*.c"))
HEADER = ROOT / "csrc" / "fastdl.h"
# What makes the bits (setup.py has the same), and nothing of how fast they come.
ARITHMETIC = ["-std=gnu11", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
DEBUG = ["-O1", "-g", "-fno-var-tracking"]  # gcc would take a minute to follow the variables of vec_generic.h
# Of all that a noun's kernels write, wherever there is FMA. A change here is a change of the bits that users get from a
# seed: a decision, to be told in CHANGELOG.md.
FUSED = {
    "activation": "5858593b1c9a735d",
    "averaging": "d14d87bc60eaf42f",
    "clip": "9e1c0a5d1189e92d",
    "dense": "5b0566c4c00c1a40",
    "dropout": "b2da9a52720bf4eb",
    "elementwise_loss": "8cb6228cbb5175ef",
    "embedding": "11f493902345f672",
    "feature_scale": "64a1effa19fda244",
    "gather": "29a37d44a090c262",
    "layernorm": "1055b2ca11871cff",
    "loss": "df4243921150aba2",
    "merge": "3db2c46b9bd0a497",
    "noise": "7a8ca1a17e8fbf2c",
    "norm": "95434681530e7a0d",
    "optimizer": "5e4f165be71cc5ef",
    "orthogonal": "f47c7e315c129297",
    "parametric": "8b17012ab51f2ff1",
    "penalty": "08fa7abac4acd030",
    "periodic": "7d9777dccb83fb98",
    "random": "91feba0def70eb9b",
    "reduce": "7a232a44369d4760",
    "smooth_clip": "7f5bf2754ae93b47",
    "vecmath": "7768356381e7c458",
    "weightnorm": "0e0396d8aa1d3f65",
}


def run(tmp_path: Path, compiler: str, flags: list[str], prefix: tuple[str, ...] = ()) -> dict[str, dict[str, str]]:
    """Build the driver, run it, and return for each instruction set the hash of each noun."""
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    command = [compiler, *ARITHMETIC, *flags, f"-I{HEADER.parent}"]

    def compile_one(source: Path) -> str:
        made = tmp_path / f"{source.stem}.o"
        subprocess.run([*command, "-c", str(source), "-o", str(made)], check=True)
        return str(made)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compile_one, [*SOURCES, *DRIVER]))
    program = tmp_path / "driver"
    subprocess.run([*command, *objects, "-o", str(program), "-lm"], check=True)
    output = subprocess.run([*prefix, str(program)], check=True, capture_output=True, text=True, timeout=900).stdout
    hashes: dict[str, dict[str, str]] = {}
    for line in output.splitlines():
        isa, noun, value = line.split()
        hashes.setdefault(isa, {})[noun] = value
    return hashes


def check(hashes: dict[str, dict[str, str]]) -> None:
    """All alike but for the instruction set without FMA."""
    assert hashes
    for isa in hashes.keys() - {"baseline"}:
        assert hashes[isa] == FUSED, isa


def test_the_driver_calls_every_kernel() -> None:
    listed = set(re.findall(r"^ +X\((\w+),", HEADER.read_text(), re.M))
    called = set(re.findall(r"\bK->(\w+)", "".join(path.read_text() for path in DRIVER)))
    assert "gemm_block" in listed and listed == called - {"isa"}


@pytest.mark.slow
def test_sanitizers(tmp_path: Path) -> None:
    """No kernel touches memory that is not its own, nor does anything undefined."""
    compiler = next(filter(shutil.which, ("gcc", "clang")), "gcc")
    empty = tmp_path / "empty.c"
    empty.write_text("int main(void) { return 0; }\n")
    probe = [compiler, *SANITIZERS, str(empty), "-o", str(tmp_path / "empty")]
    if shutil.which(compiler) and subprocess.run(probe, capture_output=True).returncode:
        pytest.skip(f"{compiler} comes without its sanitizers (Debian: libasan and libubsan)")
    check(run(tmp_path, compiler, [*DEBUG, *SANITIZERS]))


@pytest.mark.slow
@pytest.mark.parametrize("compiler", ["gcc", "clang", "clang-14", "clang-19"])
def test_other_compilers(tmp_path: Path, compiler: str) -> None:
    """Optimised by any compiler, the bits are the same."""
    check(run(tmp_path, compiler, ["-O3"]))


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() == "aarch64", reason="this machine is one")
def test_neon_gives_the_same_bits(tmp_path: Path) -> None:
    """NEON, by Debian's cross compiler and qemu-user."""
    if shutil.which("qemu-aarch64") is None:
        pytest.skip("qemu-aarch64 is not installed (Debian: qemu-user)")
    hashes = run(tmp_path, "aarch64-linux-gnu-gcc", ["-O3", "-static"], ("qemu-aarch64",))
    assert list(hashes) == ["neon"]
    check(hashes)
