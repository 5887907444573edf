"""What the values of command-line options may be."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable


def widths(text: str) -> list[int]:
    """256,128 -> [256, 128]; an empty text means no hidden layer."""
    return [whole(1)(width) for width in text.split(",")] if text.strip() else []


def setting(text: str) -> tuple[str, object]:
    """dropout=0.1 -> ("dropout", 0.1); values are numbers, true, false, none, words, or lists of numbers."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, got {text!r}")
    words: dict[str, object] = {"true": True, "false": False, "none": None}
    if value.lower() in words:
        return name, words[value.lower()]
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            pass
    return (name, tuple(widths(value))) if "," in value else (name, value)


def whole(least: int, below: float = math.inf) -> Callable[[str], int]:
    """A parser of whole numbers from `least` on."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value < below:
            limit = "" if math.isinf(below) else f" and < {below:g}"
            raise argparse.ArgumentTypeError(f"expected a whole number >= {least}{limit}, got {text!r}")
        return value

    return parse


def part(text: str) -> float:
    """A number from 0 on, below 1."""
    return _number(text, lambda value: 0 <= value < 1, ">= 0 and < 1")


def positive(text: str) -> float:
    """A finite number above 0."""
    return _number(text, lambda value: 0 < value < math.inf, "> 0")


def _number(text: str, good: Callable[[float], bool], limits: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not good(value):
        raise argparse.ArgumentTypeError(f"expected a number {limits}, got {text!r}")
    return value
