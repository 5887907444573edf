"""The package as a stranger meets it: its metadata, what is in the wheel and the sdist, what an import costs."""

import ast
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib import metadata
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

import fastdl

CHECKOUT = Path(__file__).resolve().parents[1]
PACKAGE = Path(fastdl.__file__).parent
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
IN_PLACE = PACKAGE.parent == CHECKOUT
MEBIBYTE = 2**20

installed = pytest.mark.skipif(IN_PLACE, reason="tests the installed package, and this one was built in place")


def kernels_in(names: list[str]) -> set[str]:
    """The compiled modules among the names of files."""
    suffixes = tuple(EXTENSION_SUFFIXES)
    return {Path(name).name.split(".")[0] for name in names if name.endswith(suffixes)}


def nouns() -> set[str]:
    """The kernel modules that the checkout has sources of."""
    return {path.stem for path in (CHECKOUT / "fastdl" / "kernels").glob("*.pyx")}


def check_wheel_content(names: list[str]) -> None:
    """Nothing but what is needed at run time, and all of that."""
    sources = [name for name in names if re.search(r"\.(c|h|inc|pyx|pxd|o|sh)$", name)]
    assert not sources
    assert kernels_in(names) == {*nouns(), "_cyutility"}  # the last is what Cython shares among them
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"fastdl"}
    python = {path.relative_to(CHECKOUT).as_posix() for path in (CHECKOUT / "fastdl").rglob("*.py")}
    stubs = {f"fastdl/kernels/{noun}.pyi" for noun in nouns()}
    data = {"fastdl/py.typed", "fastdl/datasets/digits.npz", "fastdl/datasets/DIGITS.md"}
    assert python | stubs | data <= set(names)
    assert {name for name in names if name.startswith("fastdl/") and name.endswith(".py")} == python


def check_stripped(library: bytes, name: str) -> None:
    """No symbol table beyond the dynamic one, no debug information (ELF only)."""
    if library.startswith(b"\x7fELF"):
        assert b".symtab\0" not in library and b".debug_info\0" not in library, name


# ------------------------------------------------------------------------------------------------------- metadata


def test_version_is_said_once() -> None:
    assert fastdl.__version__ == PROJECT["version"]


@installed
def test_metadata() -> None:
    meta = metadata.metadata("fastdl-nn")
    assert meta["Version"] == PROJECT["version"] and meta["License-Expression"] == "BSD-3-Clause"
    assert meta["Requires-Python"] == ">=3.11"
    assert set(meta.get_all("Provides-Extra")) >= {"cli", "test", "sklearn", "plot", "tabular", "bench", "all", "dev"}


@installed
def test_command_is_installed() -> None:
    (entry,) = metadata.entry_points(group="console_scripts", name="fastdl")
    assert entry.value == "fastdl.cli:main" and callable(entry.load())


def test_core_dependencies_are_few() -> None:
    assert {re.split(r"[<>=]", requirement)[0] for requirement in PROJECT["dependencies"]} == {
        "numpy",
        "safetensors",
        "tqdm",
    }


def test_changelog_knows_the_version() -> None:
    assert f"## {PROJECT['version']}" in (CHECKOUT / "CHANGELOG.md").read_text()


# --------------------------------------------------------------------------------------------- what is installed


@installed
def test_installed_files() -> None:
    files = metadata.files("fastdl-nn")
    assert files is not None
    names = [name for name in map(str, files) if "__pycache__" not in name and not name.startswith("..")]
    if not any(name.startswith("fastdl/") for name in names):
        pytest.skip("an editable install has its files elsewhere")
    check_wheel_content(names)
    for file in files:
        if kernels_in([str(file)]):
            check_stripped(file.read_binary(), str(file))
    assert sum(file.size or 0 for file in files) < 2 * 3 * MEBIBYTE


def test_import_is_light() -> None:
    # Beyond NumPy, `import fastdl` loads files of its own and nothing else, however small: 10 ms are few.
    program = (
        "import sys, numpy\n"
        "before = set(sys.modules)\n"
        "import fastdl\n"
        "print(*sorted(set(sys.modules) - before - {'__future__'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    )
    names = [name for name in done.stdout.split() if "cy" not in name.split(".")[0]]  # Cython's own: no files
    assert {name.split(".")[0] for name in names} == {"fastdl"}, names
    # What most programs will use comes when it is used.
    assert {"fastdl.trainer", "fastdl.nn", "fastdl.cli", "fastdl.data", "fastdl.schedule"}.isdisjoint(names)


def test_import_leaves_the_process_as_it_was() -> None:
    program = (
        "import os, signal, sys, threading, warnings\n"
        "def state(): return (signal.getsignal(signal.SIGINT), threading.active_count(), dict(os.environ),"
        " os.getcwd(), list(warnings.filters), sys.excepthook)\n"
        "import numpy\n"
        "before = state(); import fastdl; assert state() == before"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=PACKAGE.parent)


# --------------------------------------------------------------------------------------------------------- README


def readme_blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (CHECKOUT / "README.md").read_text(), re.M | re.S)


def test_readme_has_the_two_commands() -> None:
    commands = [line for block in readme_blocks("sh") for line in block.splitlines()]
    assert 'pip install ".[cli]" && fastdl train digits' in commands
    assert 'pip install ".[test]" && pytest' in commands


def test_readme_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    example = readme_blocks("python")[0]
    assert len(example.strip().splitlines()) <= 20
    names = {
        alias.name for node in ast.walk(ast.parse(example)) if isinstance(node, ast.Import) for alias in node.names
    }
    assert "fastdl" in names
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), {})
    assert capsys.readouterr().out


# ------------------------------------------------------------------------------------------- building, slow


@pytest.fixture(scope="module")
def checkout_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout without what builds leave in it."""
    copy = tmp_path_factory.mktemp("checkout") / "fastdl"
    leavings = shutil.ignore_patterns(
        ".git", "build", "dist", "*.egg-info", "*.so", "__pycache__", ".*_cache", ".hypothesis"
    )
    shutil.copytree(CHECKOUT, copy, ignore=leavings)
    return copy


@pytest.mark.slow
def test_sdist_builds_the_wheel(checkout_copy: Path) -> None:
    # The wheel is made from the sdist, so what the build needs is in there.
    pytest.importorskip("build", reason='comes with pip install ".[dev]"')
    subprocess.run([sys.executable, "-m", "build", str(checkout_copy)], check=True, cwd=checkout_copy.parent)
    (sdist,) = (checkout_copy / "dist").glob("*.tar.gz")
    (wheel,) = (checkout_copy / "dist").glob("*.whl")

    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {
        "setup.py",
        "csrc/fastdl.h",
        "csrc/isa/avx2.c",
        "tests/reference.py",
        "docs/architecture.md",
        ".ci/run",
        "LICENSE",
    }
    assert wanted <= names
    assert not [name for name in names if re.search(r"\.so$|\.o$|^build/|__pycache__|kernels/\w+\.c$", name)]

    assert wheel.stat().st_size <= 3 * MEBIBYTE
    with zipfile.ZipFile(wheel) as archive:
        check_wheel_content(archive.namelist())
        for name in archive.namelist():
            if kernels_in([name]):
                check_stripped(archive.read(name), name)


# A project of two tiny modules, built by the real setup.py: csrc belongs to _team, and both include its header.
TOY = {
    "csrc/fastdl.h": "int toy(void);\n",
    "csrc/dispatch.c": '#include "fastdl.h"\nint toy(void) { return 3; }\n',
    "csrc/isa/baseline.c": "typedef int nothing;\n",
    "fastdl/__init__.py": "",
    "fastdl/__init__.pxd": "",
    "fastdl/kernels/__init__.py": "",
    "fastdl/kernels/__init__.pxd": "",
    "fastdl/kernels/_team.pyx": 'cdef extern from "fastdl.h":\n    int toy()\n\ndef number():\n    return toy()\n',
    "fastdl/kernels/noun.pyx": "def double(x):\n    return 2 * x\n",
}


@pytest.mark.slow
def test_build_makes_anew_only_what_changed(tmp_path: Path) -> None:
    pytest.importorskip("Cython")
    for name, text in TOY.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    shutil.copy(CHECKOUT / "setup.py", tmp_path)

    def build(*options: str) -> set[str]:
        """The objects and modules that were made."""
        command = [sys.executable, "setup.py", "build_ext", "--inplace", *options]
        out = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
        made = re.findall(r" -o build/\S*?([a-z_]+)\.(?:o|c\S*so)\b", out)
        return set(made)

    def number() -> str:
        program = "from fastdl.kernels import _team, noun; print(noun.double(_team.number()))"
        return subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path
        ).stdout.strip()

    native = {"dispatch", "baseline"}
    everything = {*native, "_team", "noun", "_cyutility"}
    assert build() == everything and number() == "6"
    assert build() == set()
    (tmp_path / "csrc" / "dispatch.c").write_text(TOY["csrc/dispatch.c"].replace("3", "4"))
    assert build() == {*native, "_team"} and number() == "8"
    (tmp_path / "csrc" / "fastdl.h").touch()
    assert build() == everything
    (tmp_path / "fastdl/kernels/noun.pyx").write_text("def double(x):\n    return x + x + 1\n")
    assert build() == {"noun"} and number() == "9"
    assert build("--debug") == build() == everything
    assert not list((tmp_path / "fastdl").rglob("*.c"))
    (tmp_path / "csrc" / "dispatch.c").write_text("#include <Python.h>\n")
    with pytest.raises(subprocess.CalledProcessError):
        build()
