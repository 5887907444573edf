"""What docs/sklearn.md and the examples about scikit-learn say and do."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sklearn")

from sklearn import neural_network

import fastdl as fdl

CHECKOUT = Path(__file__).resolve().parents[1]
PAGE = (CHECKOUT / "docs" / "sklearn.md").read_text()
KINDS = ["MLPClassifier", "MLPRegressor"]


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_are_those_of_scikit_learn_first(kind: str) -> None:
    theirs, ours = (inspect.signature(getattr(home, kind)).parameters for home in (neural_network, fdl))
    shared = [name for name in ours if name in theirs]
    assert shared == list(theirs) == list(ours)[: len(theirs)]
    for name, parameter in theirs.items():
        assert ours[name].default == parameter.default and ours[name].kind == parameter.kind, name


@pytest.mark.parametrize("kind", KINDS)
def test_docstring_and_page_name_every_parameter(kind: str) -> None:
    cls = getattr(fdl, kind)
    theirs, ours = (inspect.signature(getattr(home, kind)).parameters for home in (neural_network, fdl))
    head = (cls.__doc__ or "").split("Attributes\n")[0]
    documented = {name for line in re.findall(r"^    (\w+(?:, \w+)*) : ", head, re.M) for name in line.split(", ")}
    assert documented == set(ours)
    assert all(f"`{name}=" in PAGE for name in set(ours) - set(theirs))


def test_the_page_s_program_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (program,) = [code for code in re.findall(r"```python\n(.*?)```", PAGE, re.S) if "model.fit" in code]
    exec(program, {})
    assert (tmp_path / "digits.safetensors").exists()


def test_the_benchmark_runs() -> None:
    path = os.pathsep.join([str(Path(fdl.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "benchmarks.sklearn", "--quick"]
    done = subprocess.run(command, cwd=CHECKOUT, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.search(r"digits: width 32 .* \d+\.\dx .* 0\.9\d\d", done.stdout), done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted((CHECKOUT / "examples").glob("sklearn_*.py")), ids=lambda path: path.stem)
def test_examples_run(path: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    done = subprocess.run([sys.executable, path, "picture.png"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "picture.png").stat().st_size > 10_000 and f"examples/{path.name}" in PAGE
