"""A network as ONNX."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from importlib import import_module
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.config import __version__
from fastdl.errors import unknown_name
from fastdl.export.graph import Node, in_order
from fastdl.export.layers import graph_of, heads_of
from fastdl.io import write_atomically

if TYPE_CHECKING:
    from fastdl.nn.network import Network

OPSET, ML_OPSET, IR_VERSION = 17, 3, 8  # of 2022: what runtimes have read for years
NAMES = {
    "add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "maximum": "Max", "minimum": "Min", "less": "Less",
    "equal": "Equal", "matmul": "MatMul", "sqrt": "Sqrt", "exp": "Exp", "log": "Log", "tanh": "Tanh", "erf": "Erf",
    "abs": "Abs", "isnan": "IsNaN", "where": "Where",
}  # fmt: skip
DTYPES = ("float32", "float64")


def library() -> Any:
    """The onnx package."""
    try:
        return import_module("onnx")
    except ImportError as error:
        raise ImportError('to_onnx needs onnx: pip install "fastdl-nn[onnx]"') from error


def to_onnx(network: Network, path: str | PathLike[str], dtype: str = "float32") -> None:
    """Write a built network as ONNX; see `Network.to_onnx`."""
    if dtype not in DTYPES:
        raise unknown_name("dtype", dtype, DTYPES)
    x = Node("input", attributes={"name": "X", "dtype": dtype, "shape": ["rows", network.widths[0]]})
    facts = {"fastdl": __version__}
    if network.classes_ is not None:
        facts["classes"] = json.dumps(network.classes_.tolist())
    raw = graph_of(network, x)
    write_model(library(), path, [x], heads_of(network, raw), network.widths[1], facts)


def write_model(
    onnx: Any,
    path: str | PathLike[str],
    inputs: list[Node],
    outputs: Mapping[str, Node],
    width: int,
    facts: Mapping[str, str],
    dtype: str = "float32",
) -> None:
    """Write a graph with these inputs and outputs (rows, width) of a dtype as a model."""
    helper = onnx.helper
    writer = Writer(onnx, [*(node.attributes["name"] for node in inputs), *outputs])
    for node in inputs:
        writer.names[id(node)] = node.attributes["name"]
    for node in in_order(outputs):
        if node.op != "input":
            writer.write(node)
    for name, node in outputs.items():
        writer.add("Identity", [writer.names[id(node)]], name)
    kinds = {"float32": onnx.TensorProto.FLOAT, "float64": onnx.TensorProto.DOUBLE, "text": onnx.TensorProto.STRING}
    graph = helper.make_graph(
        writer.nodes,
        "fastdl",
        [
            helper.make_tensor_value_info(n.attributes["name"], kinds[n.attributes["dtype"]], n.attributes["shape"])
            for n in inputs
        ],
        [helper.make_tensor_value_info(name, kinds[dtype], ["rows", width]) for name in outputs],
        writer.constants,
    )
    sets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    model = helper.make_model(
        graph, opset_imports=sets, ir_version=IR_VERSION, producer_name="fastdl", producer_version=__version__
    )
    helper.set_model_props(model, dict(facts))
    onnx.checker.check_model(model)
    write_atomically(path, model.SerializeToString())


class Writer:
    """Nodes of a graph as those of ONNX, with names that begin as none of the given ones does."""

    def __init__(self, onnx: Any, taken: Collection[str]) -> None:
        self.onnx = onnx
        self.start = "v"
        while any(name.startswith(self.start) for name in taken):
            self.start = f"_{self.start}"
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.names: dict[int, str] = {}

    def add(self, op: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> str:
        """Append a node."""
        self.nodes.append(self.onnx.helper.make_node(op, inputs, [output], domain=domain, **attributes))
        return output

    def constant(self, value: Any, name: str) -> str:
        """Append a constant."""
        self.constants.append(self.onnx.numpy_helper.from_array(np.ascontiguousarray(value).reshape(value.shape), name))
        return name

    def write(self, node: Node) -> None:
        """Append what a node is; ONNX knows neither some types nor some operations of others."""
        name = self.names[id(node)] = f"{self.start}{len(self.names)}"
        inputs = [self.names[id(source)] for source in node.inputs]
        if node.value is not None:
            self.constant(node.value, name)
        elif node.op == "concat":
            self.add("Concat", inputs, name, axis=1)
        elif node.op == "columns":
            chosen = self.constant(np.array(node.attributes["columns"], np.int64), f"{name}_columns")
            self.add("Gather", [inputs[0], chosen], name, axis=1)
        elif node.op == "mean":
            self.add("ReduceMean", inputs, name, axes=[1], keepdims=1)
        elif node.op == "softmax":
            self.add("Softmax", inputs, name, axis=1)
        elif node.op == "rows":
            whole = self.add("Cast", [inputs[1]], f"{name}_codes", to=self.onnx.TensorProto.INT64)
            axis = self.constant(np.array([1], np.int64), f"{name}_axis")
            flat = self.add("Squeeze", [whole, axis], f"{name}_flat")
            self.add("Gather", [inputs[0], flat], name, axis=0)
        elif node.op == "cast":
            kinds = {"float32": "FLOAT", "float64": "DOUBLE", "int64": "INT64"}
            self.add("Cast", inputs, name, to=getattr(self.onnx.TensorProto, kinds[node.attributes["dtype"]]))
        elif node.op == "cos":  # which runtimes have for float32 only: float64 is brought near 0 first
            self.cosine(inputs[0], name)
        elif node.op == "quantiles":
            self.quantiles(inputs[0], node.attributes["order"], node.attributes["targets"], name)
        elif node.op == "labels":
            keys = node.attributes["keys"]
            values = [float(code) for code in range(1, len(keys) + 1)]
            self.add(
                "LabelEncoder", inputs, name, "ai.onnx.ml", keys_strings=keys, values_floats=values, default_float=0.0
            )
        else:
            self.add(NAMES[node.op], inputs, name)

    def quantiles(self, x: str, order: list[int], targets: int, name: str) -> None:
        """Each target's outputs rise with their levels."""
        m = len(order)
        shape = self.constant(np.array([-1, targets, m], np.int64), f"{name}_shape")
        apart = self.add("Reshape", [x, shape], f"{name}_apart")
        count = self.constant(np.array([m], np.int64), f"{name}_count")
        node = self.onnx.helper.make_node(
            "TopK", [apart, count], [f"{name}_sorted", f"{name}_places"], axis=2, largest=0, sorted=1
        )
        self.nodes.append(node)
        rank = self.constant(np.argsort(order).astype(np.int64), f"{name}_rank")
        back = self.add("Gather", [f"{name}_sorted", rank], f"{name}_back", axis=2)
        flat = self.constant(np.array([-1, targets * m], np.int64), f"{name}_flat")
        self.add("Reshape", [back, flat], name)

    def cosine(self, angle: str, name: str) -> None:
        """cos of a float64 angle: whole turns are taken away in float64, the rest is float32."""
        turn = self.constant(np.array(2.0 * np.pi), f"{name}_turn")
        turns = self.add("Div", [angle, turn], f"{name}_turns")
        half = self.constant(np.array(0.5), f"{name}_half")
        whole = self.add("Floor", [self.add("Add", [turns, half], f"{name}_up")], f"{name}_whole")
        rest = self.add("Mul", [self.add("Sub", [turns, whole], f"{name}_part"), turn], f"{name}_rest")
        small = self.add("Cast", [rest], f"{name}_small", to=self.onnx.TensorProto.FLOAT)
        wave = self.add("Cos", [small], f"{name}_wave")
        self.add("Cast", [wave], name, to=self.onnx.TensorProto.DOUBLE)
