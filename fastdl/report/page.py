"""The page itself: one file, no network, readable on a phone, in the dark and in print."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --paper: #fbfbf9; --card: #ffffff; --rule: #dfe3e8;

  --c0: #2563a8; --c1: #d9722b; --c2: #2f8f5b; --c3: #a33d6e; --c4: #6b5bb5; --c5: #8a7a1f; --c6: #3a98a8;
  --c7: #7a7f87; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ee; --soft: #9aa6b5; --paper: #14171c; --card: #1b2027; --rule: #323a45; --c0: #6ea8e6;
    --c1: #f0a065; --c2: #6cc795; --c3: #e08bb0; --c4: #a99cf0; --c5: #cdbb57; --c6: #74cbd9; --c7: #a3a9b3; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 1.2rem clamp(0.8rem, 4vw, 2rem) 3rem; background: var(--paper);
  color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: clamp(1.4rem, 5vw, 2rem); line-height: 1.2; margin: 0.6rem 0 0.2rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 0.6rem; }
p { margin: 0.4rem 0; } .soft { color: var(--soft); }
.grid2 { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); }
figure { margin: 0; padding: 0.7rem 0.8rem; background: var(--card); border: 1px solid var(--rule); border-radius: 8px;
  break-inside: avoid; min-width: 0; }
figure:only-child { max-width: 38rem; }
figcaption { font-weight: 600; font-size: 0.92rem; margin-bottom: 0.3rem; }
svg { display: block; width: 100%; height: auto; }
svg text { font: 11px system-ui, sans-serif; } .tick { fill: var(--soft); } .name { fill: var(--ink); }
line.grid { stroke: var(--rule); stroke-width: 1; } .mark { stroke: var(--soft); stroke-dasharray: 3 4; fill: none; }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round; } .bar { fill: var(--c0); }
.spread { stroke: var(--ink); stroke-width: 1.2; } .dot { fill: var(--c0); fill-opacity: 0.35; }
  .knot { fill: var(--c0); }
.line.c0 { stroke: var(--c0); } .line.c1 { stroke: var(--c1); } .line.c2 { stroke: var(--c2); }
.line.c3 { stroke: var(--c3); } .line.c4 { stroke: var(--c4); } .line.c5 { stroke: var(--c5); }
.line.c6 { stroke: var(--c6); } .line.c7 { stroke: var(--c7); }
i.c0 { background: var(--c0); } i.c1 { background: var(--c1); } i.c2 { background: var(--c2); }
i.c3 { background: var(--c3); }
i.c4 { background: var(--c4); } i.c5 { background: var(--c5); } i.c6 { background: var(--c6); }
i.c7 { background: var(--c7); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 0.2rem 1rem; padding: 0; margin: 0.3rem 0 0;
  font-size: 0.85rem; }
.legend i { display: inline-block; width: 0.9rem; height: 0.25rem; border-radius: 2px; margin-right: 0.4rem;
  vertical-align: middle; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: 0.9rem; width: 100%; }
th, td { text-align: left; padding: 0.25rem 0.7rem 0.25rem 0; border-bottom: 1px solid var(--rule);
  vertical-align: top; }
table.confusion { width: auto; } .confusion th { color: var(--soft); font-weight: 500; }
.confusion td, .confusion th { text-align: right; padding: 0.25rem 0.5rem; border: 0; }
.confusion td { background: color-mix(in srgb, var(--c0) calc(var(--share, 0) * 85%), var(--card)); }
.confusion td.high { color: var(--card); } caption { text-align: left; color: var(--soft); font-size: 0.85rem; }
ul.words { padding-left: 1.1rem; } pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--card);
  border: 1px solid var(--rule); border-radius: 8px; padding: 0.7rem 0.9rem; font-size: 0.88rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.15rem 1.2rem; margin: 0.6rem 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.scores { display: flex; flex-wrap: wrap; gap: 0.8rem; margin: 1rem 0; }
.score { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 0.5rem 0.9rem; }
.score b { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
@media print { body { max-width: none; font-size: 11px; background: #fff; } figure { border-color: #ccc; }
  :root { --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --rule: #ccc; } }
"""


def page(title: str, subtitle: str, body: Sequence[str]) -> str:
    """A whole page.

    Parameters
    ----------
    title, subtitle : str
    body : sequence of str
        HTML, escaped where it has to be.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n'
        f'<header><h1>{escape(title)}</h1><p class="soft">{escape(subtitle)}</p></header>\n'
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def section(title: str, *content: str) -> str:
    """A part of the page under a heading."""
    return f"<section><h2>{escape(title)}</h2>\n" + "\n".join(content) + "\n</section>"


def figures(*pictures: tuple[str, str]) -> str:
    """Pictures with captions, side by side where there is room."""
    cards = (f"<figure><figcaption>{escape(name)}</figcaption>{inside}</figure>" for name, inside in pictures)
    return '<div class="grid2">' + "\n".join(cards) + "</div>"


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """Names and what they are."""
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs) + "</dl>"


def scores(pairs: Sequence[tuple[str, str]]) -> str:
    """Numbers that come first."""
    cards = (f'<div class="score">{escape(name)}<b>{escape(value)}</b></div>' for name, value in pairs)
    return '<div class="scores">' + "".join(cards) + "</div>"


def words(sentences: Sequence[str]) -> str:
    """Sentences as a list."""
    return '<ul class="words">' + "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences) + "</ul>"
