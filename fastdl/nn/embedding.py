"""Learned vectors for categories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.data import ROWS_AT_ONCE, is_mapped
from fastdl.errors import check_int
from fastdl.init import Gaussian, Initializer, initializer
from fastdl.kernels.embedding import (
    MOST_CODES,
    first_bad_code,
    record_columns,
    record_embedding,
    record_embedding_backward,
)
from fastdl.nn.layer import Layer, features_of
from fastdl.program import Backward, Buffer, Recorder, Signal

if TYPE_CHECKING:
    from fastdl.program import Array

SMALL = Gaussian(0.05)


class Embedding(Layer):
    """Replaces columns of category codes by learned vectors: code c of a column becomes row c of its table.

    The output begins with the columns that are not named, in their order; the vectors follow in the order of `columns`.

    Parameters
    ----------
    columns : int or list of int
        Which inputs are codes: whole numbers in 0 .. size - 1.
    dim : int or list of int
        Length of the vectors, of all columns or of each.
    sizes : int or list of int, optional
        Number of codes, of all columns or of each, at most 2^24. Without it the first fit looks: one more than the
        largest code in its X.
    init : str or Initializer
        How the tables, of shape (size, dim), begin; Gaussian with std 0.05 by default.
    name : str, optional

    Notes
    -----
    It belongs at the beginning of a network, where codes come as they are. A scaler before it is refused, since that
    would scale the codes, too: scale the other columns of X yourself. As the first layer it refuses other codes than it
    knows, in training and in predictions alike. Elsewhere, and in memory maps, a code that is not known becomes a
    vector of NaN, as NaN does.
    """

    inspected = ("columns", "dim", "sizes", "init")

    def __init__(
        self,
        columns: int | Sequence[int],
        dim: int | Sequence[int],
        sizes: int | Sequence[int] | None = None,
        init: str | Initializer = SMALL,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.columns = ints("columns", columns, 0, None)
        if not self.columns or len(set(self.columns)) < len(self.columns):
            raise ValueError(f"columns: expected one or more different columns, got {columns!r}")
        self.dim = ints("dim", dim, 1, len(self.columns))
        self.sizes = None if sizes is None else ints("sizes", sizes, 1, len(self.columns))
        if self.sizes is not None and max(self.sizes) > MOST_CODES:
            raise ValueError(f"sizes: expected at most 2^24, got {max(self.sizes)}")
        self.init = initializer(init)
        self.seen: list[int] | None = None  # sizes that a first fit has found

    def look(self, x: Array) -> None:
        """Find the number of codes of each column, if that is not given."""
        self.check(x)
        if self.sizes is None:
            largest = np.zeros(len(self.columns))
            for start in range(0, x.shape[0], ROWS_AT_ONCE):
                block = x[start : start + ROWS_AT_ONCE, self.columns]
                largest = np.fmax(largest, np.fmax.reduce(block, axis=0))
            self.seen = [int(code) + 1 for code in largest]

    def check(self, x: Array) -> None:
        """Refuse rows with codes that have no vector; of memory maps only those of which vectors are yet to be made."""
        self._check_columns(x.shape[1])
        sizes = self.sizes or self.seen
        if is_mapped(x) and sizes is not None:
            return
        for start in range(0, x.shape[0], ROWS_AT_ONCE):
            block = x[start : start + ROWS_AT_ONCE, self.columns]
            limit = np.array(sizes or [MOST_CODES] * len(self.columns))
            at = first_bad_code(block, limit)
            if at is not None:
                raise ValueError(
                    f"{self.title()}: expected codes 0 .. {limit[at[1]] - 1} in column {self.columns[at[1]]}, "
                    f"got {block[at]} in row {start + at[0]} of X"
                )

    def _check_columns(self, features: int) -> None:
        if max(self.columns) >= features:
            raise ValueError(
                f"{self.title()}: expected inputs with a column {max(self.columns)}, got {features} features"
            )

    def build(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Declare a table for each column."""
        features = features_of(self, in_shape)
        self._check_columns(features)
        sizes = self.sizes or self.seen
        if sizes is None:
            raise ValueError(
                f"{self.title()}: expected sizes=, the number of codes of each column; without it only a fit can build "
                "the network, and only if this is its first layer"
            )
        for column, size, dim in zip(self.columns, sizes, self.dim, strict=True):
            self.add_parameter(f"table_{column}", (size, dim), self.init)
        return (features - len(self.columns) + sum(self.dim),)

    def config(self) -> dict[str, Any]:
        """Constructor arguments, with the sizes that were found."""
        found = {} if self.seen is None else {"sizes": self.seen}
        return {**super().config(), **found}

    def lower(self, recorder: Recorder, x: Signal) -> tuple[Signal, Backward]:
        """A copy of the columns that pass, and a look into each table; backwards the same in reverse."""
        passing = np.array([j for j in range(x.features) if j not in self.columns], np.int64)
        tables, start = [], len(passing)
        for column, dim in zip(self.columns, self.dim, strict=True):
            tables.append((self.parameters_[f"table_{column}"], column, start))
            start += dim
        y = recorder.matrix(start)
        if len(passing):
            recorder.add(record_columns, y=y, x=x.buffer, columns=passing, put=False)
        for table, column, start in tables:
            recorder.add(record_embedding, y=y, start=start, x=x.buffer, column=column, table=table.value)

        def backward(dy: Buffer) -> Buffer | None:
            for table, column, start in tables:
                to = recorder.gradients[id(table)]
                recorder.add(record_embedding_backward, dtable=to, dy=dy, start=start, x=x.buffer, column=column)
            if not x.needs_gradient:
                return None
            dx = recorder.matrix(x.features)
            recorder.add(record_columns, y=dy, x=dx, columns=passing, put=True)
            return dx

        return Signal(y, True), backward


def ints(what: str, value: Any, low: int, count: int | None) -> list[int]:
    """A list of ints of at least `low`: the value's own, or a single one, repeated for each of `count`."""
    if hasattr(value, "__index__"):
        return [check_int(what, value, low)] * (1 if count is None else count)
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        raise TypeError(f"{what}: expected an int or a list of int, got {type(value).__name__}")
    found = [check_int(f"{what}[{i}]", one, low) for i, one in enumerate(value)]
    if count is not None and len(found) != count:
        raise ValueError(f"{what}: expected one int for each of {count} columns, got {len(found)}")
    return found
