"""Every example runs, and says something."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import fastdl

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
NEEDS = {"hyperparameter_search": "optuna"}
ARGUMENTS = {"hyperparameter_search": ["4"]}
SCRIPTS = [path for path in sorted(EXAMPLES.glob("*")) if path.suffix in (".py", ".sh")]


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", [path for path in SCRIPTS if not path.stem.startswith("sklearn_")], ids=lambda path: path.stem
)
def test_example(path: Path, tmp_path: Path) -> None:
    needed = NEEDS.get(path.stem)
    if needed and importlib.util.find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed")
    roots = os.path.dirname(os.path.dirname(fastdl.__file__))
    environment = {**os.environ, "PYTHONPATH": roots, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    arguments = [str(tmp_path)] if path.suffix == ".sh" else ARGUMENTS.get(path.stem, [])
    program = ["sh"] if path.suffix == ".sh" else [sys.executable]
    result = subprocess.run(
        [*program, str(path), *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) >= 1 and "Traceback" not in result.stderr
