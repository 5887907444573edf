"""A network as one file of Python that needs nothing but NumPy."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.config import __version__
from fastdl.export.graph import Node, in_order
from fastdl.export.layers import graph_of, heads_of
from fastdl.io import write_atomically

if TYPE_CHECKING:
    from fastdl.nn.network import Network
    from fastdl.program import Array

SMALL = 8  # numbers that are written as such
LINE = 110

CALLS = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "matmul": "{0} @ {1}",
    "less": "{0} < {1}",
    "equal": "{0} == {1}",
    "maximum": "np.maximum({0}, {1})",
    "minimum": "np.minimum({0}, {1})",
    "where": "np.where({0}, {1}, {2})",
    "sqrt": "np.sqrt({0})",
    "exp": "np.exp({0})",
    "log": "np.log({0})",
    "tanh": "np.tanh({0})",
    "cos": "np.cos({0})",
    "abs": "np.abs({0})",
    "isnan": "np.isnan({0})",
    "erf": "_erf({0})",
    "softmax": "_softmax({0})",
    "mean": "{0}.mean(axis=1, keepdims=True)",
    "rows": "_of_codes({0}, {1}[:, 0])",
}
HEAD = '''"""A network of fastdl {version} as plain NumPy: predict(X){more}.

Written by Network.to_numpy_code; X is (rows, {features}).
"""

import base64
import math

import numpy as np

FEATURES = {features}


def _array(text, shape, dtype="<f4"):
    return np.frombuffer(base64.b85decode("".join(text)), dtype).reshape(shape)


def _erf(x):
    return np.vectorize(math.erf, otypes=[np.float64])(x).astype(np.float32)


def _softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _quantiles(x, order):
    of_target = x.reshape(len(x), x.shape[1] // len(order), len(order))
    out = np.empty_like(of_target)
    out[:, :, order] = np.sort(of_target, axis=2)
    return out.reshape(x.shape)


def _of_codes(table, codes):
    missing = np.isnan(codes)
    if not np.isin(codes[~missing], np.arange(len(table))).all():
        raise ValueError(f"X: expected codes 0 .. {{len(table) - 1}}")
    out = table[np.where(missing, 0, codes).astype(np.int64)]
    out[missing] = np.nan
    return out


def _rows(X):
    X = np.asarray(X)
    if X.ndim != 2 or X.shape[1] != FEATURES:
        raise ValueError(f"X: expected shape (rows, {{FEATURES}}), got {{X.shape}}")
    return X

'''


def to_numpy_code(network: Network, path: str | PathLike[str]) -> None:
    """Write a built network as Python code; see `Network.to_numpy_code`."""
    x = Node("input")
    raw = graph_of(network, x)
    heads = heads_of(network, raw)
    names: dict[int, str] = {id(x): "x"}
    constants, body = [], []
    answer = heads["output"]
    for node in in_order({"output": answer}):
        if node.op == "input":
            continue
        name = f"{'c' if node.op == 'constant' else 'v'}{len(names)}"
        names[id(node)] = name
        if node.value is not None:
            constants.append(f"{name} = {literal(node.value)}")
        else:
            body.append(f"    {name} = {call(node, names)}")
    more = ", predict_proba(X), predict_classes(X)" * ("probabilities" in heads)
    text = HEAD.format(version=__version__, features=network.widths[0], more=more) + "\n".join(constants)
    text += f'\n\n\ndef predict(X):\n    """Raw outputs, (rows, {network.widths[1]})."""\n    x = _rows(X)\n'
    text += "\n".join(body) + f"\n    return {names[id(answer)]}\n"
    text += functions(network, heads)
    write_atomically(path, text.encode())


def functions(network: Network, heads: Mapping[str, Node]) -> str:
    """The code of what a classifier offers beside its raw outputs."""
    if "probabilities" not in heads:
        return ""
    softmax, labels = network.head == "softmax", network.classes_
    text = '\n\ndef predict_proba(X):\n    """Probabilities of the outputs."""\n    return '
    text += "_softmax(predict(X))\n" if softmax else "0.5 * np.tanh(0.5 * predict(X)) + 0.5\n"
    if not softmax and network.widths[1] > 1:
        text += '\n\ndef predict_classes(X):\n    """Which outputs are on: 1, else 0."""\n'
        return text + "    return (predict(X) > 0).astype(np.int64)\n"
    if labels is not None:
        text += f"\n\nCLASSES = np.array({labels.tolist()!r})\n"
    text += '\n\ndef predict_classes(X):\n    """The likeliest class of each row."""\n    best = '
    text += "predict(X).argmax(axis=1)\n" if softmax else "(predict(X)[:, 0] > 0).astype(np.int64)\n"
    return text + f"    return {'best' if labels is None else 'CLASSES[best]'}\n"


def call(node: Node, names: Mapping[int, str]) -> str:
    """The expression of an operation."""
    inputs = [names[id(source)] for source in node.inputs]
    if node.op == "concat":
        return f"np.concatenate([{', '.join(inputs)}], axis=1)" if len(inputs) > 1 else inputs[0]
    if node.op == "columns":
        chosen = node.attributes["columns"]
        run = chosen == list(range(chosen[0], chosen[0] + len(chosen)))
        return f"{inputs[0]}[:, {chosen[0]}:{chosen[0] + len(chosen)}]" if run else f"{inputs[0]}[:, {chosen}]"
    if node.op == "quantiles":
        return f"_quantiles({inputs[0]}, {node.attributes['order']})"
    if node.op == "cast":
        return f"{inputs[0]}.astype(np.{node.attributes['dtype']})"
    return CALLS[node.op].format(*inputs)


def literal(value: Array) -> str:
    """A constant as source: few numbers as such, many as text of their bytes."""
    dtype = value.dtype.newbyteorder("<")
    if value.size <= SMALL and np.isfinite(value).all():
        kind = "" if value.dtype.kind == "i" else f", np.{value.dtype.name}"
        return f"np.array({value.tolist()!r}{kind})"
    text = base64.b85encode(np.ascontiguousarray(value, dtype).tobytes()).decode()
    lines: list[Any] = [text[start : start + LINE] for start in range(0, len(text), LINE)]
    inside = ",\n    ".join(map(repr, lines))
    return f"_array([\n    {inside},\n], {value.shape}, {dtype.str!r})"
