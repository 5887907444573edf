"""A model on a table as one safetensors file: networks, preparation and targets. No pickle."""

from __future__ import annotations

import json
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.io import read_tensors, write_tensors
from fastdl.nn.saving import pack, unpack
from fastdl.tables.model import Model
from fastdl.tables.preparation import Preparation
from fastdl.tables.settings import Settings
from fastdl.tables.targets import Classes, Quantity

if TYPE_CHECKING:
    from fastdl.program import Array

VERSION = 1
KEYS = {"version", "settings", "seed", "preparation", "target", "networks"}


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
        If it is damaged, or is not a model of a table.
    """
    arrays, metadata = read_tensors(path)
    try:
        facts = json.loads(metadata["fastdl.tables"])
        if not isinstance(facts, dict) or set(facts) != KEYS or facts["version"] != VERSION:
            raise ValueError(f"its description should be of version {VERSION}")
        model = Model(Settings(**facts["settings"]), facts["seed"])
        model.preparation = Preparation.from_config(facts["preparation"])
        model.target = target_of(facts["target"])
        model.residuals = arrays["residuals"]
        for place, description in enumerate(facts["networks"]):
            start = f"{place}."
            own = {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}
            network = unpack(own, description)
            if network.widths != (model.preparation.width, model.target.outputs):
                raise ValueError("a network does not fit the columns")
            model.networks.append(network)
        if not model.networks:
            raise ValueError("it holds no network")
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        raise ValueError(f"{path}: not a model of a table that fastdl can read: {error}") from error
    return model


def target_of(config: dict[str, Any]) -> Classes | Quantity:
    """The target of a `config`."""
    if "classes" in config:
        return Classes(np.array(config["classes"]))
    mean, std, low, high = (np.array(config[name], np.float64) for name in ("mean", "std", "low", "high"))
    return Quantity(mean, std, low, high, bool(config["flat"]))
