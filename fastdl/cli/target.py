"""The target: what kind of values it has, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from fastdl.cli.cells import MISSPELT
from fastdl.cli.columns import Stored, Where
from fastdl.cli.console import warn
from fastdl.cli.guess import HALF, Sorts
from fastdl.cli.words import has_unit, is_code, is_missing, is_misspelt, listed, shown, to_number, to_truth
from fastdl.tables.column import text_of

Kind = Literal["classification", "regression"]
# Whole numbers with at most so many different values are taken for classes, unless --task says otherwise.
FEW = 20
MANY = 10_000  # classes: above this the target is surely an identifier
LARGEST = 1e150  # whose square still is a number
LABELS = frozenset({"none", "-"})  # missing in a column, but names of classes in a target of words
MEND = "mend or remove such rows"


class Target:
    """A column that is to be predicted.

    Parameters
    ----------
    stored : Stored
    where : callable of a row
        File and line, for messages.
    """

    def __init__(self, stored: Stored, where: Where) -> None:
        self.name, self.stored, self.where = stored.name, stored, where

    def learn(self, requested: Kind | None) -> tuple[Kind, np.ndarray]:
        """The task and the values: labels, or numbers (float64). By default text and few whole numbers are labels."""
        typed = self.stored.typed
        if typed is not None and typed.kind == "date":
            raise self._dates()
        if typed is not None and typed.kind == "boolean" and requested != "regression":
            self._refuse_missing(np.isnan(typed.values))
            return "classification", self._checked(typed.values.astype(bool))
        plain = self._plain_numbers()
        if typed is None and plain is None and self._are_words(requested):
            return "classification", self._checked(self.words())
        numbers = self.numbers() if plain is None else plain
        kind = requested or self._kind_of(numbers)
        if kind == "classification":
            return kind, self._checked(whole_if_whole(numbers))
        if numbers.min() == numbers.max():
            raise self._error(None, f"is {numbers[0]:g} in every row; there is nothing to learn")
        if np.abs(numbers).max() > LARGEST:
            row = int(np.abs(numbers).argmax())
            raise self._error(row, f"is {numbers[row]:g}, which is too large to square")
        return kind, numbers

    def numbers(self) -> np.ndarray:
        """The values as numbers; the first that is none is refused."""
        if self.stored.typed is not None:
            values = self.stored.typed.values
            self._refuse_missing(np.isnan(values))
        else:
            text = self._text()
            found = {word: to_number(word) for word in dict.fromkeys(text)}
            self._refuse_missing([is_missing(word) for word in text])
            for word, value in found.items():
                if value is None:
                    self._refuse_word(word)
            values = np.array([found[word] for word in text], np.float64)
        endless = np.flatnonzero(np.isinf(values))
        if endless.size:
            raise self._error(int(endless[0]), f"is infinite; {MEND}")
        return values.astype(np.float64)

    def words(self) -> np.ndarray:
        """The values as words."""
        text = self._text()
        self._refuse_missing([is_missing(word) and word.lower() not in LABELS for word in text])
        return np.array(text)

    def known(self, classes: np.ndarray) -> np.ndarray:
        """The values as labels, all of them among these."""
        if classes.dtype.kind == "U":
            labels = self.words()
        elif classes.dtype.kind == "b":
            labels = self._truths()
        else:
            labels = whole_if_whole(self.numbers())
        strange = np.flatnonzero(~np.isin(labels, classes))
        if strange.size:
            more = (
                f" (as {strange.size - 1} more {'is' if strange.size == 2 else 'are'} not)" if strange.size > 1 else ""
            )
            label = shown(str(labels[strange[0]]))
            raise self._error(
                int(strange[0]), f"is {label}, which is no class of the training{more}: {listed(map(str, classes))}"
            )
        return labels

    # What is behind it

    def _plain_numbers(self) -> np.ndarray | None:
        """The numbers of a text of nothing but numbers, the quick way; None where anything is odd."""
        if self.stored.text is None or not self.stored.digits or any(map(is_code, self.stored.text)):
            return None
        try:
            values = np.array(list(map(float, self.stored.text)))
        except ValueError:
            return None
        return values if np.isfinite(values).all() and not any("_" in word for word in self.stored.text) else None

    def _text(self) -> Sequence[str]:
        if self.stored.text is not None:
            return self.stored.text
        typed = self.stored.typed
        assert typed is not None
        name_of = bool if typed.kind == "boolean" else text_of
        return ["" if value != value else str(name_of(value)) for value in typed.values.tolist()]

    def _truths(self) -> np.ndarray:
        text = self._text()
        self._refuse_missing([is_missing(word) for word in text])
        found = [to_truth(word) for word in text]
        if None in found:
            row = found.index(None)
            raise self._error(row, f"is {shown(text[row])}, where true or false is expected, as in training")
        return np.array(found, bool)

    def _are_words(self, requested: Kind | None) -> bool:
        """Whether the text is labels; a column of numbers with some words or odd spellings in it is refused."""
        cells = self.stored.cells(self.where)
        if not cells.counts:
            raise self._error(None, "has no value in any row")
        if requested == "regression":
            return False
        sorts = Sorts(cells)
        if not self.stored.digits:
            return True
        if requested is None and sorts.all_but_slips("date"):
            raise self._dates()
        if sorts.share("number") == 1.0:
            return sorts.codes and len(cells.counts) <= FEW
        numbers = [word for word, sort in sorts.of.items() if sort == "number"]
        misspelt = [word for word, sort in sorts.of.items() if sort == "misspelt"]
        units = [word for word, sort in sorts.of.items() if sort == "unit"]
        if requested is None and sorts.share("unit") >= HALF and len(units) > FEW:
            self._refuse_word(units[0])
        if requested is None and sorts.share("number", "misspelt") >= HALF and (misspelt or len(numbers) > FEW):
            self._refuse_word(next(word for word, sort in sorts.of.items() if sort != "number"), among=True)
        return True

    def _refuse_word(self, word: str, among: bool = False) -> None:
        row = self._text().index(word)
        if is_misspelt(word):
            raise self._error(row, f"is {shown(word)}: {MISSPELT}")
        if has_unit(word):
            raise self._error(row, f"is {shown(word)}: write the number alone, without a unit")
        ending = f" among numbers; {MEND}, or say --task classification" if among else f", which is no number; {MEND}"
        raise self._error(row, f"is {shown(word)}{ending}")

    def _refuse_missing(self, missing: Sequence[bool] | np.ndarray) -> None:
        rows = np.flatnonzero(missing)
        if rows.size:
            more = f" (and in {rows.size - 1} more row{'s' * (rows.size > 2)})" if rows.size > 1 else ""
            raise self._error(int(rows[0]), f"is missing{more}: fill the gaps, or remove those rows")

    def _checked(self, labels: np.ndarray) -> np.ndarray:
        """Labels of at least two classes, and not of nearly as many as there are rows."""
        classes, firsts, counts = np.unique(labels, return_index=True, return_counts=True)
        if len(labels) == 1:
            raise self._error(0, "is in the only row that there is; there is nothing to learn")
        if len(classes) < 2:
            raise self._error(None, f"is {shown(str(classes[0]))} in every row; there is nothing to learn")
        if len(classes) > MANY or (len(classes) > FEW and 2 * len(classes) > len(labels)):
            hint = "--target names another column"
            if labels.dtype.kind == "U" and all(to_number(word) is not None for word in classes.tolist()):
                hint = "if they are numbers, say --task regression"
            raise self._error(
                None, f"has {len(classes)} different values in {len(labels)} rows, which is no classification; {hint}"
            )
        single = np.flatnonzero(counts == 1)
        if single.size:
            label, more = shown(str(classes[single[0]])), single.size - 1
            others = f", and so {'have' if more > 1 else 'has'} {more} more class{'es' * (more > 1)}" if more else ""
            warn(
                f"{self.where(int(firsts[single[0]]))}: the target {shown(self.name)} is {label} in this row only"
                f"{others}; a class of one row can hardly be learned"
            )
        return labels

    def _kind_of(self, values: np.ndarray) -> Kind:
        if not np.array_equal(values, np.round(values)):
            return "regression"
        distinct = len(np.unique(values))
        return "classification" if distinct <= FEW and 2 * distinct <= len(values) else "regression"

    def _dates(self) -> ValueError:
        text = "holds dates, which are neither classes nor numbers; --target names another column"
        return self._error(None, text)

    def _error(self, row: int | None, text: str) -> ValueError:
        where = self.where(0).rpartition(": ")[0] if row is None else self.where(row)
        return ValueError(f"{where}: the target {shown(self.name)} {text}")


def whole_if_whole(values: np.ndarray) -> np.ndarray:
    """Numbers as int64 if they are whole: 1.0 and 1 are one label."""
    if np.array_equal(values, np.round(values)) and np.abs(values).max() < 2**53:
        return values.astype(np.int64)
    return values
