"""The page itself: one file, no network, no script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fastdl.report.style import STYLE
from fastdl.report.text import safe, user

LONGEST = 24  # letters of a word that stays in a line
LONGEST_TITLE = 160.0


class Figure(NamedTuple):
    """A picture with its caption.

    Attributes
    ----------
    name : str
    inside : str
        HTML.
    note : str
        What has to be known to read it.
    whole : bool
        Whether it needs the width of the page.
    """

    name: str
    inside: str
    note: str = ""
    whole: bool = False


class Score(NamedTuple):
    """A number that comes first; the lines below it are small."""

    name: str
    value: str
    below: Sequence[str] = ()


def page(title: str, subtitle: str, body: Sequence[str]) -> bytes:
    """A whole page, UTF-8.

    Parameters
    ----------
    title, subtitle : str
    body : sequence of str
        HTML, escaped where it has to be.
    """
    heading = f"<h1>{user(title, LONGEST_TITLE)}</h1>"
    text = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<title>{safe(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n'
        f'<header>{heading}<p class="soft">{safe(subtitle)}</p></header>\n<main>\n'
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )
    return text.encode("utf-8", "replace")


def section(title: str, *content: str) -> str:
    """A part of the page under a heading."""
    return f"<section><h2>{safe(title)}</h2>\n" + "\n".join(content) + "\n</section>"


def figures(shown: Sequence[Figure]) -> str:
    """Pictures with captions, side by side where there is room."""
    cards = (
        f"<figure{' class=whole' * figure.whole}><figcaption>{safe(figure.name)}"
        + f'<span class="soft">{safe(figure.note)}</span>' * bool(figure.note)
        + f"</figcaption>{figure.inside}</figure>"
        for figure in shown
    )
    return '<div class="grid2">' + "\n".join(cards) + "</div>"


def facts(pairs: Sequence[tuple[str, str]], stacked: bool = False) -> str:
    """Names and what they are; `stacked` where there is no room for both beside each other."""
    return (
        f"<dl{' class=stacked' * stacked}>"
        + "".join(f"<dt>{safe(name)}</dt><dd>{user(value)}</dd>" for name, value in pairs)
        + "</dl>"
    )


def scores(shown: Sequence[Score]) -> str:
    """Numbers that come first."""
    cards = (
        f'<div class="score">{safe(score.name)}<b>{safe(score.value)}</b>'
        + "".join(f"<span>{safe(line)}</span>" for line in score.below)
        + "</div>"
        for score in shown
    )
    return '<div class="scores">' + "".join(cards) + "</div>"


def words(sentences: Sequence[str]) -> str:
    """Sentences as a list."""
    return '<ul class="words">' + "".join(f"<li>{safe(sentence)}</li>" for sentence in sentences) + "</ul>"


def remark(sentence: str, narrow: bool = False) -> str:
    """A sentence in small print; `narrow` where it is shown on narrow screens alone."""
    return f'<p class="soft{" narrow" * narrow}">{safe(sentence)}</p>'


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], numbers: int = 0) -> str:
    """Words in rows and columns.

    Parameters
    ----------
    caption : str
    head : sequence of str
    rows : sequence of sequence of str
        Cells as HTML; the first names its row.
    numbers : int
        How many of the columns, from the right, hold numbers.
    """
    words_end = len(head) - numbers
    kinds = [' class="num"' if place >= words_end else "" for place in range(len(head))]
    top = "".join(f'<th scope="col"{kind}>{safe(cell)}</th>' for cell, kind in zip(head, kinds, strict=True))
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>'
        + "".join(f"<td{kind}>{cell}</td>" for cell, kind in zip(row[1:], kinds[1:], strict=True))
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide"><table><caption>{safe(caption)}</caption><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def folded(summary: str, inside: str) -> str:
    """What is shown when asked for; both are HTML."""
    return f"<details><summary>{summary}</summary>{inside}</details>"


def command_line(text: str) -> str:
    """Something to copy, whose short words are not broken."""
    words = (f"<span>{safe(word)}</span>" if len(word) <= LONGEST else safe(word) for word in text.split(" "))
    return f"<pre><bdi>{' '.join(words)}</bdi></pre>"
