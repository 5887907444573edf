"""First weights that have seen the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fastdl.kernels import dense, matmul, random_uniform
from fastdl.kernels._rows import Rows
from fastdl.kernels._team import get_num_threads
from fastdl.nn.predictor import lower_input, read_from
from fastdl.program import Recorder, bind

if TYPE_CHECKING:
    from fastdl.nn.network import Network
    from fastdl.program import Array

BATCH_ROWS = 1024
POINTS = 5  # rows of which each unit's kink is a mixture
STREAM = 1 << 27


def look_at_data(network: Network, x: Array, seed: int) -> None:
    """Let each unit's weighted sum have standard deviation 1 on the data, and its kink lie among them.

    Layer after layer: each column of weights is divided by the standard deviation of x w over up to 1024 rows, and the
    bias becomes -x* w, where x* is a mixture of five random rows with weights uniform on the simplex.
    Units that say the same of all rows stay as they are.

    Parameters
    ----------
    network : Network
        Built, with dense layers at the end.
    x : ndarray, shape (rows, features)
    seed : int

    Notes
    -----
    After "std" and "he+5" of Holzmueller et al. (2024); kinks among the data are due to Steinwart (2019), "A sober look
    at neural network initializations".
    """
    batch = min(len(x), BATCH_ROWS)
    order = np.arange(batch) * len(x) // batch
    source = Rows(x.shape[1])
    recorder = Recorder(batch, training=False, share_memory=False)
    network.lower(recorder, lower_input(recorder, network, source))
    program = bind(recorder)
    read_from(source, network, x, order)
    try:
        ops = [op for op in recorder.ops if op.record is dense.record_forward]
        for layer, op in enumerate(ops):
            program.begin(batch, batch, 1, 0, 0, np.empty((1, 0)))
            program.advance(get_num_threads())
            w, b = op.arguments["w"], op.arguments["b"]
            sums = matmul(op.arguments["x"].view[:batch], w).astype(np.float64)
            std = sums.std(axis=0)
            factor = np.where(std > 1e-12, 1.0 / np.where(std > 1e-12, std, 1.0), 1.0)
            w[...] *= factor.astype(np.float32)
            b[...] = -mixtures(sums * factor, seed, STREAM + layer)
    finally:
        source.clear()


def mixtures(sums: Array, seed: int, stream: int) -> Array:
    """A mixture of some random rows for each column.   sums: (rows, units) -> (units,)."""
    rows, units = sums.shape
    u = random_uniform(2 * POINTS * units, seed, 0, stream).astype(np.float64).reshape(2, POINTS, units)
    shares = -np.log1p(-u[0])  # exponential: normalised they are uniform on the simplex
    shares /= np.maximum(shares.sum(axis=0), 1e-300)
    chosen = np.minimum((u[1] * rows).astype(np.int64), rows - 1)
    return (shares * sums[chosen, np.arange(units)]).sum(axis=0)
