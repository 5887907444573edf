"""A model on a table as one safetensors file: networks, preparation and targets. No pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.io import read_tensors, write_tensors
from fastdl.nn import Embedding
from fastdl.nn.saving import pack, unpack
from fastdl.tables.model import Model
from fastdl.tables.schema import keys_of, preparation_of, target_of, typed
from fastdl.tables.settings import Settings
from fastdl.tables.targets import Classes, Quantity

if TYPE_CHECKING:
    from fastdl.nn.network import Network
    from fastdl.program import Array

VERSION = 1
KEYS = {"version", "settings", "seed", "preparation", "target", "networks", "sha256"}


def save(model: Model, path: str | PathLike[str]) -> None:
    """Write a trained model; see `Model.save`."""
    arrays: dict[str, Array] = {"residuals": model.residuals}
    networks = []
    for place, network in enumerate(model.networks):
        own, description = pack(network)
        arrays.update((f"{place}.{name}", array) for name, array in own.items())
        networks.append(description)
    assert model.target is not None
    facts = {
        "version": VERSION,
        "settings": model.settings.config(),
        "seed": model.seed,
        "preparation": model.preparation.config(),
        "target": model.target.config(),
        "networks": networks,
    }
    facts["sha256"] = digest(arrays, facts)
    write_tensors(path, arrays, {"fastdl.tables": json.dumps(facts)})


def load(path: str | PathLike[str]) -> Model:
    """Read a model that `Model.save` wrote.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    Model
        It predicts the same bits.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is damaged or changed, or is not a model of a table, or one of another format.
    """
    arrays, metadata = read_tensors(path)
    try:
        facts = json.loads(metadata["fastdl.tables"])
        if not isinstance(facts, dict) or facts.get("version") != VERSION:
            version = facts.get("version") if isinstance(facts, dict) else facts
            raise ValueError(f"it is of format {version!r}, and this fastdl reads {VERSION}")
        keys_of("its description", facts, KEYS)
        if facts.pop("sha256") != digest(arrays, facts):
            raise ValueError("it has been changed since it was saved")
        model = Model(Settings(**facts["settings"]), facts["seed"])
        model.preparation = preparation_of(facts["preparation"])
        model.target = target_of(facts["target"])
        if (model.settings.task == "classification") != isinstance(model.target, Classes):
            raise ValueError("its target does not fit its task")
        for place, description in enumerate(typed("networks", facts["networks"], list)):
            start = f"{place}."
            own = {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}
            network = unpack(own, description)
            check_network(network, model)
            model.networks.append(network)
        if not model.networks:
            raise ValueError("it holds no network")
        residuals = arrays["residuals"]
        width = model.target.outputs if isinstance(model.target, Quantity) else 1
        if residuals.dtype != np.float64 or residuals.shape[1:] != (width,) or not np.isfinite(residuals).all():
            raise ValueError("its errors on validation rows are none")
        model.residuals = residuals
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        raise ValueError(f"{path}: not a model of a table that fastdl can read: {error}") from error
    return model


def check_network(network: Network, model: Model) -> None:
    """Refuse a network that does not fit columns and targets."""
    assert model.target is not None
    if network.widths != (model.preparation.width, model.target.outputs):
        raise ValueError("a network does not fit the columns")
    if network.head != ("softmax" if isinstance(model.target, Classes) else "linear"):
        raise ValueError(f"a network's head is {network.head!r}")
    first, sizes = network.first_layer(), model.preparation.sizes
    tables = [len(first.params[f"table_{c}"]) for c in first.columns] if isinstance(first, Embedding) else []
    if tables != sizes:
        raise ValueError("a network does not fit the categories")


def digest(arrays: Mapping[str, Array], facts: Mapping[str, Any]) -> str:
    """Of everything that a file holds."""
    found = hashlib.sha256(json.dumps(facts).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(f"{name} {array.dtype.str} {array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()
