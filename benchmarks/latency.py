"""``python -m benchmarks.latency``: one row at a time through a trained network, from Python.

The network is 64-128-128-10 with ReLU, in float32, all sides on one thread. Each side is checked against float64, then
all are timed in turns; a time is the least of its rounds. onnxruntime and torch take part where they are installed;
onnxruntime "bound" reads and writes arrays that were bound before, as `net.predictor(rows=1)` does with `out=`.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections.abc import Callable
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.compare import check, normal
from fastdl import nn

WIDTHS = (64, 128, 128, 10)
CALLS = 300
Side = Callable[[], Any]
Weights = list[tuple[np.ndarray, np.ndarray]]


def fastdl_sides(weights: Weights, row: np.ndarray) -> dict[str, Side]:
    """The two ways to ask fastdl."""
    layers = [layer for width in WIDTHS[1:-1] for layer in (nn.Dense(width), nn.ReLU())]
    net = nn.Sequential(*layers, nn.Dense(WIDTHS[-1]))
    net.build(WIDTHS[0])
    net.load_state_dict({f"{2 * i}.{kind}": pair[k] for i, pair in enumerate(weights) for k, kind in KINDS})
    bound, out = net.predictor(rows=1), np.empty((1, WIDTHS[-1]), np.float32)
    return {
        "fastdl net.predict": lambda: net.predict(row),
        "fastdl net.predictor(rows=1)": lambda: bound(row),
        "fastdl net.predictor(rows=1), out=": lambda: bound(row, out),
    }


KINDS = ((0, "weight"), (1, "bias"))


def numpy_side(weights: Weights, row: np.ndarray) -> dict[str, Side]:
    """As one would write it by hand."""

    def forward() -> np.ndarray:
        x = row
        for w, b in weights[:-1]:
            x = np.maximum(x @ w + b, 0)
        w, b = weights[-1]
        return x @ w + b

    return {"NumPy": forward}


def torch_side(weights: Weights, row: np.ndarray) -> dict[str, Side]:
    """nn.Sequential in inference mode."""
    import torch

    torch.set_num_threads(1)
    layers: list[Any] = []
    for (w, b), (inputs, outputs) in zip(weights, pairwise(WIDTHS), strict=True):
        layer = torch.nn.Linear(inputs, outputs)
        layer.weight.data, layer.bias.data = torch.from_numpy(w.T.copy()), torch.from_numpy(b)
        layers += [layer, torch.nn.ReLU()]
    model, x = torch.nn.Sequential(*layers[:-1]), torch.from_numpy(row)

    def forward() -> Any:
        with torch.inference_mode():
            return model(x).numpy()

    return {"torch": forward}


def onnx_sides(weights: Weights, row: np.ndarray) -> dict[str, Side]:
    """A graph of Gemm and Relu."""
    import onnx
    import onnxruntime

    make, arrays, nodes, last = onnx.helper, [], [], "x"
    for i, pair in enumerate(weights):
        arrays += [onnx.numpy_helper.from_array(pair[k], f"{kind}{i}") for k, kind in KINDS]
        nodes.append(make.make_node("Gemm", [last, f"weight{i}", f"bias{i}"], [f"z{i}"]))
        nodes.append(make.make_node("Relu", [f"z{i}"], [f"h{i}"]))
        last = f"h{i}"
    kind, last = onnx.TensorProto.FLOAT, f"z{len(weights) - 1}"
    ends = [make.make_tensor_value_info(name, kind, [1, n]) for name, n in (("x", WIDTHS[0]), (last, WIDTHS[-1]))]
    model = make.make_model(
        make.make_graph(nodes[:-1], "network", ends[:1], ends[1:], arrays),
        opset_imports=[make.make_opsetid("", 17)],
        ir_version=10,
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    out = np.empty((1, WIDTHS[-1]), np.float32)
    binding, value = session.io_binding(), onnxruntime.OrtValue.ortvalue_from_numpy
    result = value(out)
    binding.bind_ortvalue_input("x", value(row))
    binding.bind_ortvalue_output(last, result)

    def bound() -> None:
        session.run_with_iobinding(binding)

    bound()
    check("onnxruntime, bound", result.numpy(), session.run(None, {"x": row})[0])
    return {"onnxruntime": lambda: session.run(None, {"x": row})[0], "onnxruntime, bound": bound}


def main(arguments: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.latency", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--rounds", type=int, default=50, help=f"alternating rounds of {CALLS} calls (default 50)")
    parser.add_argument("--quick", action="store_true", help="show that it works; without other libraries")
    options = parser.parse_args(arguments)
    wanted = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        # NumPy's BLAS has read the environment already: once more, with the right one.
        os.execve(sys.executable, [sys.executable, "-m", "benchmarks.latency", *sys.argv[1:]], {**os.environ, **wanted})
    weights = [(normal((i, o), seed=i) / np.float32(i) ** 0.5, normal(o, seed=o)) for i, o in pairwise(WIDTHS)]
    row = normal((1, WIDTHS[0]))
    double = [(w.astype(np.float64), b.astype(np.float64)) for w, b in weights]
    want = numpy_side(double, row.astype(np.float64))["NumPy"]()
    sides = {**fastdl_sides(weights, row), **numpy_side(weights, row)}
    if not options.quick:
        for needed, make in ((("onnx", "onnxruntime"), onnx_sides), (("torch",), torch_side)):
            missing = [name for name in needed if importlib.util.find_spec(name) is None]
            print(*(f"skipped: {name} is not installed" for name in missing), sep="\n", end="\n" * bool(missing))
            sides.update({} if missing else make(weights, row))
    for name, side in sides.items():
        result = side()
        if result is not None:
            check(name, result, want)
    print(machine.describe(machine.facts()), end="\n\n")
    disturbance = machine.Disturbance()
    best = dict.fromkeys(sides, float("inf"))
    for _ in range(2 if options.quick else options.rounds):
        for name, side in sides.items():
            start = perf_counter()
            for _call in range(CALLS):
                side()
            best[name] = min(best[name], (perf_counter() - start) / CALLS)
    fastest = min(best.values())
    print(f"{'one row of ' + '-'.join(map(str, WIDTHS)):<36}{'us':>8}{'times the fastest':>20}")
    for name, seconds in best.items():
        print(f"{name:<36}{1e6 * seconds:>8.2f}{seconds / fastest:>20.2f}")
    print(disturbance)


if __name__ == "__main__":
    main()
