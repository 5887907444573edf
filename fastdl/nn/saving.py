"""A network as a file: safetensors with a JSON config of a closed schema. No pickle, and nothing is imported by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np

from fastdl.io import read_tensors, write_tensors
from fastdl.nn.activation import ReLU, Tanh
from fastdl.nn.batchnorm import BatchNorm
from fastdl.nn.dense import Dense
from fastdl.nn.dropout import Dropout
from fastdl.nn.layer import Layer
from fastdl.nn.network import Network
from fastdl.nn.scale import MinMaxScale, Standardize
from fastdl.nn.sequential import Sequential

VERSION = 1
KNOWN: dict[str, type[Layer]] = {
    kind.__name__: kind for kind in (BatchNorm, Dense, Dropout, MinMaxScale, ReLU, Sequential, Standardize, Tanh)
}
HEADS = (None, "softmax", "sigmoid", "linear")


def describe(layer: Layer) -> dict[str, Any]:
    """A layer and those inside it as JSON can hold them."""
    inside = [describe(child) for _, child in layer.children()]
    return {"type": type(layer).__name__, "options": layer.config(), **({"layers": inside} if inside else {})}


def revive(config: Any, custom: Mapping[str, type[Layer]]) -> Layer:
    """The layer of a description; unknown types and options are refused."""
    if not isinstance(config, dict) or not isinstance(config.get("type"), str):
        raise ValueError(f"expected the description of a layer, got {config!r}")
    name, options, inside = config["type"], config.get("options", {}), config.get("layers", [])
    kind = custom.get(name) or KNOWN.get(name)
    if kind is None:
        raise ValueError(f"unknown layer {name!r}: pass its class as nn.load(path, custom={{{name!r}: {name}}})")
    if not isinstance(options, dict) or not isinstance(inside, list) or set(config) - {"type", "options", "layers"}:
        raise ValueError(f"expected the description of a {name}, got {config!r}")
    if name not in custom and set(options) - {"name", *kind.inspected}:
        raise ValueError(f"{name}: unknown options {sorted(set(options) - {'name', *kind.inspected})}")
    return kind(*(revive(child, custom) for child in inside), **options)


def save(network: Network, path: str | PathLike[str]) -> None:
    """Write a built network; see `Network.save`."""
    arrays = network.state_dict()
    classes = network.classes_
    config = {
        "fastdl": VERSION,
        "network": describe(network),
        "input_shape": network.input_shape,
        "head": network.head,
        "classes": None if classes is None else classes.tolist(),
        "training_rows": network.training_rows,
    }
    write_tensors(path, arrays, {"fastdl": json.dumps(config)})


def load(path: str | PathLike[str], custom: Mapping[str, type[Layer]] | None = None) -> Network:
    """Read a network that `net.save` wrote.

    Parameters
    ----------
    path : path-like
    custom : mapping of str to type, optional
        Classes of your own layers by name; nothing is imported by name.

    Returns
    -------
    Network
        Built, with the saved weights.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is damaged, or is not a network of fastdl, or holds a layer that is not known.
    """
    arrays, metadata = read_tensors(path)
    try:
        config = json.loads(metadata["fastdl"])
        if config["fastdl"] != VERSION:
            raise ValueError(f"version {config['fastdl']!r} of the format, expected {VERSION}")
        network = revive(config["network"], dict(custom or {}))
        if not isinstance(network, Network) or config["head"] not in HEADS:
            raise ValueError("it does not describe a network")
        shape = tuple(int(n) for n in config["input_shape"])
        expect_shapes(network, shape, arrays)
        network.build(shape)
        network.load_state_dict(arrays)
        network.head = config["head"]
        if config["classes"] is not None:
            network.classes_ = np.asarray(config["classes"])
        rows = config["training_rows"]
        network.training_rows = None if rows is None else int(rows)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ValueError(f"{path}: not a network that fastdl can read: {error}") from error
    return network


def expect_shapes(network: Network, shape: tuple[int, ...], arrays: Mapping[str, Any]) -> None:
    """Compare what the layers would need with what the file holds, before any of it is allocated."""
    network.declare(shape)
    for prefix, layer in network.walk():
        for name, parameter in layer.parameters_.items():
            found = arrays[prefix + name].shape if prefix + name in arrays else None
            if found != parameter.shape:
                raise ValueError(f"{prefix}{name}: expected shape {parameter.shape}, the file has {found}")
    network.forget()
