"""Benchmarks run: each shows in seconds that it works, and keeps what it should. What they measure is nobody's test."""

import json
import math
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import fastdl

CHECKOUT = Path(__file__).resolve().parents[1]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module of benchmarks/ as people do, with the fastdl that is tested."""
    path = os.pathsep.join([str(Path(fastdl.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", *arguments]
    environment = {**os.environ, "PYTHONPATH": path, "MPLBACKEND": "Agg"}
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=300)


def kept(folder: Path, module: str, *arguments: str) -> tuple[dict, str, str]:
    """What a quick run prints and keeps: numbers, page, output."""
    done = run(module, "--quick", "--save", "probe", "--anyway", "--out", str(folder), *arguments)
    assert done.returncode == 0, done.stderr
    (numbers,) = folder.glob("*.json")
    page = numbers.with_suffix(".md").read_text()
    assert str(Path(fastdl.__file__).parent) not in page + numbers.read_text(), "nobody's folders are kept"
    return json.loads(numbers.read_text()), page, done.stdout


def test_peers(tmp_path: Path) -> None:
    numbers, page, output = kept(tmp_path, "benchmarks.peers", "--peers")
    timings = numbers["timings"]
    assert {(one["case"], one["peer"], one["busy"]) for one in timings} == {
        (case, "fastdl", busy) for case in ("S1", "W45") for busy in (False, True)
    }
    assert all(0 < one["microseconds_a_step"] <= one["median"] for one in timings)
    assert "W45 (10-45-45-10, batch 128, plain), 3,025 parameters" in output and "beside a busy process" in output
    assert output.split("S1 (", 1)[1].split("\n")[0] in page and numbers["machine"]["commit"] in page


@pytest.mark.slow
@pytest.mark.parametrize("peer", ["sklearn", "torch", "torch_compiled", "torch_bf16", "jax"])
def test_a_peer(tmp_path: Path, peer: str) -> None:
    if find_spec(peer.split("_")[0]) is None:
        pytest.skip(f"{peer} is not installed")
    numbers, page, _ = kept(tmp_path, "benchmarks.peers", "--no-busy", "--peers", peer)
    assert {one["peer"] for one in numbers["timings"]} == {"fastdl", peer}
    assert "times faster" in page


def test_roofline(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    numbers, page, output = kept(tmp_path, "benchmarks.roofline")
    ops = [one["op"] for one in numbers["ops"]]
    assert ops.count("dense.forward") == 3 and "optimizer.adam" in ops
    assert numbers["peak_gflops"] > 0 and all(one["seconds"] > 0 and one["least"] >= 0 for one in numbers["ops"])
    assert "S1: a step's ops take" in output and "![roofline](probe-roofline.png)" in page
    assert (tmp_path / "probe-roofline.png").read_bytes().startswith(b"\x89PNG")


def test_scaling(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    numbers, page, _ = kept(tmp_path, "benchmarks.scaling")
    assert [sweep["factor"] for sweep in numbers["sweeps"]] == ["rows", "epochs", "width", "depth", "batch"]
    for sweep in numbers["sweeps"]:
        assert sweep["values"][-1] == 100 * sweep["values"][0] and min(sweep["seconds"]) > 0
    assert "rows" in page and (tmp_path / "probe-scaling.png").exists()


def test_latency() -> None:
    done = run("benchmarks.latency", "--quick")
    assert done.returncode == 0, done.stderr
    assert "net.predictor(rows=1)" in done.stdout and "NumPy" in done.stdout


def test_gemm(tmp_path: Path) -> None:
    numbers, page, _ = kept(tmp_path, "benchmarks.gemm", "--shape", "3", "20", "17")
    assert [one["form"] for one in numbers["products"]] == ["x w", "xT dy", "dy wT"]
    assert page.count("3x20x17") == 3 and min(one["fastdl"] for one in numbers["products"]) > 0


def test_tables(tmp_path: Path) -> None:
    for needed in ("matplotlib", "pandas", "sklearn"):
        pytest.importorskip(needed)
    numbers, page, _ = kept(tmp_path, "benchmarks.tables", "--only", "wine", "--only", "diabetes")
    assert list(numbers) == ["wine", "diabetes"]
    for table in numbers.values():
        assert {"fastdl simple", "fastdl default", "scikit-learn MLP", "scikit-learn boosting"} <= set(table["models"])
        assert all(run["fit"] > 0 and run["error"] >= 0 for runs in table["models"].values() for run in runs)
        assert set(table["memory"]) == set(table["models"])
        assert all(math.isnan(used) or used >= 0.0 for used in table["memory"].values())
    assert "wine (178 x 13)" in page and " MiB" in page


def test_tricks(tmp_path: Path) -> None:
    numbers, page, _ = kept(tmp_path, "benchmarks.tricks")
    assert {"EMA of the weights", "clipping by the norm", "batch norm"} <= {one["trick"] for one in numbers}
    assert all(one["low"] <= one["price"] <= one["high"] for one in numbers) and "| mixup |" in page


@pytest.mark.parametrize("module", ["peers", "roofline", "scaling", "gemm", "tables", "tricks"])
@pytest.mark.parametrize("name", ["../up", "a b", ""])
def test_a_name_that_is_no_file_is_refused(module: str, name: str) -> None:
    done = run(f"benchmarks.{module}", "--quick", "--save", name)
    assert done.returncode == 2 and "letters, digits and hyphens" in done.stderr
