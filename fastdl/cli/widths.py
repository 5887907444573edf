"""Rows of more or fewer cells than the others: what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence

from fastdl.cli.header import COMMENT
from fastdl.cli.lines import Row, stripped
from fastdl.cli.words import shown

COMMA = "a comma within a value needs quotes around the value, and numbers are written like 1234.5"


def check_widths(rows: Sequence[Row], source: str, delimiter: str) -> None:
    """Refuse a row of more or fewer cells than the first has."""
    width = len(rows[0].cells)
    others = {len(row.cells) for row in rows[1:]}
    if len(rows) > 2 and len(others) == 1 and width not in others:
        raise ValueError(f"{source}: {odd_first(rows[0], others.pop(), delimiter)}")
    for row in rows:
        if len(row.cells) != width:
            raise ValueError(f"{source}: {ragged(row, width, delimiter)}")


def ragged(row: Row, width: int, delimiter: str) -> str:
    """What is wrong with a row of another width, and what it may come from."""
    row, count = stripped(row), len(row.cells)
    text = f"line {row.line} has {count} value{'s' * (count != 1)}, expected {width} as in the lines above"
    if row.cells and row.cells[0].startswith(COMMENT):
        return f"{text}; it begins with #, and comments are read only above the header"
    if row.last > row.line:
        return f"{text}; it goes on to line {row.last}, since a quote that opens a cell is closed there only"
    if count == width + 1 and not row.cells[-1]:
        return f"{text}; it ends with a delimiter too many"
    if delimiter == "," and count > width:
        return f"{text}; {COMMA}"
    first = shown(next((cell for cell in row.cells if cell), ""))
    return f"{text}; it begins with {first}"


def odd_first(row: Row, width: int, delimiter: str) -> str:
    """What is wrong with a first row of another width than all below."""
    count = len(row.cells)
    text = f"line {row.line} has {count} value{'s' * (count != 1)}, but all lines below have {width}"
    if delimiter == "," and 1 < count < width:
        text += f"; {COMMA}"
    return (
        f"{text}; the first line must name each column, and no title may stand above it. It begins with"
        f" {shown(row.cells[0])}"
    )
