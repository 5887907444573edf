"""What is printed, and what happens when nobody reads it."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from contextvars import ContextVar


def open_stdout() -> None:
    """Let no letter stop the work: what the terminal's encoding lacks is printed by its code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def say(text: str) -> None:
    """Print at once; when the reader has left (a pipe into `head`), the work still goes on in silence."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        silence_stdout()


HELD: ContextVar[list[str] | None] = ContextVar("HELD", default=None)


@contextlib.contextmanager
def remarks_held() -> Iterator[None]:
    """Hold remarks back until the work inside is done; if it fails, they are dropped, and the error stands alone."""
    held: list[str] = []
    token = HELD.set(held)
    try:
        yield
    finally:
        HELD.reset(token)
    for text in held:
        note(text)


def note(text: str) -> None:
    """Print a remark on stderr."""
    held = HELD.get()
    if held is not None:
        held.append(text)
        return
    with contextlib.suppress(OSError, AttributeError):
        print(f"fastdl: {text}", file=sys.stderr, flush=True)


def warn(text: str) -> None:
    """Print a warning on stderr."""
    note(f"warning: {text}")


def complain(text: str) -> None:
    """Print an error on stderr."""
    note(f"error: {text}")


def settle_stdout() -> None:
    """Give up what standard output can't take, as on a full disk: Python would complain again when it exits."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        silence_stdout()


def silence_stdout() -> None:
    """Send what standard output still holds, and what it will be given, nowhere."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())
        os.close(devnull)
