"""How weights begin. Every initializer is a small object; its numbers come from Philox and depend on the seed alone."""

from __future__ import annotations

from typing import Any

from fastdl.errors import unknown_name
from fastdl.init.base import Constant, Initializer, Ones, Zeros
from fastdl.init.orthogonal import LSUV, Orthogonal
from fastdl.init.random import Gaussian, Glorot, He, Lecun, TruncatedGaussian, Uniform, VarianceScaling

__all__ = [
    "LSUV",
    "Constant",
    "Gaussian",
    "Glorot",
    "He",
    "Initializer",
    "Lecun",
    "Ones",
    "Orthogonal",
    "TruncatedGaussian",
    "Uniform",
    "VarianceScaling",
    "Zeros",
    "initializer",
]

KINDS: dict[str, type[Initializer]] = {
    kind.kind: kind
    for kind in (Zeros, Ones, Constant, Uniform, Gaussian, TruncatedGaussian, Lecun, Glorot, He, Orthogonal, LSUV)
}


def initializer(value: Any, what: str = "init") -> Initializer:
    """An initializer from itself, its name, or its saved config."""
    if isinstance(value, Initializer):
        return value
    if isinstance(value, dict) and isinstance(value.get("kind"), str):
        options = {key: option for key, option in value.items() if key != "kind"}
        kind = KINDS.get(value["kind"])
        if kind is None or set(options) - set(kind.options):
            raise ValueError(f"{what}: expected the config of an initializer, got {value!r}")
        return kind(**options)
    if isinstance(value, str):
        if value not in KINDS:
            raise unknown_name(what, value, KINDS)
        return KINDS[value]()
    raise TypeError(f"{what}: expected a name or an Initializer, got {type(value).__name__}")
