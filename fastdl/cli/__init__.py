"""The `fastdl` command: each subcommand is a module of its own with `add_parser` and `run`."""

from __future__ import annotations

import argparse
import sys
import traceback
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from fastdl.cli.console import complain, note, open_stdout, settle_stdout, silence_stdout, warn

__all__ = ["main"]

BAD_INPUT = 2
# What a shell reports of a program that a signal ended: 128 and the signal's number.
INTERRUPTED = 130
BROKEN_PIPE = 141

# Modules of this package, in the order of the help. They are imported by `run`, where Ctrl-C already is one line.
COMMANDS = ("train", "predict", "evaluate", "info", "bench")

# Warnings of libraries about what is no fault of the user's: numbers that are dealt with, letters that a font lacks.
HUSHED = (r".* encountered in ", r"Glyph \d+ .*missing from")

# What a user can cause. Anything else is a mistake in fastdl, and its message says where to look.
EXPECTED = (ValueError, TypeError, OSError, ImportError, MemoryError, ArithmeticError)


class Parser(argparse.ArgumentParser):
    """A parser whose complaints look like all the others."""

    def error(self, message: str) -> NoReturn:
        """Raise what `main` turns into one line."""
        raise ValueError(f"{message} (see {self.prog} --help)")


def make_parser() -> Parser:
    """The parser of the whole command line."""
    parser = Parser(
        prog="fastdl",
        description="Feed-forward networks, trained fast on CPUs.",
        epilog="fastdl COMMAND --help tells more. Try: fastdl train digits",
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    for name in COMMANDS:
        module = import_module(f"fastdl.cli.{name}")
        command = module.add_parser(commands)
        # Also taken after the subcommand, where one adds it to a line that failed.
        command.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        command.set_defaults(run=module.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments, without the program's name; by default those of the process.

    Returns
    -------
    int
        The exit code: 0, 2 after bad input, 130 after Ctrl-C.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        open_stdout()
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *details: warn(str(message))
            for pattern in HUSHED:
                warnings.filterwarnings("ignore", pattern)
            code = run(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where a failure still is an error message and an exit code
        return code
    except KeyboardInterrupt:
        note("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has left, as `head` does: no error. What is still buffered must go nowhere when Python exits.
        silence_stdout()
        return BROKEN_PIPE
    except Exception as error:
        if "--debug" in arguments:
            traceback.print_exc()
        complain(describe(error))
        settle_stdout()
        return BAD_INPUT


def run(arguments: list[str]) -> int:
    """Parse and dispatch."""
    parser = make_parser()
    try:
        args = parser.parse_args(arguments)
        args.argv = arguments
    except SystemExit as done:  # --help
        return int(done.code or 0)
    if args.version:
        import fastdl

        print(f"fastdl {fastdl.__version__}")
        return 0
    if not hasattr(args, "run"):
        raise ValueError("a command is missing: train, predict, evaluate, info or bench (see fastdl --help)")
    return int(args.run(args))


def describe(error: Exception) -> str:
    """An exception in one line."""
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        text = f"{error.filename}: {error.strerror}"
    else:
        text = " ".join(str(error).split())
    if not isinstance(error, EXPECTED):
        text = f"internal error, {type(error).__name__}: {text} (--debug shows where)"
    elif isinstance(error, MemoryError):
        text = f"not enough memory: {text}" if text else "not enough memory"
    return text or type(error).__name__
