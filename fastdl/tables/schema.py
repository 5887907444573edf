"""What the description of a saved model must be like; what is not is refused before anything is made of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from fastdl.tables.column import Kind
from fastdl.tables.encoding import Encoding, How
from fastdl.tables.preparation import Preparation
from fastdl.tables.targets import Classes, Quantity

if TYPE_CHECKING:
    from fastdl.program import Array

# Which kinds of columns may become what; no more than a constant number may come of any kind but text.
KINDS_OF: dict[str, tuple[str, ...]] = {
    "number": ("number", "boolean", "date"),
    "boolean": ("boolean",),
    "date": ("date",),
    "pair": ("category",),
    "one-hot": ("category",),
    "codes": ("category",),
    "dropped": get_args(Kind),
}


def keys_of(what: str, value: Any, keys: set[str]) -> Mapping[str, Any]:
    """A mapping with these keys and no others."""
    if not isinstance(value, dict) or set(value) != keys:
        raise ValueError(f"{what} should have {', '.join(sorted(keys))}")
    return value


def typed(what: str, value: Any, *kinds: type) -> Any:
    """A value of exactly these types: a bool is no int."""
    if type(value) not in kinds:
        raise ValueError(f"{what}: expected {' or '.join(kind.__name__ for kind in kinds)}, got {value!r}")
    return value


def numbers_in(what: str, value: Any, length: int | None = None) -> Array:
    """A list of finite numbers as float64."""
    found = [typed(what, number, int, float) for number in typed(what, value, list)]
    if (length is not None and len(found) != length) or not all(map(math.isfinite, found)):
        raise ValueError(f"{what}: expected {'' if length is None else length} finite numbers, got {value!r:.80}")
    return np.array(found, np.float64)


def encoding_of(value: Any) -> Encoding:
    """The encoding of a `config`."""
    config = keys_of("a column", value, {"name", "kind", "how", "categories", "gaps", "note"})
    name = typed("a column's name", config["name"], str)
    if config["how"] not in get_args(How) or config["kind"] not in KINDS_OF[config["how"]]:
        raise ValueError(f"column {name!r}: a {config['kind']!r} can't become {config['how']!r}")
    categories = [
        typed(f"column {name!r}", text, str) for text in typed(f"column {name!r}", config["categories"], list)
    ]
    counts = {"pair": {2}, "one-hot": range(10**9), "codes": range(1, 10**9)}.get(config["how"], {0})
    if len(categories) not in counts or len(set(categories)) != len(categories):
        raise ValueError(f"column {name!r}: {len(categories)} categories do not fit")
    for key, kind in (("gaps", bool), ("note", str)):
        typed(f"column {name!r}: {key}", config[key], kind)
    return Encoding(**config)


def preparation_of(value: Any) -> Preparation:
    """The preparation of a `config`."""
    keys = {"one_hot", "embed", "named", "numbers", "offset", "factor", "columns"}
    config = keys_of("the preparation", value, keys)
    for key, kind in (("one_hot", int), ("embed", bool), ("named", bool), ("numbers", int)):
        typed(key, config[key], kind)
    encodings = [encoding_of(column) for column in typed("columns", config["columns"], list)]
    if len({encoding.name for encoding in encodings}) != len(encodings):
        raise ValueError("the names of columns must differ")
    widths = np.array([encoding.widths for encoding in encodings]).reshape(-1, 3).sum(axis=0)
    if config["numbers"] != widths[0]:
        raise ValueError(f"numbers: expected {widths[0]}, got {config['numbers']}")
    for key in ("offset", "factor"):
        numbers_in(key, config[key], int(widths[0] + widths[1]))
    return Preparation.from_config(dict(config))


def target_of(value: Any) -> Classes | Quantity:
    """The target of a `config`."""
    if isinstance(value, dict) and "classes" in value:
        config = keys_of("the target", value, {"classes", "dtype"})
        labels = typed("classes", config["classes"], list)
        kinds = {"U": (str,), "b": (bool,), "i": (int,), "u": (int,), "f": (float,)}
        dtype = np.dtype(typed("dtype", config["dtype"], str))
        if dtype.kind not in kinds:
            raise ValueError(f"dtype: {dtype} is none of labels")
        classes = np.array([typed("classes", label, *kinds[dtype.kind]) for label in labels], dtype)
        if len(classes) < 2 or classes.tolist() != labels or not (classes[1:] > classes[:-1]).all():
            raise ValueError("classes: expected two or more different labels in their order")
        return Classes(classes)
    config = keys_of("the target", value, {"mean", "std", "low", "high", "flat"})
    outputs = 1 if typed("flat", config["flat"], bool) else len(typed("mean", config["mean"], list))
    mean, std, low, high = (numbers_in(name, config[name], outputs) for name in ("mean", "std", "low", "high"))
    if not outputs or not (std > 0.0).all() or not (low <= high).all():
        raise ValueError("the target's scale or range is none")
    return Quantity(mean, std, low, high, config["flat"])
