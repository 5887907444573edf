"""Dates in text: the spellings that can be read in one way only."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

# 2024-01-31, 2024/01/31 and 31.01.2024, with or without a time and its distance from UTC.
DATE = re.compile(
    r"(?:(?P<y>\d{4})(?P<cut>[-/])(?P<m>\d\d?)(?P=cut)(?P<d>\d\d?)|(?P<d2>\d\d?)\.(?P<m2>\d\d?)\.(?P<y2>\d{4}))"
    r"(?:[T ](?P<time>\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?\s?(?P<zone>Z|[-+]\d\d:?\d\d)?"
)
# 01/31/2024 and the like: month first, or day first?
DOUBTFUL = re.compile(r"(?:\d\d?[/-]\d\d?[/-](?:\d{4}|\d\d)|\d\d\.\d\d\.\d\d)(?:[ T].*)?")
CLOCK = re.compile(r"\d{1,3}:[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?: ?[AaPp]\.?[Mm]\.?)?")
# 31 Jan 2024, Jan 31, 2024 and the like, in any language.
SPELT = re.compile(r"(?:\d\d?\.?[ -])?[^\W\d_]{3,9}\.?[ -](?:\d\d?,? )?(?:\d{4}|\d\d)")


def is_date(word: str) -> bool:
    """Whether a word is written like a date, possible or not."""
    return DATE.fullmatch(word) is not None


def is_doubtful(word: str) -> bool:
    """Whether a word is a date of which nobody can tell the day from the month."""
    return DOUBTFUL.fullmatch(word) is not None


def is_spelt(word: str) -> bool:
    """Whether a word is a date with the month as a word."""
    return SPELT.fullmatch(word) is not None


def is_clock(word: str) -> bool:
    """Whether a word is a time like 12:30."""
    return CLOCK.fullmatch(word) is not None


def are_compact(values: np.ndarray) -> bool:
    """Whether numbers look like dates written 20240131."""
    there = values[~np.isnan(values)]
    if not (there.size and 19000101 <= there[0] <= 21001231) or there.min() == there.max():
        return False
    month, day = there // 100 % 100, there % 100
    inside = (there >= 19000101) & (there <= 21001231) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    return bool((inside & (there == np.floor(there))).all())


def to_seconds(word: str) -> float | None:
    """Seconds since 1970 in UTC; None for what is no date.

    Raises
    ------
    ValueError
        If there is no such day or time.
    """
    found = DATE.fullmatch(word)
    if found is None:
        return None
    year, month, day = (found[name] or found[f"{name}2"] for name in "ymd")
    stamp = np.datetime64(f"{year}-{month:0>2}-{day:0>2}T{found['time'] or '00:00'}", "us")
    seconds = float(stamp.astype(np.int64)) / 1e6
    if found["zone"] in (None, "Z"):
        return seconds
    sign, zone = found["zone"][0], found["zone"][1:].replace(":", "")
    away = 3600 * int(zone[:2]) + 60 * int(zone[2:])
    return seconds - away if sign == "+" else seconds + away


def to_text(seconds: Sequence[float]) -> list[str]:
    """Dates as text files have them; "" where one is missing."""
    stamps = np.array(seconds, np.float64)
    texts = (stamps * 1e6).astype("datetime64[us]").astype(str).tolist()
    return [
        "" if missing else text.removesuffix(".000000").removesuffix("T00:00:00")
        for text, missing in zip(texts, np.isnan(stamps).tolist(), strict=True)
    ]
