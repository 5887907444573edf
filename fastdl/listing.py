"""Where a training step goes: its ops as a table, with shapes, bytes, operations and, on request, time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.kernels._loss import record_loss
from fastdl.kernels._update import record_update
from fastdl.program import Buffer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastdl.program import Array, Op

HEADERS = ("", "layer", "op", "shapes", "KiB", "MFLOP", "us", "%", "GFLOP/s")
SHOWN = 4  # arrays of an op; the others are vectors of a column each
# Floating-point operations of each element of an op's largest array, as one would count them by hand; a guide, no more.
PER_ELEMENT = {
    "batchnorm.forward": 8,
    "batchnorm.backward": 14,
    "loss.softmax_cross_entropy": 20,
    "optimizer.sgd": 4,
    "optimizer.normalized_sgd": 4,
    "optimizer.momentum": 6,
    "optimizer.lion": 11,
    "optimizer.adagrad": 9,
    "optimizer.adadelta": 16,
    "optimizer.rmsprop": 10,
    "optimizer.adam": 14,
    "optimizer.amsgrad": 15,
    "optimizer.nadam": 16,
    "optimizer.radam": 14,
    "optimizer.adamax": 11,
    "reduce.norm": 2,
}


@dataclass(frozen=True)
class Row:
    """One op of a step.

    Attributes
    ----------
    layer : str
        Place and kind of the layer that recorded it, empty for what belongs to no layer.
    op : str
        The kernel, such as "dense.forward".
    shapes : dict of str to tuple of int
        Of its arrays, by the argument's name.
    bytes : int
        That it reads and writes, if it touches each of its arrays once.
    flops : int
        Floating-point operations: exact for products, counted by hand for some ops, one an element for the rest.
    seconds : float or None
        The least of several runs on one thread.
    """

    layer: str
    op: str
    shapes: dict[str, tuple[int, ...]]
    bytes: int
    flops: int
    seconds: float | None = None


class Listing:
    """The ops of a step, in order; `str` of it is a table.

    Attributes
    ----------
    rows : list of Row
    batch : int
        Rows of the batch that shapes and times are for.
    """

    def __init__(self, ops: Sequence[Op], batch: int, seconds: Array | None = None) -> None:
        self.batch = batch
        first = np.cumsum([0, *(op.native for op in ops)])
        self.rows = [
            row_of(op, None if seconds is None else float(seconds[first[i] : first[i + 1]].sum()))
            for i, op in enumerate(ops)
        ]

    @property
    def seconds(self) -> float | None:
        """All ops together, if they were timed."""
        return (
            sum(row.seconds or 0.0 for row in self.rows) if any(row.seconds is not None for row in self.rows) else None
        )

    def __str__(self) -> str:
        total = self.seconds
        columns = len(HEADERS) if total is not None else 6
        lines = [HEADERS[:columns]]
        lines += [cells(str(i), row, total)[:columns] for i, row in enumerate(self.rows)]
        whole = Row("", "", {}, sum(row.bytes for row in self.rows), sum(row.flops for row in self.rows), total)
        lines.append(
            (
                *cells("", whole, total)[:3],
                f"{len(self.rows)} ops, {self.batch} rows",
                *cells("", whole, total)[4:columns],
            )
        )
        widths = [max(len(line[i]) for line in lines) for i in range(columns)]
        text = [
            "  ".join(
                cell.ljust(width) if i in (1, 2, 3) else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        ]
        rule = "-" * max(map(len, text))
        return "\n".join([text[0], rule, *text[1:-1], rule, text[-1]])

    def __repr__(self) -> str:
        return f"<Listing: {len(self.rows)} ops for {self.batch} rows>"


def cells(place: str, row: Row, total: float | None) -> tuple[str, ...]:
    """A row of the table."""
    shapes = "  ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in list(row.shapes.items())[:SHOWN])
    time = share = rate = ""
    if row.seconds is not None and total:
        time, share = f"{1e6 * row.seconds:.2f}", f"{100 * row.seconds / total:.1f}"
        rate = f"{1e-9 * row.flops / row.seconds:.1f}" if row.seconds else ""
    return place, row.layer, row.op, shapes, f"{row.bytes / 1024:,.1f}", f"{1e-6 * row.flops:,.3f}", time, share, rate


def row_of(op: Op, seconds: float | None) -> Row:
    """What one op is."""
    arrays = {name: array for name, value in op.arguments.items() if (array := array_of(value)) is not None}
    kernel = "Python" if op.record is None else name_of(op)
    shapes = {name: array.shape for name, array in arrays.items()}
    return Row(op.label, kernel, shapes, sum(a.nbytes for a in arrays.values()), flops_of(kernel, shapes), seconds)


def array_of(value: Any) -> Array | None:
    """The memory behind an argument, if it is one that has some."""
    if isinstance(value, Buffer):
        return value.view
    return value if isinstance(value, np.ndarray) else None


def name_of(op: Op) -> str:
    """Such as "dense.forward" of fastdl.kernels.dense.record_forward; optimizers and losses have one for all."""
    for record, noun in ((record_update, "optimizer"), (record_loss, "loss")):
        if op.record is record:
            return f"{noun}.{op.arguments['kind']}"
    made: Any = op.record
    return f"{made.__module__.rpartition('.')[2]}.{made.__name__.removeprefix('record_')}"


def flops_of(kernel: str, shapes: dict[str, tuple[int, ...]]) -> int:
    """Floating-point operations of a kernel on arrays of these shapes."""
    products = {"dense.forward": ("x", "w"), "dense.weight_gradient": ("x", "dy"), "dense.input_gradient": ("dy", "w")}
    if kernel in products:
        first, second = (shapes[name] for name in products[kernel])
        return 2 * int(np.prod(first)) * int(second[0] if kernel == "dense.input_gradient" else second[1])
    largest = max((int(np.prod(shape)) for shape in shapes.values()), default=0)
    return largest * PER_ELEMENT.get(kernel, 1)
