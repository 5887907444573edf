"""The confusion matrix: true classes (rows) and predicted ones, the darker the more of a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fastdl.report.page import Figure, remark, table
from fastdl.report.text import named, safe, shortened, user, width

if TYPE_CHECKING:
    from fastdl.program import Array

MOST = 26  # classes that are told apart
FITTING = 12  # classes whose columns fit a phone
WHOLE = 9  # from so many on it needs the width of the page
FEW = 4  # classes up to which names may stand in several lines
LONG, SHORT = 24.0, 12.0  # letters of a name in few columns and in many
ROOM, BROKEN = 24.0, 8.0  # letters of all names and of one, above which they stand upright or in several lines
ZERO = "\u00b7"
MOST_MISTAKES, LONGEST = 10, 60.0


def confusion(truth: Array, best: Array, names: list[str]) -> Figure:
    """A table of the commonest classes, in which all others are one.

    Parameters
    ----------
    truth, best : ndarray of int, shape (n,)
        Numbers of the true and the predicted classes.
    names : list of str
        Of all classes.
    """
    n = len(names)
    note, others = "Rows: true class. Columns: predicted.", n > MOST
    shown = np.sort(np.argsort(-np.bincount(truth, minlength=n), kind="stable")[:MOST])
    counts = counts_of(truth, best, n, shown)
    if others:
        names = [names[place] for place in shown.tolist()]
        among, right = int(counts[-1, -1]), int(((truth == best) & ~np.isin(truth, shown)).sum())
        note += f" {MOST} of {n:,} classes, the commonest; all others are one row and one column, and of the"
        note += f" {among:,} rows where these cross {right:,} are right."
    many = len(names) >= WHOLE
    return Figure("Confusion", matrix(counts, names, others, many), note, whole=many)


def counts_of(truth: Array, best: Array, classes: int, shown: Array) -> Array:
    """How many rows of each true class got each answer; the classes that are not shown are one, the last."""
    size = min(len(shown) + 1, classes)
    place = np.full(classes, size - 1)
    place[shown] = np.arange(len(shown))
    return np.bincount(place[truth] * size + place[best], minlength=size * size).reshape(size, size)


def matrix(counts: Array, names: list[str], others: bool, many: bool) -> str:
    """The table as HTML."""
    short = shortened([named(name) for name in names], LONG if len(names) <= FEW else SHORT)
    texts = [f"<bdi>{safe(text)}</bdi>" for text in short]
    titles = [f' title="{safe(name)}"' for name in names]
    if others:
        texts, titles = [*texts, "<i>other</i>"], [*titles, ' title="all other classes"']
    widths = [width(text) for text in short]
    upright = max(widths) > 3.0 if many else len(names) > FEW and sum(widths) > ROOM
    wrapped = not many and not upright and max(widths) > BROKEN
    head = "".join(f'<th scope="col"{title}>{text}</th>' for text, title in zip(texts, titles, strict=True))
    rows = []
    for place, row in enumerate(counts.tolist()):
        total = max(sum(row), 1)
        cells = "".join(
            f'<td style="--share:{count / total:.3f}"'
            + " class=right" * (column == place < len(names))
            + f">{count or ZERO}</td>"
            for column, count in enumerate(row)
        )
        rows.append(f'<tr><th scope="row"{titles[place]}>{texts[place]}</th>{cells}</tr>')
    kind = "confusion" + " many" * many + " upright" * upright + " wrapped" * wrapped
    hint = remark("Scroll the table sideways.", narrow=True) if len(texts) > FITTING else ""
    return hint + (
        f'<div class="wide"><table class="{kind}"><thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def mistakes(truth: Array, best: Array, names: list[str]) -> Figure:
    """The pairs of classes that are confused most often, which a large matrix hides."""
    wrong = truth != best
    pairs, counts = np.unique(truth[wrong] * len(names) + best[wrong], return_counts=True)
    first = np.argsort(-counts, kind="stable")[:MOST_MISTAKES]
    rows = [
        (user(names[pair // len(names)], LONGEST), user(names[pair % len(names)], LONGEST), f"{count:,}")
        for pair, count in zip(pairs[first].tolist(), counts[first].tolist(), strict=True)
    ]
    found = int(counts.sum())
    caption = f"{int(counts[first].sum()):,} of {found:,} wrong answers"
    return Figure("Commonest mistakes", table(caption, ("true class", "predicted", "rows"), rows, numbers=1))
