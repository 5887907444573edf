"""Layer-sequential unit variance: the part of that initializer that needs data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fastdl.init import LSUV
from fastdl.kernels import dense
from fastdl.kernels._rows import Rows
from fastdl.kernels._team import get_num_threads
from fastdl.nn.predictor import lower_input, read_from
from fastdl.program import Recorder, bind

if TYPE_CHECKING:
    from fastdl.nn.network import Network
    from fastdl.program import Array

BATCH_ROWS = 1024
TRIALS, NEAR = 10, 0.01  # one is enough unless there are biases


def adapt_lsuv(network: Network, x: Array, rows: Array | None) -> None:
    """Divide LSUV weights by the standard deviation of their layer's outputs before the activation, layer after layer.

    Each layer does it once, as scalers do. The batch, up to 1024 of the chosen rows (all for None), evenly spread, is
    seen as in training. Outputs that are all the same, or not finite, leave a layer as it is.
    """
    waiting = {
        id(layer.parameters_["weight"].value): layer
        for _, layer in network.walk()
        if "weight" in layer.parameters_
        and isinstance(layer.parameters_["weight"].init, LSUV)
        and not layer.state.get("adapted", 0.0)
    }
    if not waiting:
        return
    count = x.shape[0] if rows is None else len(rows)
    batch = min(count, BATCH_ROWS)
    order = np.arange(batch) * count // batch
    order = order if rows is None else np.ascontiguousarray(rows[order])
    source = Rows(x.shape[1])
    recorder = Recorder(batch, training=True, share_memory=False)
    network.lower(recorder, lower_input(recorder, network, source))
    recorder.update.clear()
    program = bind(recorder)
    read_from(source, network, x, order)
    before = network.snapshot()
    try:
        for op in recorder.ops:
            layer = waiting.get(id(op.arguments.get("w")))
            if layer is None or op.record is not dense.record_forward:
                continue
            for _ in range(TRIALS):
                program.begin(batch, batch, 1, 0, 0, np.empty((1, 0)))
                program.advance(get_num_threads())
                std = float(op.arguments["y"].view[:batch].std(dtype=np.float64))
                if not 0.0 < std < float("inf"):
                    break
                layer.state["adapted"][...] = 1.0
                if abs(std * std - 1.0) < NEAR:
                    break
                layer.parameters_["weight"].value[...] *= 1.0 / std
    except BaseException:
        network.restore(before)
        raise
    finally:
        source.clear()
