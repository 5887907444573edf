"""From a table to the matrix that a network reads; everything learned on the way is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.kernels import smooth_clip
from fastdl.nn.scale import TINY, quantile
from fastdl.tables.column import Column
from fastdl.tables.encoding import Encoding, encode
from fastdl.tables.frame import Frame

if TYPE_CHECKING:
    from fastdl.program import Array

CLIP = 3.0
MOST_CATEGORIES = 255  # that are one-hot where vectors are not wanted
MOST_CODES = 10_000


class Preparation:
    """What a table becomes: quantities, yes and no, codes of categories, in this order.

    Quantities and flags are centred on their medians, divided by their interquartile ranges (half the range where that
    is 0) and softly clipped to 3 (Holzmueller et al. 2024). Missing numbers become the median, and where training had
    some, a further column tells so. Dates also give the time of the day, of the week and of the year. Categories that
    were never seen are like missing ones.

    Parameters
    ----------
    one_hot : int
        Categories up to so many are one-hot. More become codes for an embedding, unless `embed` is False.
    embed : bool
    """

    def __init__(self, one_hot: int = 9, embed: bool = True) -> None:
        self.one_hot, self.embed = one_hot, embed
        self.encodings: list[Encoding] = []
        self.named = True
        self.offset: Array = np.empty(0)
        self.factor: Array = np.empty(0)
        self.numbers = 0  # columns of quantities

    @property
    def sizes(self) -> list[int]:
        """Codes of each column of codes."""
        return [len(encoding.categories) + 1 for encoding in self.encodings if encoding.how == "codes"]

    @property
    def width(self) -> int:
        """Columns of the matrix."""
        return len(self.offset) + len(self.sizes)

    def fit(self, frame: Frame) -> Preparation:
        """Learn from the training rows.

        Raises
        ------
        ValueError
            If there is no row, no column, or none with two different values.
        """
        frame.require_rows()
        most = MOST_CODES if self.embed else MOST_CATEGORIES
        self.named = frame.named
        self.encodings = [encode(column, self.one_hot if self.embed else most, most) for column in frame.columns]
        if all(encoding.how == "dropped" for encoding in self.encodings):
            # A constant is as good as nothing: one column of it lets the network learn its biases.
            self.encodings[0] = Encoding(frame.columns[0].name, frame.columns[0].kind, "number")
            if frame.columns[0].kind == "category":
                self.encodings[0] = Encoding(frame.columns[0].name, "category", "one-hot", [])
                self.encodings[0].gaps = True
        numbers, flags = self._raw(frame)
        self.numbers = len(numbers)
        measured = [robust(values) for values in (*numbers, *flags)]
        self.offset = np.array([offset for offset, _ in measured])
        self.factor = np.array([factor for _, factor in measured])
        return self

    def transform(self, frame: Frame) -> Array:
        """The matrix of a table.

        Parameters
        ----------
        frame : Frame
            With the columns of the training, in any order if they have names; further ones are ignored then.

        Returns
        -------
        ndarray, shape (rows, width), float32
        """
        frame = self.match(frame)
        numbers, flags = self._raw(frame)
        out = np.empty((frame.rows, self.width), np.float32)
        for place, values in enumerate((*numbers, *flags)):
            scaled = (np.nan_to_num(values, nan=self.offset[place]) - self.offset[place]) * self.factor[place]
            out[:, place] = np.clip(scaled, -1e30, 1e30)
        measured = len(self.offset)
        out[:, :measured] = smooth_clip(np.ascontiguousarray(out[:, :measured]), CLIP)
        codes = [e.codes(c) for e, c in zip(self.encodings, frame.columns, strict=True) if e.how == "codes"]
        for place, values in enumerate(codes, start=measured):
            out[:, place] = values
        return out

    def match(self, frame: Frame) -> Frame:
        """The columns of the training among those of a table, in their order and of their kinds."""
        if self.named and frame.named:
            there = {column.name: column for column in frame.columns}
            missing = [encoding.name for encoding in self.encodings if encoding.name not in there]
            if missing:
                raise ValueError(f"X: lacks the column{'s' * (len(missing) > 1)} {', '.join(map(repr, missing[:8]))}")
            chosen = [there[encoding.name] for encoding in self.encodings]
        elif len(frame.columns) != len(self.encodings):
            raise ValueError(
                f"X has {len(frame.columns)} features, but this model is expecting {len(self.encodings)} features as "
                "input"
            )
        else:
            chosen = [
                Column(encoding.name, column.kind, column.values)
                for encoding, column in zip(self.encodings, frame.columns, strict=True)
            ]
        return Frame([e.convert(column) for e, column in zip(self.encodings, chosen, strict=True)], self.named)

    def _raw(self, frame: Frame) -> tuple[list[Array], list[Array]]:
        numbers: list[Array] = []
        flags: list[Array] = []
        for encoding, column in zip(self.encodings, frame.columns, strict=True):
            numbers += encoding.numbers(column)
            flags += encoding.flags(column)
        return numbers, flags

    def places(self) -> list[list[int]]:
        """Which columns of the matrix each column of the table became."""
        number, flag, code = 0, self.numbers, len(self.offset)
        found = []
        for encoding in self.encodings:
            numbers, flags, codes = encoding.widths
            found.append([
                *range(number, number + numbers), *range(flag, flag + flags), *range(code, code + codes)
            ])  # fmt: skip
            number, flag, code = number + numbers, flag + flags, code + codes
        return found

    def describe(self) -> list[tuple[str, str, str]]:
        """Name, kind and use of each column."""
        return [(encoding.name, encoding.kind, encoding.detail) for encoding in self.encodings]

    def config(self) -> dict[str, Any]:
        """Everything that was learned, as JSON can hold it."""
        return {
            "one_hot": self.one_hot,
            "embed": self.embed,
            "named": self.named,
            "numbers": self.numbers,
            "offset": self.offset.tolist(),
            "factor": self.factor.tolist(),
            "columns": [encoding.config() for encoding in self.encodings],
        }

    @staticmethod
    def from_config(config: dict[str, Any]) -> Preparation:
        """The preparation of a `config`."""
        preparation = Preparation(config["one_hot"], config["embed"])
        preparation.named, preparation.numbers = config["named"], config["numbers"]
        preparation.offset, preparation.factor = np.array(config["offset"]), np.array(config["factor"])
        preparation.encodings = [Encoding(**column) for column in config["columns"]]
        return preparation


def robust(values: Array) -> tuple[float, float]:
    """Median and what to multiply the distance from it with, of the values that are there."""
    ordered = np.sort(values[~np.isnan(values)])[:, None]
    if not len(ordered):
        return 0.0, 0.0
    half = float(0.5 * quantile(ordered, 0.75)[0] - 0.5 * quantile(ordered, 0.25)[0])
    if half < TINY:
        half = float(0.25 * ordered[-1, 0] - 0.25 * ordered[0, 0])
    return float(quantile(ordered, 0.5)[0]), 0.0 if half < TINY else 0.5 / half
