"""Peephole fusion over the op list of a step: neighbours become one pass over the data, and no bit changes.

* dense product + ReLU or tanh: the activation happens in the product's store;
* batch norm + ReLU and/or dropout: one pass forwards, and one backwards that makes the norm's output anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fastdl.kernels import activation, batchnorm, dense, dropout

if TYPE_CHECKING:
    from fastdl.program import Buffer, Op

IN_STORE = {"relu", "tanh"}  # what a product's store can do; their derivative comes from the output


def fuse(ops: list[Op]) -> list[Op]:
    """The same step in fewer ops."""
    return fuse_products(fuse_norms(ops))


def users(ops: list[Op]) -> dict[int, list[int]]:
    """Which ops read or write a buffer, by its id."""
    found: dict[int, list[int]] = {}
    for i, op in enumerate(ops):
        for buffer in op.buffers():
            found.setdefault(id(buffer), []).append(i)
    return found


def fuse_products(ops: list[Op]) -> list[Op]:
    """Merge a dense product with the activation behind it."""
    used = users(ops)
    fused: list[Op] = []
    for op in ops:
        last = fused[-1] if fused else None
        if (
            last is not None
            and op.record is activation.record_forward
            and last.record is dense.record_forward
            and last.arguments["activation"] is None
            and op.arguments["x"] is last.arguments["y"]
            and op.arguments["kind"] in IN_STORE
            and len(used[id(op.arguments["x"])]) == 2
        ):
            fused[-1] = replace(
                last, arguments=last.arguments | {"y": op.arguments["y"], "activation": op.arguments["kind"]}
            )
        else:
            fused.append(op)
    return fused


@dataclass(slots=True)
class Tail:
    """What follows a norm: the places of its ops forwards and backwards, and what they do."""

    forward: list[int]
    backward: list[int]
    y: Buffer  # what the last one gives
    dy: Buffer | None  # the gradient of that, if there is a way back
    options: dict[str, Any]


def fuse_norms(ops: list[Op]) -> list[Op]:
    """Merge each batch norm with the ReLU and the dropout behind it, forwards and backwards."""
    used = users(ops)
    replaced: dict[int, Op | None] = {}
    for i, op in enumerate(ops):
        if op.record is not batchnorm.record_forward:
            continue
        back = next(
            (
                j
                for j, other in enumerate(ops)
                if other.record is batchnorm.record_backward and other.arguments["stats"] is op.arguments["stats"]
            ),
            None,
        )
        tail = tail_of(ops, used, i, back)
        if tail is None:
            continue
        replaced.update(dict.fromkeys((i, *tail.forward, *tail.backward)))
        last = tail.forward[-1]  # the mask has been made by then
        replaced[last] = replace(op, arguments=op.arguments | {"y": tail.y} | tail.options)
        if back is not None:
            after = ops[back]
            replaced[back] = replace(after, arguments=after.arguments | {"dy": tail.dy} | tail.options)
    return [replaced.get(i, op) for i, op in enumerate(ops) if replaced.get(i, op) is not None]  # type: ignore[misc]


def tail_of(ops: list[Op], used: dict[int, list[int]], norm: int, back: int | None) -> Tail | None:
    """The ReLU and the dropout right behind a norm, if nothing else needs what flows between them."""
    tail = Tail([], [], ops[norm].arguments["y"], None if back is None else ops[back].arguments["dy"], {})
    at = norm + 1
    if at < len(ops) and is_relu_of(ops[at], tail.y):
        if not extend(tail, ops, used, at, back, activation.record_backward, "dx", {norm, at}):
            return None
        tail.options["activation"] = "relu"
        at += 1
    if at + 1 < len(ops) and ops[at].record is dropout.record_mask and ops[at + 1].record is dropout.record_apply:
        apply = ops[at + 1].arguments
        between = {norm, at + 1} if not tail.forward else {*tail.forward, *tail.backward, at + 1}
        if apply["x"] is tail.y and extend(tail, ops, used, at + 1, back, dropout.record_apply, "y", between):
            tail.options |= {"bits": apply["bits"], "rate": apply["rate"]}
    return tail if tail.options else None


def is_relu_of(op: Op, x: Buffer) -> bool:
    """Whether the op is the ReLU of x."""
    return op.record is activation.record_forward and op.arguments["x"] is x and op.arguments["kind"] == "relu"


def extend(
    tail: Tail,
    ops: list[Op],
    used: dict[int, list[int]],
    at: int,
    back: int | None,
    record: Any,
    gives: str,
    between: set[int],
) -> bool:
    """Take the forward op `at` into the tail, with the backward op that gives the tail's dy, if they are alone."""
    if set(used[id(tail.y)]) != between:
        return False
    before: Op | None = None
    if back is not None:
        place = next(
            (j for j in used[id(tail.dy)] if ops[j].record is record and ops[j].arguments[gives] is tail.dy), None
        )
        if place is None or set(used[id(tail.dy)]) != {place, *(tail.backward[-1:] or [back])}:
            return False
        before = ops[place]
        tail.backward.append(place)
        tail.dy = before.arguments["dy" if gives == "dx" else "x"]
    tail.forward.append(at)
    tail.y = ops[at].arguments["y"]
    return True
