"""A model on a table as ONNX: an input for each column, the preparation, and the networks' mean."""

from __future__ import annotations

import json
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from fastdl.config import __version__
from fastdl.export.graph import Node, apply, cast, constant
from fastdl.export.layers import graph_of, heads_of, smooth_clip
from fastdl.export.onnx import library, write_model
from fastdl.tables.encoding import DAY, WEEK, YEAR, Encoding
from fastdl.tables.preparation import CLIP
from fastdl.tables.targets import Classes

if TYPE_CHECKING:
    from fastdl.tables.model import Model

TURN = np.array(2.0 * np.pi)
LARGE = np.array(1e30)


def to_onnx(model: Model, path: str | PathLike[str]) -> None:
    """Write a trained model; see `Model.to_onnx`."""
    onnx = library()
    preparation, target = model.preparation, model.target
    assert target is not None
    used = [encoding for encoding in preparation.encodings if encoding.how != "dropped"]
    output = "probabilities" if isinstance(target, Classes) else "prediction"
    inputs = [
        Node("input", attributes={
            "name": name, "dtype": "text" if encoding.kind == "category" else "float64", "shape": ["rows", 1]
        })
        for encoding, name in zip(used, input_names([encoding.name for encoding in used], output), strict=True)
    ]  # fmt: skip
    pairs = list(zip(used, inputs, strict=True))
    raw = [node for encoding, x in pairs for node in numbers(encoding, x)]
    raw += [node for encoding, x in pairs for node in flags(encoding, x)]
    measured = [
        scaled(node, float(offset), float(factor))
        for node, offset, factor in zip(raw, preparation.offset, preparation.factor, strict=True)
    ]
    codes = [labels(encoding, x) for encoding, x in pairs if encoding.how == "codes"]
    matrix = apply("concat", *measured, *codes)
    facts = {"fastdl": __version__, "columns": json.dumps([encoding.name for encoding in used])}
    if isinstance(target, Classes):
        facts["classes"] = json.dumps(target.classes.tolist())
        members = [heads_of(network, graph_of(network, matrix))["probabilities"] for network in model.networks]
        answer = mean_of(members)
    else:
        outputs_of = [cast(graph_of(network, matrix), "float64") for network in model.networks]
        values = mean_of(outputs_of) * target.std + target.mean
        answer = apply("minimum", apply("maximum", values, target.low), target.high)
    dtype = "float32" if isinstance(target, Classes) else "float64"
    write_model(onnx, path, inputs, {output: answer}, target.outputs, facts, dtype)


def input_names(columns: list[str], output: str) -> list[str]:
    """A name of its own for each column: the column's, unless that is empty or the output's."""
    found: list[str] = []
    for place, column in enumerate(columns):
        name = column or f"column {place}"
        while name == output or name in found or (name != column and name in columns):
            name += "_"
        found.append(name)
    return found


def mean_of(nodes: list[Node]) -> Node:
    """Of the members."""
    total = nodes[0]
    for node in nodes[1:]:
        total = total + node
    share = 1.0 / len(nodes)
    return total * (np.array(share) if nodes[0].op == "cast" else share) if len(nodes) > 1 else total


def labels(encoding: Encoding, x: Node) -> Node:
    """Number of each category from 1, 0 for others, float32."""
    return apply("labels", x, keys=encoding.categories)


def numbers(encoding: Encoding, x: Node) -> list[Node]:
    """As `Encoding.numbers`."""
    if encoding.how == "number":
        return [x]
    if encoding.how != "date":
        return []
    found = [x]
    for period in (DAY, WEEK, YEAR):
        angle = x / np.array(period) * TURN
        found += [apply("cos", angle - np.array(0.5 * np.pi)), apply("cos", angle)]  # sin, cos
    return found


def flags(encoding: Encoding, x: Node) -> list[Node]:
    """As `Encoding.flags`, float64."""
    found = []
    if encoding.how == "boolean":
        yes_no = x * np.array(2.0) - np.array(1.0)
        found.append(apply("where", apply("isnan", x), constant(np.array(0.0)), yes_no))
    elif encoding.how == "pair":
        code = cast(labels(encoding, x), "float64")
        other = cast(apply("equal", code, np.array(0.0)), "float64")
        found.append(code * np.array(2.0) - np.array(3.0) + other * np.array(3.0))
    elif encoding.how == "one-hot":
        code = labels(encoding, x)
        codes = range(1, len(encoding.categories) + 1)
        found += [cast(apply("equal", code, float(number)), "float64") for number in codes]
    if encoding.gaps:
        gap = apply("equal", labels(encoding, x), 0.0) if encoding.kind == "category" else apply("isnan", x)
        found.append(cast(gap, "float64"))
    return found


def scaled(x: Node, offset: float, factor: float) -> Node:
    """Centred, scaled and clipped, float32; a missing value becomes the median."""
    distance = apply("where", apply("isnan", x), constant(np.array(0.0)), x - np.array(offset)) * np.array(factor)
    bounded = apply("minimum", apply("maximum", distance, -LARGE), LARGE)
    return cast(smooth_clip(bounded, CLIP), "float32")
