"""Words from outside, made fit for a page: safe, isolated, and short where there is little room."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from html import escape

KEPT = "\n\t"  # of the control characters: a quoted name may span lines
UNKNOWN = "\ufffd"
ELLIPSIS = "\u2026"
BLANK = "(blank)"


def clean(text: str) -> str:
    """The text with a mark for each control character, and for each byte of a file name that was no UTF-8."""
    return "".join(
        UNKNOWN if unicodedata.category(sign) in ("Cc", "Cs") and sign not in KEPT else sign for sign in text
    )


def safe(text: str) -> str:
    """The text as HTML."""
    return escape(clean(text))


def named(text: str) -> str:
    """A name that can be seen."""
    return clean(text) if text.strip() else BLANK


def user(text: str, most: float = math.inf) -> str:
    """A user's text as HTML, at most so wide, with the whole as its title if that is wider.

    Its direction does not turn around what stands beside it, and long ones break at signs.
    """
    whole = named(text)
    shown = shorten(whole, most)
    title = f' title="{safe(whole)}"' if shown != whole else ""
    return f"<bdi{title}>{re.sub('([_/]|[.-](?=[^0-9 ]))', lambda sign: sign[0] + '<wbr>', safe(shown))}</bdi>"


def width(text: str) -> float:
    """About how wide a text is, in letters."""
    wide = sum(2.0 if unicodedata.east_asian_width(sign) in "WF" else 1.0 for sign in text)
    return wide - sum(1.0 for sign in text if unicodedata.combining(sign))


def shorten(text: str, most: float) -> str:
    """The text without its middle, where it is wider than `most` letters: what tells names apart is often their end."""
    if width(text) <= most:
        return text
    head, tail, room = 0, len(text), most - 1.0
    while head < tail:
        first = width(text[:head]) <= width(text[tail:])  # which half is to grow
        room -= width(text[head] if first else text[tail - 1])
        if room < 0.0:
            break
        head, tail = (head + 1, tail) if first else (head, tail - 1)
    return text[:head] + ELLIPSIS + text[tail:]


def shortened(names: Sequence[str], most: float) -> list[str]:
    """The names, each at most so many letters wide, and different where the names are."""
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(shorten(name, most), []).append(name)
    found: list[str] = []
    for name in names:
        name = without_common(name, alike[shorten(name, most)])
        text, number = shorten(name, most), 2
        while text in found:
            end = f" ({number})"
            text, number = shorten(name, most - width(end)) + end, number + 1
        found.append(text)
    return found


def without_common(name: str, names: Sequence[str]) -> str:
    """The name without the words that all names begin and end with."""
    if len(set(names)) < 2:
        return name
    head = common(names)
    tail = common([other[len(head) :][::-1] for other in names])[::-1]
    head = re.sub(r"\w+$", "", head) or head
    tail = re.sub(r"^\w+", "", tail) or tail
    return ELLIPSIS * bool(head) + name[len(head) : len(name) - len(tail)] + ELLIPSIS * bool(tail)


def common(names: Sequence[str]) -> str:
    """What all names begin with."""
    first, last = min(names), max(names)
    return first[: next((place for place, sign in enumerate(first) if last[place] != sign), len(first))]
