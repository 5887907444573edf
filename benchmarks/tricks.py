"""What each trick costs a step: ``python -m benchmarks.tricks``.

The plain step is Dense and ReLU, 784-512-256-10, batches of 128, Adam at a constant rate. Each trick has 15 pairs of
fits, plain and with the trick in turns, the first of a pair changing from pair to pair; the price is the median of the
pairs' ratios, less 1.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import fastdl as fdl
from benchmarks import keep
from benchmarks.machine import Disturbance
from fastdl import callbacks, losses, nn, optim, schedule

PAIRS, EPOCHS, STEPS, BATCH = 15, 4, 32, 128
WIDTHS = (512, 256)


@dataclass
class Trick:
    """A change of the plain training: of its layers, its trainer's options, or its callbacks."""

    name: str
    between: Callable[[], list[nn.Layer]] = list  # layers between each Dense and its ReLU
    behind: Callable[[], list[nn.Layer]] = list  # layers behind each ReLU
    dense: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    watchers: Callable[[], list[Any]] = list
    light: bool = False  # one of those that should cost at most 5 %


TRICKS = [
    Trick("EMA of the weights", options={"averaging": optim.EMA(0.999)}, light=True),
    Trick("clipping by the norm", options={"clip": optim.ClipNorm(1.0)}, light=True),
    Trick("clipping by value", options={"clip": optim.ClipValue(0.1)}, light=True),
    Trick("adaptive clipping", options={"clip": optim.AdaptiveClip(0.01)}),
    Trick("a schedule with warm-up", options={"schedule": schedule.Warmup(10, then=schedule.Cosine())}, light=True),
    Trick("decoupled decay", options={"optimizer": optim.AdamW(1e-3, weight_decay=0.01)}, light=True),
    Trick("decay by a schedule", options={"optimizer": optim.AdamW(1e-3, weight_decay=0.01 * schedule.FlatCos())},
          light=True),
    Trick("SignalMonitor, every 64th step", watchers=lambda: [callbacks.SignalMonitor()], light=True),
    Trick("L2 penalty", options={"penalty": fdl.L2(1e-4)}),
    Trick("max-norm", dense={"max_norm": 2.0}),
    Trick("label smoothing", options={"loss": losses.CrossEntropy(0.1)}),
    Trick("mixup", options={"mixup": 0.2}),
    Trick("weight norm", dense={"weight_norm": True}),
    Trick("dropout 0.2", behind=lambda: [nn.Dropout(0.2)]),
    Trick("batch norm", between=lambda: [nn.BatchNorm()]),
    Trick("layer norm", between=lambda: [nn.LayerNorm()]),
]  # fmt: skip


def make(trick: Trick) -> tuple[fdl.Trainer, list[Any]]:
    layers: list[nn.Layer] = []
    for width in WIDTHS:
        layers += [nn.Dense(width, **trick.dense), *trick.between(), nn.ReLU(), *trick.behind()]
    options = {"loss": "cross_entropy", "optimizer": optim.Adam(1e-3), **trick.options}
    return fdl.Trainer(nn.Sequential(*layers, nn.Dense(10)), seed=0, **options), trick.watchers()


def seconds(contestant: tuple[fdl.Trainer, list[Any]], X: np.ndarray, y: np.ndarray, epochs: int) -> float:
    trainer, watchers = contestant
    began = time.perf_counter()
    trainer.fit(X, y, epochs=epochs, batch_size=BATCH, callbacks=watchers, progress=False)
    return time.perf_counter() - began


def measure(pairs: int, epochs: int) -> list[dict[str, Any]]:
    """Return each trick's price and its quartiles over the pairs."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (STEPS * BATCH, 784)).astype(np.float32)
    y = rng.integers(0, 10, len(X))
    found = []
    for trick in TRICKS:
        contestants = [make(Trick("plain")), make(trick)]
        for contestant in contestants:
            seconds(contestant, X, y, epochs)
        ratios = []
        for pair in range(pairs):
            order = (0, 1) if pair % 2 else (1, 0)
            taken = {which: seconds(contestants[which], X, y, epochs) for which in order}
            ratios.append(taken[1] / taken[0])
        low, middle, high = (float(value) for value in np.percentile(ratios, (25, 50, 75)))
        found.append({"trick": trick.name, "price": middle - 1, "low": low - 1, "high": high - 1, "light": trick.light})
        print(
            f"{trick.name:32}{100 * (middle - 1):6.1f} %   ({100 * (low - 1):.1f} .. {100 * (high - 1):.1f})",
            flush=True,
        )
    return found


def lines(found: list[dict[str, Any]]) -> list[str]:
    out = ["| trick | price of a step | quartiles |", "|---|---|---|"]
    for one in found:
        spread = f"{100 * one['low']:.1f} .. {100 * one['high']:.1f} %"
        out.append(f"| {one['trick']} | {100 * one['price']:.1f} % | {spread} |")
    return out


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tricks", description=__doc__)
    keep.add_options(parser)
    options = parser.parse_args()
    keep.check_options(parser, options)
    disturbance = Disturbance()
    found = measure(2 if options.quick else PAIRS, 1 if options.quick else EPOCHS)
    if options.save is not None:
        how = "Made by `python -m benchmarks.tricks --save`: 784-512-256-10, batches of 128, medians of 15 pairs."
        text = keep.page("Prices of tricks", how, keep.facts_to_keep(), disturbance, lines(found))
        keep.keep(options.out, f"{options.save}-tricks", found, text)


if __name__ == "__main__":
    main()
