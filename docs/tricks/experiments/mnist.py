"""MNIST by dense layers: wide ReLUs, plain and held back; narrow sigmoids, with and without batch norm."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from experiments.common import Outcome, Skipped, fit
from fastdl import nn, optim, schedule

SEEDS = range(3)
FOLDER = "FASTDL_DATA"  # the environment's name of a folder with mnist/train-images-idx3-ubyte.gz and so on


def idx(path: Path) -> Any:
    """An array of the idx format: a type, a number of dimensions, their sizes, the bytes."""
    with gzip.open(path) as file:
        raw = file.read()
    sizes = np.frombuffer(raw, ">i4", raw[3], 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(sizes)


def mnist() -> Any:
    """Training and test rows, as they are in the files, which are not part of fastdl."""
    place = Path(os.environ.get(FOLDER, "")) / "mnist"
    if FOLDER not in os.environ or not place.is_dir():
        raise Skipped(f"set {FOLDER} to a folder that holds mnist/train-images-idx3-ubyte.gz and the other three files")
    parts = []
    for part in ("train", "t10k"):
        images = idx(next(place.glob(f"{part}-images*.gz"))).reshape(-1, 784)
        parts.append((images.astype(np.float32), idx(next(place.glob(f"{part}-labels*.gz"))).astype(np.int64)))
    return tuple(parts)


def relus(width: int, held: bool) -> nn.Sequential:
    """Three hidden layers; held back by dropout of a fifth of the inputs and 3 in 10 units, and by max-norm."""
    layers: list[nn.Layer] = [nn.MinMaxScale(0, 1)]
    if held:
        layers.append(nn.Dropout(0.2))
    for _ in range(3):
        layers += [nn.Dense(width, max_norm=2.0 if held else None), nn.ReLU()]
        if held:
            layers.append(nn.Dropout(0.3))
    return nn.Sequential(*layers, nn.Dense(10))


def sigmoids(norm: bool) -> nn.Sequential:
    """The network of section 4.1 of the paper on batch norm."""
    hidden = [layer for _ in range(3) for layer in (nn.Dense(100), *([nn.BatchNorm()] if norm else []), nn.Sigmoid())]
    return nn.Sequential(nn.MinMaxScale(0, 1), *hidden, nn.Dense(10))


def run(quick: bool) -> Outcome:
    """ReLUs by Adam with a cosine in batches of 128; sigmoids by plain descent in batches of 60, as in the paper."""
    data = mnist()
    if quick:
        data = tuple((X[:500], y[:500]) for X, y in data)
    epochs, width = (2, 32) if quick else (20, 800)
    adam = {"optimizer": optim.Adam(1e-3), "schedule": schedule.Cosine()}
    descent = {"optimizer": optim.SGD(0.1)}
    variants: dict[str, tuple[Callable[[], nn.Sequential], int, dict[str, Any]]] = {
        "3 x 800 ReLUs": (lambda: relus(width, False), 128, adam),
        "dropout and max-norm": (lambda: relus(width, True), 128, adam),
        "3 x 100 sigmoids": (lambda: sigmoids(False), 60, descent),
        "batch norm": (lambda: sigmoids(True), 60, descent),
    }
    outcome = Outcome(["test accuracy after 1 epoch", f"after {epochs} epochs"])
    for seed in SEEDS if not quick else SEEDS[:1]:
        for name, (make, rows, options) in variants.items():
            curve = fit(make, seed, epochs, data, rows, **options).history["val_accuracy"]
            outcome.add(name, [curve[0], curve[-1]], curve)
    return outcome
