"""How the compiled half of fastdl is built; everything else about the package stands in pyproject.toml.

Each `fastdl/kernels/<noun>.pyx` becomes an extension module. The C of `csrc/` is compiled once, by rules of its own,
and linked into `fastdl.kernels._team` alone. Both lists are globs: a new kernel needs no change here.
"""

import os
import shlex
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from glob import glob
from pathlib import Path
from typing import ClassVar

import setuptools
from setuptools import Extension, setup
from setuptools.command.build import build
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CompileError, LinkError, PlatformError

if int(setuptools.__version__.split(".")[0]) < 77:  # which reject pyproject.toml, and say so at length
    raise SystemExit("fastdl needs setuptools 77 or later to build: pip install --upgrade setuptools")

MACOS = sys.platform == "darwin"

# The promise of equal bits (docs/architecture.md) forbids contraction and whatever in -ffast-math reorders. The last
# two say that nobody looks at errno or at the floating-point exception flags: with them, loops don't vectorise.
ARITHMETIC = ["-std=gnu11", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
# Cython's output is not clean by these, so they are for csrc only.
WARNINGS = [
    *("-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wstrict-prototypes", "-Wdouble-promotion", "-Wvla"),
    "-Werror",
]
STRIP = ["-Wl,-S,-x"] if MACOS else ["-s"]
# Apple's clang takes the pragmas only past its driver, and comes without a runtime.
OPENMP = [(["-fopenmp"], ["-fopenmp"]), *([(["-Xpreprocessor", "-fopenmp"], ["-lomp"])] if MACOS else [])]
OPENMP_PROBE = "#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n"
OPENMP_MISSING = """{error}
fastdl needs a C compiler with OpenMP: gcc, or clang with libomp. The one above cannot build a program that uses it.
Debian, Ubuntu: apt-get install gcc libc6-dev.  macOS: brew install libomp, then
CFLAGS=-I$(brew --prefix libomp)/include LDFLAGS=-L$(brew --prefix libomp)/lib before the build."""
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
    "embedsignature": False,
    "annotation_typing": False,  # annotations are for readers: as types Cython would convert 1.5 to 1 silently
}

# No -m flags: each file of csrc/isa/ names its own target, and is empty on a processor of another family.
NATIVE_SOURCES = ["csrc/dispatch.c", *sorted(glob("csrc/isa/*.c"))]
# The files of isa/ include the kernels, so that a change of any file concerns nearly all objects.
NATIVE_INPUTS = sorted(path for path in glob("csrc/**", recursive=True) if os.path.isfile(path))
INCLUDE = ["csrc", "fastdl/kernels"]
HEADERS = sorted([*glob("csrc/**/*.h", recursive=True), *glob("fastdl/kernels/*.h")])


def is_stale(path: str | Path, inputs: Iterable[str | Path]) -> bool:
    """Whether `path` is missing or older than any of `inputs`."""
    return not os.path.exists(path) or max(map(os.path.getmtime, inputs)) > os.path.getmtime(path)


class Build(build):
    """Start from what the tree holds now: else a module that was renamed or removed lives on in the next wheel."""

    def run(self) -> None:
        extensions = {os.path.abspath(path) for path in self.get_finalized_command("build_ext").get_outputs()}
        for path in Path(self.build_lib).rglob("*"):
            if path.is_file() and os.path.abspath(path) not in extensions:
                path.unlink()
        super().run()


class BuildKernels(build_ext):
    """Compile csrc, translate the .pyx files under build/, then build the extensions; `--debug` for a debugger.

    Only what is older than its inputs is made anew. Among the inputs is a file of the commands in use, so that another
    compiler, another NumPy, CFLAGS or `--debug` never meets the objects of the build before.
    """

    NAME_OF_NATIVE: ClassVar[str] = "fastdl.kernels._team"  # every other module reaches csrc through the team's table
    NAME_OF_SHARED: ClassVar[str] = "fastdl.kernels._cyutility"  # Cython's own helpers, else 130 KiB in each module

    def build_extensions(self) -> None:
        import Cython  # here, since metadata and sdist need neither
        import numpy

        if self.compiler.compiler_type != "unix":
            raise PlatformError(f"fastdl builds with gcc or clang, not with {self.compiler.compiler_type!r}")
        self.parallel = self.parallel or min(4, os.cpu_count() or 1)
        openmp_compile, openmp_link = self.find_openmp()
        optimise = ["-O1", "-g"] if self.debug else ["-O3", "-g0"]
        # The extensions' compiler without its include folders: csrc must not find Python.h.
        native = [*self.compiler.compiler_so, "-Icsrc", *optimise, *ARITHMETIC, *WARNINGS]
        cython = [*optimise, *ARITHMETIC, *openmp_compile]
        link = [*openmp_link, *([] if self.debug else STRIP)]

        versions = [Cython.__version__, numpy.__version__]
        settings = [native, cython, [*self.compiler.linker_so, *link], map(str, DIRECTIVES.items()), versions]
        commands = self.write_commands(settings)
        objects = self.compile_native(native, commands)
        self.translate(commands)
        for ext in self.extensions:
            ext.include_dirs = [*INCLUDE, numpy.get_include()]
            ext.define_macros = [("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")]
            ext.extra_compile_args = cython
            ext.extra_link_args = link
            ext.depends = [*HEADERS, commands]
            if ext.name == self.NAME_OF_NATIVE:
                ext.extra_objects = objects
                ext.depends += objects
        super().build_extensions()

    def find_openmp(self) -> tuple[list[str], list[str]]:
        """The first pair of compile and link flags by which a small OpenMP program builds."""
        problem: Exception | None = None
        with tempfile.TemporaryDirectory() as folder:
            probe = Path(folder, "probe.c")
            probe.write_text(OPENMP_PROBE)
            for compile_flags, link_flags in OPENMP:
                try:
                    objects = self.compiler.compile([str(probe)], output_dir=folder, extra_postargs=compile_flags)
                    self.compiler.link_executable(objects, str(Path(folder, "probe")), extra_postargs=link_flags)
                except (CompileError, LinkError) as error:
                    problem = error
                else:
                    return compile_flags, link_flags
        raise BaseError(OPENMP_MISSING.format(error=problem))

    def write_commands(self, commands: Iterable[Iterable[str]]) -> str:
        """The path of a file that holds `commands`, touched only when they changed."""
        path = Path(self.build_temp, "commands.txt")
        text = "".join(f"{shlex.join(command)}\n" for command in commands)
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return str(path)

    def compile_native(self, command: list[str], commands: str) -> list[str]:
        """Compile the sources of csrc that are out of date; return all its object files."""
        objects = {source: Path(self.build_temp, source).with_suffix(".o") for source in NATIVE_SOURCES}
        inputs = [*NATIVE_INPUTS, commands]
        stale = [source for source, path in objects.items() if self.force or is_stale(path, inputs)]

        def compile_one(source: str) -> None:
            objects[source].parent.mkdir(parents=True, exist_ok=True)
            self.spawn([*command, "-c", source, "-o", str(objects[source])])

        with ThreadPoolExecutor(self.parallel) as pool:
            list(pool.map(compile_one, stale))
        return [str(path) for path in objects.values()]

    def translate(self, commands: str) -> None:
        """Turn the .pyx sources into C under build/, so that none lands in the tree or in a wheel."""
        from Cython.Build import cythonize

        folder = Path("build", "cython")
        stale = any(
            is_stale(folder / Path(source).with_suffix(".c"), [commands])
            for ext in self.extensions
            for source in ext.sources
        )
        translated = cythonize(
            self.extensions,
            build_dir=str(folder),
            compiler_directives=DIRECTIVES,
            force=True if self.force or stale else None,
            shared_utility_qualified_name=self.NAME_OF_SHARED,
            quiet=True,
        )
        sources = {ext.name: ext.sources for ext in translated}
        for ext in self.extensions:
            ext.sources = sources[ext.name]


def extension(source: str) -> Extension:
    return Extension(os.path.splitext(source)[0].replace("/", "."), [source])


setup(
    ext_modules=[
        *(extension(pyx) for pyx in sorted(glob("fastdl/kernels/*.pyx"))),
        extension("fastdl/kernels/_cyutility.c"),  # written by Cython
    ],
    cmdclass={"build": Build, "build_ext": BuildKernels},
)
