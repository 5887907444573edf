"""Inference of many rows: the layers' ops, bound once, fed straight from the caller's array."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fastdl.errors import check_memory
from fastdl.kernels._inference import FewRows
from fastdl.kernels._rows import Rows
from fastdl.kernels._team import get_num_threads
from fastdl.kernels.gather import record_gather, record_store
from fastdl.nn.layer import Layer
from fastdl.program import Buffer, Recorder, Signal, TeamSize, bases, bind, run

if TYPE_CHECKING:
    from fastdl.nn.network import Network
    from fastdl.program import Array

BATCH_ROWS = 256
WORTH_A_TEAM = 1 << 24  # multiply-adds: about 200 us on one core
WORTH_THE_GIL = 1 << 21  # multiply-adds: others can wait for as long as some 30 us
MUCH = 1 << 28  # bytes


def lower_input(recorder: Recorder, network: Network, source: Rows) -> Signal:
    """Record the gather of a batch of the network's inputs, and what its scaler does behind it."""
    x = recorder.matrix(source.cols)
    recorder.add(record_gather, y=x, source=source)
    scaler = network.scaler()
    if scaler is not None:
        scaler.lower_gathered(recorder, x)
    return Signal(x, False)


def read_from(source: Rows, network: Network, x: Array, order: Array | None = None) -> None:
    """Let the gather read x, scaled if the network begins with a scaler."""
    source.set(x, order, *scaling(network))


def scaling(network: Network) -> tuple[Array | None, Array | None]:
    """Offset and factor of the scaler that the network begins with, or None and None."""
    scaler = network.scaler()
    if scaler is None:
        return None, None
    if not scaler.adapted:
        raise ValueError(f"{scaler.title()} has seen no training rows yet: fit the network first")
    return scaler.state["offset"], scaler.state["factor"]


class Inference:
    """A network's inference program. A row's bits are those of any other batch it could be in.

    `few` takes plain arrays of a few rows, unchecked, and gives None for any others; those have to be checked, and then
    are for a call. It knows the network's memory, and not the network.
    """

    def __init__(self, network: Network, rows: int = BATCH_ROWS) -> None:
        features, self.outputs = network.widths
        self.batch = min(rows, BATCH_ROWS)
        self.parameters = network.count_parameters()
        self.scaling = scaling(network)
        self.source = Rows(features)
        self.target = Rows(self.outputs)
        self.team = TeamSize(None)
        recorder = Recorder(self.batch, training=False)
        y, _ = network.lower(recorder, lower_input(recorder, network, self.source))
        recorder.add(record_store, target=self.target, x=y.buffer)
        self.program = bind(recorder)
        self.scalars = np.empty((0, 0))
        looks = type(network.first_layer()).check is not Layer.check  # at the numbers, so that rows are not plain to it
        most = 0 if looks else min(self.batch, WORTH_THE_GIL // max(1, self.parameters))
        self.few = FewRows(self.program, self.source, self.target, most, *self.scaling)

    def __call__(self, x: Array, result: Array | None = None) -> Array:
        """Outputs (n, outputs) of rows x, which the gather can read; in `result` if it is given."""
        rows = x.shape[0]
        if result is None:
            if 4 * rows * self.outputs > MUCH:
                check_memory(f"the outputs of {rows:,} rows", 4 * rows * self.outputs)
            result = np.empty((rows, self.outputs), np.float32)
        if rows == 0:
            return result
        self.source.set(x, None, *self.scaling)
        self.target.set(result)
        steps = -(-rows // self.batch)
        if len(self.scalars) < steps:
            self.scalars = np.empty((steps, 0))
        try:
            self.program.begin(rows, self.batch, steps, 0, 0, self.scalars)
            if rows * self.parameters > WORTH_A_TEAM:
                run(self.program, self.team)
            else:
                self.program.advance(1)
        finally:
            self.source.clear()
            self.target.clear()
        return result


def training_outputs(network: Network, x: Array, seed: int, step: int) -> Array:
    """Outputs of one batch as a training step sees it; nothing is updated."""
    result = np.empty((x.shape[0], network.widths[1]), np.float32)
    if x.shape[0] == 0:
        return result
    source, target = Rows(x.shape[1]), Rows(result.shape[1])
    recorder = Recorder(x.shape[0], training=True)
    y, _ = network.lower(recorder, lower_input(recorder, network, source))
    recorder.add(record_store, target=target, x=y.buffer)
    recorder.update.clear()
    program = bind(recorder)
    read_from(source, network, x)
    target.set(result)
    program.begin(x.shape[0], x.shape[0], 1, seed, step, bases(recorder))
    program.advance(get_num_threads())
    return result


def first_bad(outputs: list[tuple[str, Buffer]], rows: int) -> str | None:
    """The first of the named buffers that holds a number that is not finite in these rows."""
    for name, buffer in outputs:
        if not np.isfinite(buffer.view[:rows]).all():
            return name
    return None
