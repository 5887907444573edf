"""The command that repeats a run, on another day and in another folder."""

from __future__ import annotations

import argparse
import os
import shlex
from typing import Any

# Options of which a repetition has none: where results go, how it looks, how long this machine may take.
LEFT_OUT = {"argv", "run", "data", "out", "force", "no_progress", "debug", "version", "time_limit"}
WORDS = {True: "true", False: "false", None: "none"}  # of --set


def command_line(args: argparse.Namespace, epochs: int | None) -> str:
    """The command of a training.

    Parameters
    ----------
    args : argparse.Namespace
        Its options.
    epochs : int, optional
        How many a time limit left of those that were wanted: another machine would plan otherwise.
    """
    given = {name: value for name, value in vars(args).items() if name not in LEFT_OUT}
    if epochs is not None:
        given["epochs"] = epochs
        given["set"] = [(key, value) for key, value in given["set"] if key != "epochs"]
    if given["valid"] is not None:
        given["valid"] = absolute(given["valid"])
    words = ["train", absolute(args.data)]
    for name, value in given.items():
        option = f"--{name.replace('_', '-')}"
        for text in texts_of(name, value):
            words += [f"{option}={text}"] if text.startswith("-") else [option, text]
    return "fastdl " + shlex.join(words)


def texts_of(name: str, value: Any) -> list[str]:
    """The value of an option as the command line takes it, once for each time that it is to be given."""
    if name == "set":
        return [f"{key}={setting_text(one)}" for key, one in value]
    if name == "drop":
        return list(value)
    if name == "hidden" and value is not None:
        return [",".join(map(str, value))]
    return [] if value is None else [str(value)]


def setting_text(value: Any) -> str:
    """The value of a setting."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return WORDS[value] if value is None or isinstance(value, bool) else str(value)


def absolute(data: str) -> str:
    """The path of a file from the root; a word that is no file stays."""
    return os.path.abspath(data) if os.path.exists(data) else data
