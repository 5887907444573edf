"""A network as a file: safetensors with a JSON config of a closed schema. No pickle, nothing is imported by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any

import numpy as np

from fastdl.errors import check_int
from fastdl.io import read_tensors, write_tensors
from fastdl.nn.activation import KINDS as ACTIVATIONS
from fastdl.nn.alpha_dropout import AlphaDropout
from fastdl.nn.batchnorm import BatchNorm
from fastdl.nn.container import Container
from fastdl.nn.dense import Dense
from fastdl.nn.dropout import Dropout
from fastdl.nn.embedding import Embedding
from fastdl.nn.feature_scale import FeatureScale
from fastdl.nn.layer import Layer, Parameter, State, sizes
from fastdl.nn.layernorm import LayerNorm, RMSNorm
from fastdl.nn.network import Network
from fastdl.nn.noise import GaussianNoise
from fastdl.nn.parallel import Parallel
from fastdl.nn.parametric import ParametricActivation
from fastdl.nn.periodic import PeriodicEmbedding
from fastdl.nn.residual import Residual
from fastdl.nn.scale import MinMaxScale, RobustScale, Standardize
from fastdl.nn.sequential import Sequential
from fastdl.quantiles import levels_of

VERSION = 1
KNOWN: dict[str, type[Layer]] = {
    kind.__name__: kind
    for kind in (
        *ACTIVATIONS.values(),
        AlphaDropout,
        BatchNorm,
        Dense,
        Dropout,
        Embedding,
        FeatureScale,
        GaussianNoise,
        LayerNorm,
        MinMaxScale,
        Parallel,
        ParametricActivation,
        PeriodicEmbedding,
        RMSNorm,
        Residual,
        RobustScale,
        Sequential,
        Standardize,
    )
}
KEYS = {"fastdl", "network", "input_shape", "head", "classes", "training_rows"}
HEADS = (None, "softmax", "sigmoid", "linear")


def describe(layer: Layer) -> dict[str, Any]:
    """A layer and those that its constructor got, as JSON can hold them."""
    inside = [describe(child) for child in layer.layers] if isinstance(layer, Container) else []
    return {"type": type(layer).__name__, "options": layer.config(), **({"layers": inside} if inside else {})}


def revive(config: Any, custom: Mapping[str, type[Layer]]) -> Layer:
    """The layer of a description; unknown types and options are refused."""
    if not isinstance(config, dict) or not isinstance(config.get("type"), str):
        raise ValueError(f"expected the description of a layer, got {config!r}")
    name, options, inside = config["type"], config.get("options", {}), config.get("layers", [])
    kind = custom.get(name) or KNOWN.get(name)
    if kind is None:
        raise ValueError(f"unknown layer {name!r}: pass its class as nn.load(path, custom={{{name!r}: {name}}})")
    closed = isinstance(options, dict) and isinstance(inside, list) and not set(config) - {"type", "options", "layers"}
    if not closed or (inside and not issubclass(kind, Container)):
        raise ValueError(f"expected the description of a {name}, got {config!r}")
    if name not in custom and set(options) - {"name", *kind.inspected}:
        raise ValueError(f"{name}: unknown options {sorted(set(options) - {'name', *kind.inspected})}")
    make: Callable[..., Layer] = kind  # whose constructor only the layer itself knows
    return make(*(revive(child, custom) for child in inside), **options)


def pack(network: Network) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arrays of a built network, and its description as JSON can hold it."""
    classes = network.classes_
    config = {
        "fastdl": VERSION,
        "network": describe(network),
        "input_shape": network.input_shape,
        "head": network.head,
        "classes": None if classes is None else classes.tolist(),
        "training_rows": network.training_rows,
    }
    return network.state_dict(), config


def save(network: Network, path: str | PathLike[str]) -> None:
    """Write a built network; see `Network.save`."""
    import json

    arrays, config = pack(network)
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
    import json

    arrays, metadata = read_tensors(path)
    try:
        config = json.loads(metadata["fastdl"])
        network = unpack(arrays, config, custom)
    except KeyError as error:
        raise ValueError(f"{path}: not a network that fastdl can read: it lacks {error}") from error
    except (TypeError, ValueError, IndexError, OverflowError, RecursionError) as error:
        raise ValueError(f"{path}: not a network that fastdl can read: {error}") from error
    return network


def unpack(arrays: Mapping[str, Any], config: Any, custom: Mapping[str, type[Layer]] | None = None) -> Network:
    """The network of what `pack` gave; KeyError, TypeError or ValueError if it is not that."""
    if not isinstance(config, dict) or set(config) != KEYS:
        raise ValueError(f"its description should have {', '.join(sorted(KEYS))}")
    if config["fastdl"] != VERSION or isinstance(config["fastdl"], bool):
        raise ValueError(f"version {config['fastdl']!r} of the format, expected {VERSION}")
    network = revive(config["network"], dict(custom or {}))
    if not isinstance(network, Network) or not (config["head"] in HEADS or levels_of(config["head"])):
        raise ValueError("it does not describe a network")
    shape = sizes("input_shape", config["input_shape"])
    expect_shapes(network, shape, arrays)
    network.build(shape)
    network.load_state_dict(arrays)
    network.head = config["head"]
    network.classes_ = classes_of(config["classes"], network)
    rows = config["training_rows"]
    network.training_rows = None if rows is None else check_int("training_rows", rows, 1)
    return network


def expect_shapes(network: Network, shape: tuple[int, ...], arrays: Mapping[str, Any]) -> None:
    """Compare what the layers would need with what the file holds, before any of it is allocated."""
    network.declare(shape)
    for prefix, layer in network.walk():
        declared: dict[str, Parameter | State] = {**layer.parameters_, **layer.states_}
        for name, array in declared.items():
            found = arrays[prefix + name].shape if prefix + name in arrays else None
            if found != array.shape:
                raise ValueError(f"{prefix}{name}: expected shape {array.shape}, the file has {found}")
    network.forget()


def classes_of(labels: Any, network: Network) -> np.ndarray[Any, Any] | None:
    """The labels of the outputs, if the file has some."""
    if labels is None:
        return None
    two = network.head == "sigmoid" and network.output_shape == (1,)  # what that output's 0 and 1 stand for
    uniform = isinstance(labels, list) and len({type(label) for label in labels}) == 1
    if (
        not uniform
        or len(set(map(str, labels))) != len(labels)
        or not isinstance(labels[0], str | int)
        or (len(labels),) != ((2,) if two else network.output_shape)
    ):
        raise ValueError(f"classes: expected a label for each of {network.output_shape} outputs, got {labels!r}")
    return np.asarray(labels)
