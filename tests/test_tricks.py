"""The guide: its tables are the stored numbers, its code runs, and its command works."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fastdl as fdl
from fastdl import callbacks, datasets, nn, optim, schedule

CHECKOUT = Path(__file__).parents[1]
GUIDE = CHECKOUT / "docs" / "tricks"
PAGES = sorted(path.stem for path in (GUIDE / "results").glob("*.json"))


def test_every_page_has_an_experiment_and_the_other_way_round() -> None:
    experiments = {path.stem for path in (GUIDE / "experiments").glob("*.py")} - {"common", "__init__"}
    pages = {path.stem for path in GUIDE.glob("*.md")} - {"index"}
    assert set(PAGES) == experiments == pages
    assert all(page in (GUIDE / "index.md").read_text(encoding="utf-8") for page in PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_tables_are_the_stored_numbers(page: str) -> None:
    stored = json.loads((GUIDE / "results" / f"{page}.json").read_text(encoding="utf-8"))
    text = (GUIDE / f"{page}.md").read_text(encoding="utf-8")
    table = text.split("-->")[1].split("<!--")[0]
    rows = re.findall(r"^\| ([^|]+) \| (.+) \|$", table, re.MULTILINE)
    assert [name for name, _ in rows] == list(stored["values"])
    for name, cells in rows:
        for column, cell in enumerate(cells.split(" | ")):
            values = [seed[column] for seed in stored["values"][name]]
            assert len(values) >= (3 if page == "mnist" else 5)
            mean = sum(values) / len(values)
            spread = (sum((value - mean) ** 2 for value in values) / (len(values) - 1)) ** 0.5
            assert cell == f"{mean:.4g} ± {spread:.2g}"


@pytest.mark.parametrize("page", PAGES)
def test_the_code_runs(page: str) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (GUIDE / f"{page}.md").read_text(encoding="utf-8"), re.DOTALL)
    X, y = datasets.load_digits()
    names = {
        "fdl": fdl,
        "nn": nn,
        "optim": optim,
        "schedule": schedule,
        "callbacks": callbacks,
        "X": X[:100],
        "y": y[:100],
    }
    names["net"] = nn.Sequential(nn.MinMaxScale(), nn.Dense(8), nn.ReLU(), nn.Dense(10))
    exec(re.sub(r"epochs=\d+", "epochs=1", code), names)


@pytest.mark.parametrize("page", ["batch_norm", "averaging"])
def test_the_command_runs(page: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = os.pathsep.join([str(Path(fdl.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-P", str(GUIDE / "run.py"), "--quick", "--out", str(tmp_path), page]
    done = subprocess.run(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "results" / f"{page}.svg").stat().st_size > 5_000
    assert "1 seeds" in (tmp_path / f"{page}.md").read_text(encoding="utf-8")
