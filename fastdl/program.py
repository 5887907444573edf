"""Lowering: layers write down what a step does as a list of ops over buffers, which is then bound to memory.

Nothing here touches a number. `Recorder` collects the ops, `fuse` merges neighbours without changing a bit, `place`
lays the buffers out in one arena (those whose lives don't overlap share memory), `bind` hands all to the program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from fastdl.errors import check_memory
from fastdl.fusion import fuse
from fastdl.kernels._program import Program
from fastdl.kernels._scalar import Column
from fastdl.kernels._team import check_threads

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

Array: TypeAlias = "NDArray[Any]"
ALIGNMENT = 64


@dataclass(eq=False, slots=True)
class Buffer:
    """Scratch of a step. `array` is its memory once it is bound: (rows, cols) with padded rows, or of a fixed shape."""

    shape: tuple[int, ...]
    dtype: Any
    stride: int  # elements from one row to the next
    lasting: bool  # keeps its memory to itself
    array: Array | None = None

    @property
    def size(self) -> int:
        """Bytes, rounded up to whole cache lines."""
        count = self.shape[0] * self.stride if len(self.shape) == 2 else int(np.prod(self.shape))
        return -(-count * np.dtype(self.dtype).itemsize // ALIGNMENT) * ALIGNMENT

    @property
    def view(self) -> Array:
        """The memory, which must be bound by now."""
        assert self.array is not None, "this buffer is not bound"
        return self.array


@dataclass(slots=True)
class Signal:
    """What flows between layers: a batch in a buffer, and whether anything before it wants its gradient."""

    buffer: Buffer
    needs_gradient: bool

    @property
    def features(self) -> int:
        """Columns."""
        return self.buffer.shape[1]


@dataclass(frozen=True, slots=True)
class Window:
    """The steps of an epoch: what a number that changes from step to step may depend on."""

    steps: Array  # their numbers, from 0 at the beginning of the training
    steps_per_epoch: int
    epochs: int
    seed: int
    epoch: int
    history: Mapping[str, Sequence[float]]  # of the epochs before


class Source(Protocol):
    """A number that changes from step to step. Where there are no steps, as in an eager call, `base` stands for it."""

    @property
    def base(self) -> float:
        """Its value without a schedule."""

    def over(self, window: Window) -> Array:
        """Its value at each step, float64."""


Backward: TypeAlias = Callable[[Buffer], "Buffer | None"]  # dy -> dx; records the ops on the way


@dataclass(slots=True)
class Op:
    """One entry of the list: a record function of a kernel module, and its arguments by name."""

    record: Callable[..., None] | None  # None: `function` is Python's
    arguments: dict[str, Any]
    label: str
    function: Callable[[int], None] | None = None
    native: int = 1  # entries of the native list that it became: some kernels need more than one

    def buffers(self) -> list[Buffer]:
        """The scratch that it reads or writes."""
        return [value for value in self.arguments.values() if isinstance(value, Buffer)]


@dataclass(slots=True)
class Recorder:
    """Collects the ops of a step for batches of at most `rows` rows.

    `gradients` maps the id of each parameter to where its gradient goes. Ops of `update` run behind the finite check.
    """

    rows: int
    training: bool
    gradients: Mapping[int, Array] = field(default_factory=dict)
    share_memory: bool = True
    ops: list[Op] = field(default_factory=list)
    update: list[Op] = field(default_factory=list)
    outputs: list[tuple[str, Buffer]] = field(default_factory=list)  # of each layer, in order
    path: tuple[str, ...] = ()
    streams: int = 0
    scalars: list[tuple[str, Source]] = field(default_factory=list)  # the table's columns, by the names of their owners
    calibrates: bool = False  # running statistics become the mean over the steps, instead of following them

    def matrix(self, cols: int) -> Buffer:
        """A batch of `cols` features. Row strides that are multiples of 1 KiB would fall into few cache sets."""
        stride = -(-cols // 16) * 16
        return Buffer((self.rows, cols), np.float32, stride + 16 if stride % 256 == 0 else stride, False)

    def vector(self, dtype: DTypeLike = np.float32) -> Buffer:
        """A number for each row of a batch."""
        return Buffer((self.rows,), dtype, 1, False)

    def array(self, shape: tuple[int, ...], dtype: DTypeLike = np.float32) -> Buffer:
        """Memory of a fixed shape that stays from step to step."""
        return Buffer(shape, dtype, shape[-1], True)

    def add(self, record: Callable[..., None], **arguments: Any) -> None:
        """Append an op."""
        self.ops.append(Op(record, arguments, ".".join(self.path)))

    def add_update(self, record: Callable[..., None], **arguments: Any) -> None:
        """Append an op that runs once the step is known to be finite."""
        self.update.append(Op(record, arguments, ".".join(self.path)))

    def call(self, function: Callable[[int], None], **buffers: Buffer) -> None:
        """Append Python's own op: it ends the slice, and `function(rows)` runs with the GIL."""
        self.ops.append(Op(None, dict(buffers), ".".join(self.path), function))

    def scalar(self, name: str, value: float | Source) -> float | Column:
        """A number for an op: itself, or its column of the table that the program is begun with."""
        if isinstance(value, int | float):
            return value
        self.scalars.append((".".join((*self.path, name)), value))
        return Column(len(self.scalars) - 1)

    def stream(self) -> int:
        """The number of the next random stream; layers ask in order, so that it depends on the network alone."""
        self.streams += 1
        return self.streams - 1


def bases(recorder: Recorder, steps: int = 1) -> Array:
    """A table of scalars for steps that belong to no training: (steps, columns)."""
    return np.tile([source.base for _, source in recorder.scalars], (steps, 1))


def place(ops: list[Op], share_memory: bool) -> tuple[dict[int, int], int]:
    """Where each buffer begins in the arena (by id), and how large that is. First fit, in the order of first use."""
    life: dict[int, list[int]] = {}
    buffers: dict[int, Buffer] = {}
    for i, op in enumerate(ops):
        for buffer in op.buffers():
            buffers[id(buffer)] = buffer
            life.setdefault(id(buffer), [i, i])[1] = i
    end = 0
    live: list[tuple[int, int, int]] = []  # start, stop, last op
    offsets: dict[int, int] = {}
    for key, (first, last) in sorted(life.items(), key=lambda item: item[1][0]):
        buffer = buffers[key]
        if buffer.lasting or not share_memory:
            last = len(ops)
            first_free = end
        else:
            live = [block for block in live if block[2] >= first]
            first_free = 0
            for start, stop, _ in sorted(live):
                if start - first_free >= buffer.size:
                    break
                first_free = max(first_free, stop)
        offsets[key] = first_free
        live.append((first_free, first_free + buffer.size, last))
        end = max(end, first_free + buffer.size)
    return offsets, end


def aligned(size: int) -> Array:
    """That many zero bytes, beginning at a cache line."""
    block = np.zeros(size + ALIGNMENT, np.uint8)
    start = -block.ctypes.data % ALIGNMENT
    return block[start : start + size]


def bind(recorder: Recorder) -> Program:
    """Give every buffer its memory and record the ops natively; from then on `recorder.ops` are the program's."""
    ops = fuse(recorder.ops) if recorder.share_memory else recorder.ops
    recorder.ops = ops = ops + recorder.update
    offsets, size = place(ops, recorder.share_memory)
    check_memory(f"a batch of {recorder.rows} rows", size)
    arena = aligned(size)
    program = Program()
    for op in ops:
        before = len(program)
        for buffer in op.buffers():
            if buffer.array is None:
                memory = arena[offsets[id(buffer)] :][: buffer.size].view(buffer.dtype)
                if len(buffer.shape) == 2:
                    memory = memory[: buffer.shape[0] * buffer.stride].reshape(buffer.shape[0], buffer.stride)
                    buffer.array = memory[:, : buffer.shape[1]]
                else:
                    buffer.array = memory[: int(np.prod(buffer.shape))].reshape(buffer.shape)
        if op.function is not None:
            program.call(op.function)
        elif op.record is not None:
            op.record(program, **{k: v.array if isinstance(v, Buffer) else v for k, v in op.arguments.items()})
        op.native = len(program) - before
    return program


SLICE_SECONDS, TRIAL_SECONDS = 0.045, 0.002
ALONE_SECONDS = 0.01  # what is over by then is not worth a trial, which may find the other cores busy
TRIALS_AT_FIRST = 2  # of each size: the first slice of all also warms caches and faults pages in
PROBE_AFTER, PROBE_EVERY = 2, 16  # slices until the first probe, twice as many until each further one, up to the second
PROBE_SHARE = 0.04  # of the time, at most


class TeamSize:
    """How many threads the next slice gets: what was fastest lately, with a short look at the others now and then.

    Bits don't depend on the size, so it may change at any time. A neighbour process that takes a core makes large teams
    slow; they are then left until a probe finds them fast again. The first probe comes soon, since one slow slice says
    little; later ones are the more seldom. A probe is as long as a step at least, so where steps are long, or a size
    very slow, there are fewer.
    """

    def __init__(self, threads: int | None) -> None:
        self.threads = threads
        self.sizes = self.allowed()
        self.cost: dict[int, float] = {}
        self.trials: dict[int, int] = {}
        self.slices = 0  # since the last probe,
        self.seconds = 0.0  # and the time that they took
        self.elapsed = 0.0  # of all slices
        self.turn = 0
        self.best = 0  # the size that was fastest lately
        self.patience = PROBE_AFTER  # slices until the next probe

    def allowed(self) -> list[int]:
        """Sizes up to what is allowed now: the limit may change, and a forked child has one thread."""
        most = check_threads(self.threads)
        return sorted({1, most, *(2**i for i in range(1, most.bit_length()) if 2**i <= most)})

    def next(self) -> tuple[int, float]:
        """Size and length in seconds of the next slice."""
        self.sizes = self.allowed()
        if len(self.sizes) == 1:
            return 1, SLICE_SECONDS
        if self.elapsed < ALONE_SECONDS:
            return 1, TRIAL_SECONDS
        least_tried = min(self.sizes, key=lambda size: self.trials.get(size, 0))
        if self.trials.get(least_tried, 0) < TRIALS_AT_FIRST:
            self.trials[least_tried] = self.trials.get(least_tried, 0) + 1
            return least_tried, TRIAL_SECONDS
        best = min(self.sizes, key=self.expected)
        if best != self.best:
            self.best, self.patience = best, PROBE_AFTER
        others = [size for size in self.sizes if size != best]
        probe = others[self.turn % len(others)]
        if self.slices >= self.patience and max(TRIAL_SECONDS, self.expected(probe)) <= PROBE_SHARE * self.seconds:
            self.turn += 1
            self.slices, self.seconds = 0, 0.0
            self.patience = min(2 * self.patience, PROBE_EVERY)
            return probe, TRIAL_SECONDS
        self.slices += 1
        return best, SLICE_SECONDS

    def expected(self, size: int) -> float:
        """Seconds a step with this team."""
        return self.cost.get(size, 0.0)

    def learn(self, size: int, seconds_per_step: float, seconds: float) -> None:
        """Remember what a slice of some seconds has shown: half counts; all in a trial or a probe that was fast."""
        known = self.cost.get(size, seconds_per_step)
        if self.slices == 0:
            known = min(known, seconds_per_step)
        self.cost[size] = 0.5 * (known + seconds_per_step)
        self.elapsed += seconds
        if self.slices:
            self.seconds += seconds


def run(
    program: Program,
    team: TeamSize,
    after_slice: Callable[[], object] | None = None,
    one_step: bool = False,
    before_slice: Callable[[], int] | None = None,
) -> str:
    """Drive a program to its end, slice by slice, with the size of team that was fastest lately.

    `after_slice` is called behind each; it is where progress is shown. Ctrl-C arrives there, too. `before_slice` says
    how many steps the coming one may have, 0 for as many as it likes.
    """
    while True:
        most = 0 if before_slice is None else before_slice()
        size, seconds = team.next()
        before, start = program.steps_done, perf_counter()
        status: str = program.advance(size, 1e-9 if one_step else seconds, most)
        done = program.steps_done - before
        if done:
            seconds = perf_counter() - start
            team.learn(size, seconds / done, seconds)
        if after_slice is not None:
            after_slice()
        if status != "deadline":
            return status
