"""The three storeys, read from the sources: who may include, cimport and use what. import-linter reads the Python."""

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
KERNELS = CHECKOUT / "fastdl" / "kernels"
CSRC = CHECKOUT / "csrc"

# C headers that are Python or bring threads, memory and failure: what a tile of arithmetic must not know.
FORBIDDEN_IN_C = {
    "Python": r"#\s*include\s*[<\"](Python|numpy/)",
    "OpenMP": r"#\s*pragma\s+omp|_Pragma\s*\(\s*\"omp|#\s*include\s*<omp\.h>|\bomp_\w+\s*\(",
    "threads": r"#\s*include\s*<(pthread|threads|stdatomic|sched)\.h>",
    "memory": r"\b(malloc|calloc|realloc|aligned_alloc|posix_memalign|alloca|free)\s*\(",
    "input, output or exit": r"\b(printf|fprintf|puts|abort|exit|assert)\s*\(",
}
CIMPORT = re.compile(
    r"^\s*(?:from\s+(?P<origin>[\w.]+)\s+cimport\s+(?P<names>\([^)]*\)|[^#\n]+)|cimport\s+(?P<whole>[^#\n]+))", re.M
)
OUTSIDE = {"libc", "cython", "cpython", "numpy", "openmp"}
EXTERN = re.compile(r"""^\s*cdef\s+extern\s+from\s+["'<]+([^"'>]+)""", re.M)


def without_comments(c: str) -> str:
    """C source whose comments are gone and whose lines are still the same lines."""
    blank = lambda match: "\n" * match.group().count("\n") or " "  # noqa: E731
    return re.sub(r"/\*.*?\*/|//[^\n]*", blank, c, flags=re.S)


def cimports(source: str) -> set[str]:
    """The modules a Cython source cimports, siblings by their bare names: `from ._team cimport run` gives `_team`."""
    found: set[str] = set()
    for match in CIMPORT.finditer(source):
        if match["whole"]:
            found.update(name.split(" as ")[0].strip() for name in match["whole"].split(","))
        elif match["origin"] in (".", "fastdl.kernels"):
            names = match["names"].strip("() \n").replace("\n", " ")
            found.update(name.split(" as ")[0].strip() for name in names.split(",") if name.strip())
        else:
            found.add(match["origin"])
    return {name.removeprefix("fastdl.kernels.").removeprefix(".") for name in found}


def forbidden_cimports(source: str) -> set[str]:
    """What a noun's module may not cimport: other nouns. Private siblings and what comes from outside are fine."""
    return {name for name in cimports(source) if not name.startswith("_") and name.split(".")[0] not in OUTSIDE}


def relative(path: Path) -> str:
    return path.relative_to(CHECKOUT).as_posix()


CYTHON = sorted([*KERNELS.glob("*.pyx"), *KERNELS.glob("*.pxd")])
NATIVE = sorted([*CSRC.rglob("*.[ch]"), *CSRC.rglob("*.inc")])
PYTHON = sorted((CHECKOUT / "fastdl").rglob("*.py"))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from ._team cimport K, Op", set()),
        ("from fastdl.kernels._program cimport Step", set()),
        ("from libc.stdint cimport uint32_t\ncimport cython", set()),
        ("from . cimport _team", set()),
        ("# from .dense cimport run", set()),
        ("from .dense cimport run", {"dense"}),
        ("from . cimport _team, dense as d", {"dense"}),
        ("cimport fastdl.kernels.dense", {"dense"}),
        ("from fastdl.kernels cimport (\n    _team,\n    loss,\n)", {"loss"}),
        ("    from .loss cimport run  # late", {"loss"}),
        ("cimport numpy as np", set()),
    ],
)
def test_the_reader_of_cimports_sees_what_is_there(source: str, expected: set[str]) -> None:
    assert forbidden_cimports(source) == expected


def test_there_is_something_to_read() -> None:
    assert KERNELS / "_team.pyx" in CYTHON
    assert CSRC / "dispatch.c" in NATIVE
    assert CHECKOUT / "fastdl" / "__init__.py" in PYTHON


@pytest.mark.parametrize("path", CYTHON, ids=relative)
def test_kernel_modules_share_only_private_modules(path: Path) -> None:
    assert forbidden_cimports(path.read_text()) == set(), "what two nouns share belongs into a private module (_name)"


@pytest.mark.parametrize("path", CYTHON, ids=relative)
def test_kernel_modules_reach_c_through_headers_of_ours(path: Path) -> None:
    ours = {header.name for header in [*CSRC.glob("*.h"), *KERNELS.glob("*.h")]}
    system = {"stdint.h", "stddef.h", "string.h", "math.h", "stdlib.h"}
    assert {name for name in EXTERN.findall(path.read_text()) if name != "*"} <= ours | system


@pytest.mark.parametrize("path", sorted(KERNELS.glob("*.pyx")), ids=relative)
def test_kernel_modules_do_not_import_siblings_at_run_time(path: Path) -> None:
    siblings = {p.stem for p in KERNELS.glob("[!_]*.pyx")} - {path.stem}
    imported = re.findall(r"^\s*from\s+(?:\.|fastdl\.kernels\.)(\w+)\s+import", path.read_text(), re.M)
    assert siblings.isdisjoint(imported)


@pytest.mark.parametrize("path", NATIVE, ids=relative)
@pytest.mark.parametrize("what", FORBIDDEN_IN_C)
def test_c_is_arithmetic_only(path: Path, what: str) -> None:
    found = re.findall(FORBIDDEN_IN_C[what], without_comments(path.read_text()))
    assert not found, f"{what} in {relative(path)}"


@pytest.mark.parametrize("path", NATIVE, ids=relative)
def test_c_has_no_mutable_globals(path: Path) -> None:
    # What `static` starts is a function, or data that must be const: a pointer itself, not only what it points to.
    declarations = re.findall(
        r"(?:^|[{;])\s*static\s+(?!inline\b)([^()\n;=]*)[;=]", without_comments(path.read_text()), re.M
    )
    assert not [text for text in declarations if not re.search(r"\*\s*const\b" if "*" in text else r"\bconst\b", text)]


# `fastdl bench` lets NumPy's users draw from NumPy's generator.
OPPONENT = CHECKOUT / "fastdl" / "cli" / "races" / "noise.py"


@pytest.mark.parametrize("path", [path for path in PYTHON if path != OPPONENT], ids=relative)
def test_random_numbers_come_from_philox_alone(path: Path) -> None:
    assert not re.search(r"\b(np|numpy)\.random\b|^\s*(import|from)\s+random\b", path.read_text(), re.M)


@pytest.mark.parametrize("path", [*CYTHON, *NATIVE], ids=relative)
def test_native_code_draws_no_numbers_of_its_own(path: Path) -> None:
    assert not re.search(
        r"\b(np|numpy)\.random\b|\b(rand|srand|random)\s*\(\s*\)|libc\.stdlib\s+cimport.*\brand\b", path.read_text()
    )


def test_openmp_has_one_home() -> None:
    users = {
        relative(path)
        for path in [*CYTHON, *PYTHON, *NATIVE, *KERNELS.glob("*.h")]
        if re.search(
            r"^\s*(from|cimport)\s.*\b(openmp|cython\.parallel)\b|#\s*pragma\s+omp|<omp\.h>", path.read_text(), re.M
        )
    }
    assert {Path(name).stem for name in users} <= {"_team", "team"}, "only the team knows threads"


def test_every_kernel_module_has_a_stub() -> None:
    assert {p.stem for p in KERNELS.glob("*.pyx")} == {p.stem for p in KERNELS.glob("*.pyi")} - {"__init__"}


@pytest.mark.parametrize("path", [path for path in PYTHON if "cli" not in path.parts], ids=relative)
def test_only_the_command_line_imports_the_package_as_a_whole(path: Path) -> None:
    # import-linter has to look away here, since it takes an import of a compiled module for one of the package.
    assert not re.search(r"^\s*import fastdl\s*(as\b|$|#|,)", path.read_text(), re.M)
