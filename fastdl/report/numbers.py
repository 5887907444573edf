"""Numbers as texts, in few digits."""

from __future__ import annotations

import math

import numpy as np

# What a score is called.
LABELS = {"accuracy": "accuracy", "log_loss": "log loss", "rmse": "RMSE", "mae": "MAE", "r2": "R2"}


def plain(value: float, digits: int = 4) -> str:
    """Few digits, without an exponent where that is readable: 68080, not 6.808e+04; nothing for NaN."""
    if math.isnan(value):
        return ""
    if 1e-4 <= abs(value) < 1e9:
        return np.format_float_positional(value, precision=digits, unique=False, fractional=False, trim="-")
    return f"{value:.{digits}g}"


def score_text(name: str, value: float) -> str:
    """A score; nothing for NaN."""
    if name == "accuracy" and not math.isnan(value):
        return f"{100 * value:.2f} %"
    if name == "r2" and abs(value) < 1000.0:
        return fixed(value, 4)
    return plain(value)


def fixed(value: float, digits: int) -> str:
    """A number with so many digits behind the point; what is rounded to zero has no minus."""
    return f"{round(value, digits) + 0.0:.{digits}f}"


def counted(number: int, thing: str) -> str:
    """1 row, 2 rows, 20,000 rows."""
    return f"{number:,} {thing}{'s' * (number != 1)}"
