"""The pages of docs: what they quote is there, what they tell to do works, and Sphinx builds them without warnings."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fastdl
from fastdl import kernels

CHECKOUT = Path(__file__).resolve().parents[1]
PAGE = CHECKOUT / "docs" / "kernels.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)


def part(title: str) -> str:
    """The text under a heading of the page about kernels, up to the next of its level."""
    return re.split(r"^## ", PAGE.read_text().split(f"\n## {title}\n")[1], maxsplit=1, flags=re.M)[0]


def test_quoted_code_is_the_code() -> None:
    folders = [CHECKOUT / "csrc", CHECKOUT / "fastdl" / "kernels"]
    sources = [
        path.read_text() for folder in folders for path in folder.iterdir() if path.suffix in (".c", ".h", ".pyx")
    ]
    blocks = [text for _, text in BLOCK.findall(part("How one is built"))]
    assert len(blocks) >= 5
    for block in blocks:
        assert any(block in source for source in sources), block


def test_every_kernel_states_its_error() -> None:
    table = set(re.findall(r"`(\w+)`", part("Error bounds")))
    assert set(kernels.__all__) - table == set()


def changes() -> list[tuple[str, str, str]]:
    """What the page tells to do: (file, the line before which it goes or "" for a new file, text)."""
    found = []
    for step in re.split(r"^### \d+\. ", part("How to add one"), flags=re.M)[1:]:
        title, _, body = step.partition("\n")
        path = re.findall(r"`([\w./]+)`", title)
        for match in BLOCK.finditer(body):
            if match[1] == "sh":
                continue
            lead = body[: match.start()].rstrip().rsplit("\n", 1)[-1]
            place = re.search(r"before `([^`]+)`:$", lead, re.I)
            named = re.search(r"in `([\w./]+)`, before", lead)
            found.append((named[1] if named else path[0], place[1] if place else "", match[2]))
    return found


def apply(tree: Path) -> None:
    """Follow the page in a copy of the sources."""
    for name, before, text in changes():
        path = tree / name
        if not before:
            assert not path.exists(), name
            path.write_text(text)
            continue
        lines = path.read_text().splitlines(keepends=True)
        (at, *_) = [i for i, line in enumerate(lines) if line.startswith(before)]
        path.write_text("".join([*lines[:at], text, *lines[at:]]))


def copy_of_the_sources(folder: Path) -> Path:
    """The checkout without what builds leave in it."""
    leavings = shutil.ignore_patterns(
        ".git", "build", "dist", "*.egg-info", "*.so", "__pycache__", ".*_cache", ".hypothesis"
    )
    return Path(shutil.copytree(CHECKOUT, folder / "fastdl", ignore=leavings))


def test_the_steps_can_be_taken(tmp_path: Path) -> None:
    files = [name for name, _, _ in changes()]
    assert len(files) == 12 and files[0] == "csrc/clamp.c" and "tests/native/driver.h" in files
    apply(copy_of_the_sources(tmp_path))


COMPARE = """
import numpy as np
from fastdl import kernels
x = np.random.default_rng(0).standard_normal((123, 45), dtype=np.float32)
assert (kernels.clamp(x, -0.5, 0.25) == np.clip(x, np.float32(-0.5), np.float32(0.25))).all()
print(kernels.__file__)
"""


@pytest.mark.slow
def test_the_page_adds_a_kernel(tmp_path: Path) -> None:
    """Each step of the page, to the letter; then its own commands."""
    pytest.importorskip("Cython")
    tree = copy_of_the_sources(tmp_path)
    apply(tree)
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    steps = [text for language, text in BLOCK.findall(part("How to add one")) if language == "sh"]
    commands = [line.split()[1:] for line in "".join(steps).splitlines()]
    assert [command[0] for command in commands] == ["setup.py", "-m"]
    for command in [*commands, ["-c", COMPARE], ["-m", "pytest", "-n", "0", "tests/test_native.py"]]:
        done = subprocess.run(
            [sys.executable, *command], cwd=tree, env=environment, capture_output=True, text=True, timeout=1800
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        if command[0] == "-c":
            assert Path(done.stdout.strip()).is_relative_to(tree)


@pytest.mark.slow
def test_sphinx_builds_the_pages_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason='comes with pip install ".[docs]"')
    folder = str(CHECKOUT / "docs")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-d", str(tmp_path / "cache"), folder]
    environment = {**os.environ, "PYTHONPATH": str(Path(fastdl.__file__).parents[1])}
    done = subprocess.run(
        [*command, str(tmp_path / "html")], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-4000:]
    text = (tmp_path / "html" / "api" / "kernels.html").read_text()
    missing = [name for name in kernels.__all__ if f'id="fastdl.kernels.{name}"' not in text]
    assert not missing
