"""Inference of many rows: the layers' ops, bound once, fed straight from the caller's array."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fastdl.errors import check_memory
from fastdl.kernels._team import get_num_threads
from fastdl.kernels.gather import Rows, record_gather, record_store
from fastdl.program import Buffer, Recorder, Signal, TeamSize, bind, run

if TYPE_CHECKING:
    from fastdl.nn.network import Network
    from fastdl.program import Array

BATCH_ROWS = 256
WORTH_A_TEAM = 1 << 24  # multiply-adds: about 200 us on one core
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


class Predictor:
    """A network's inference program. A row's bits are those of any other batch it could be in."""

    def __init__(self, network: Network) -> None:
        features, self.outputs = network.widths
        self.parameters = network.count_parameters()
        self.scaling = scaling(network)
        self.source = Rows(features)
        self.target = Rows(self.outputs)
        self.team = TeamSize(None)
        recorder = Recorder(BATCH_ROWS, training=False)
        y, _ = network.lower(recorder, lower_input(recorder, network, self.source))
        recorder.add(record_store, target=self.target, x=y.buffer)
        self.program = bind(recorder)
        self.scalars = np.empty((0, 0))

    def __call__(self, x: Array) -> Array:
        """Outputs (n, outputs) of rows x, which the gather can read."""
        rows = x.shape[0]
        if 4 * rows * self.outputs > MUCH:
            check_memory(f"the outputs of {rows:,} rows", 4 * rows * self.outputs)
        result = np.empty((rows, self.outputs), np.float32)
        if rows == 0:
            return result
        self.source.set(x, None, *self.scaling)
        self.target.set(result)
        steps = -(-rows // BATCH_ROWS)
        if len(self.scalars) < steps:
            self.scalars = np.empty((steps, 0))
        try:
            self.program.begin(rows, BATCH_ROWS, steps, 0, 0, self.scalars)
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
    program.begin(x.shape[0], x.shape[0], 1, seed, step, np.empty((1, 0)))
    program.advance(get_num_threads())
    return result


def first_bad(outputs: list[tuple[str, Buffer]], rows: int) -> str | None:
    """The first of the named buffers that holds a number that is not finite in these rows."""
    for name, buffer in outputs:
        if not np.isfinite(buffer.view[:rows]).all():
            return name
    return None
