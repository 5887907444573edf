"""What a network computes in inference, as a graph of a few operations on arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from fastdl.program import Array

# Operations of as many arrays, which follow NumPy's rules of broadcasting.
BINARY = frozenset({"add", "sub", "mul", "div", "maximum", "minimum", "less", "equal", "matmul"})
UNARY = frozenset({"sqrt", "exp", "log", "tanh", "erf", "cos", "abs", "isnan", "softmax"})


@dataclass(eq=False, slots=True)
class Node:
    """A result: of an operation on other nodes, or a constant, or an input.

    Attributes
    ----------
    op : str
        One of `BINARY` or `UNARY`, or "input", "constant", "where" (condition, yes, no), "mean" (over the features,
        which stay as one), "concat" (of features), "columns" (attribute columns), "rows" (of a table, by codes in a
        column), "cast" (attribute dtype), "labels" (numbers of texts from 1 by attribute keys, 0 for others),
        "quantiles" (each target's, sorted; attributes order of the levels, and targets).
    inputs : tuple of Node
    attributes : dict
    value : ndarray, optional
        Of a constant.
    """

    op: str
    inputs: tuple[Node, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)
    value: Array | None = None

    def __add__(self, other: Any) -> Node:
        return self._with("add", other)

    def __sub__(self, other: Any) -> Node:
        return self._with("sub", other)

    def __rsub__(self, other: Any) -> Node:
        return constant(other).__sub__(self)

    def __mul__(self, other: Any) -> Node:
        return self._with("mul", other)

    def __truediv__(self, other: Any) -> Node:
        return self._with("div", other)

    def __matmul__(self, other: Any) -> Node:
        return self._with("matmul", other)

    __radd__, __rmul__ = __add__, __mul__

    def _with(self, op: str, other: Any) -> Node:
        return Node(op, (self, constant(other)))


def constant(value: Any) -> Node:
    """A constant, float32 unless NumPy has another type for it."""
    if isinstance(value, Node):
        return value
    typed = isinstance(value, np.ndarray | np.generic)
    return Node("constant", value=np.asarray(value) if typed else np.array(value, np.float32))


def apply(op: str, *inputs: Any, **attributes: Any) -> Node:
    """The result of an operation."""
    return Node(op, tuple(constant(value) for value in inputs), attributes)


def cast(x: Node, dtype: str) -> Node:
    """x as "float32", "float64" or "int64"."""
    return Node("cast", (x,), {"dtype": dtype})


def in_order(outputs: Mapping[str, Node]) -> Iterator[Node]:
    """All nodes that the outputs need, each behind what it is made of."""
    seen: set[int] = set()
    stack = [(node, False) for node in reversed(list(outputs.values()))]
    while stack:
        node, ready = stack.pop()
        if ready:
            yield node
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack += [(source, False) for source in reversed(node.inputs)]
