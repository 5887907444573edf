"""`fastdl predict`: a trained folder and a table in, predictions out."""

from __future__ import annotations

import argparse
import csv
import math
import os
import sys
from collections.abc import Iterator
from typing import IO, Any

import numpy as np

from fastdl.cli.folder import MODEL, TASK
from fastdl.cli.tables import READABLE, Table, read_table
from fastdl.cli.task import Task, load_task
from fastdl.tables import Frame, Model, load

BLOCK = 8192


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Declare the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "predict", help="predict with a trained model",
        description="Write a CSV file with a line for each row of DATA: the prediction and, with --proba, the"
        " probabilities of the classes. Columns are found by name, in any order; columns that the model doesn't know"
        " are ignored.",
    )  # fmt: skip
    parser.add_argument("folder", metavar="DIR", help="what fastdl train left")
    parser.add_argument("data", metavar="DATA", help=READABLE)
    parser.add_argument("--proba", action="store_true", help="add the probability of each class")
    parser.add_argument("--out", "-o", metavar="FILE", help="where to write (default: standard output)")
    parser.add_argument("--force", action="store_true", help="replace FILE if it is there")
    return parser


def run(args: argparse.Namespace) -> int:
    """Predict."""
    task, model = load_folder(args.folder)
    if args.out is not None and os.path.lexists(args.out) and not args.force:
        raise FileExistsError(f"{args.out} is there already; choose another --out, or replace it with --force")
    if args.proba and task.kind == "regression":
        raise ValueError(f"--proba: {args.folder} predicts a number, which has no probabilities")
    table = read_table(args.data, with_target=False)
    rows = predictions(model, task, table.frame(feature_positions(task, table)), args.proba)
    if args.out is None:
        write_rows(sys.stdout, rows)
    else:
        write_whole(args.out, rows)
    return 0


def load_folder(path: str) -> tuple[Task, Model]:
    """What a training left."""
    for needed in (TASK, MODEL):
        if not os.path.isfile(os.path.join(path, needed)):
            raise FileNotFoundError(f"{path} is no folder of a trained model: there is no {needed} in it")
    return load_task(os.path.join(path, TASK)), load(os.path.join(path, MODEL))


def feature_positions(task: Task, table: Table) -> list[int]:
    """Which columns of the table the model wants, in its order."""
    width = len(table.columns)
    if not task.named:
        if width == task.width:
            return task.positions
        if width == len(task.positions):
            return list(range(width))
        raise ValueError(
            f"{table.source} has {width} columns, but the model was trained on {len(task.positions)} features without"
            f" names, of {task.width} columns"
        )
    if not table.named:
        raise ValueError(
            f"{table.source} has no header, but the model finds its columns by name: {', '.join(task.features[:8])}"
            f"{', ...' if len(task.features) > 8 else ''}"
        )
    there = {name: place for place, name in enumerate(table.names)}
    missing = [name for name in task.features if name not in there]
    if missing:
        shown = ", ".join(map(repr, missing[:8])) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
        raise ValueError(f"{table.source} lacks column{'s' if len(missing) > 1 else ''} {shown}, which the model needs")
    return [there[name] for name in task.features]


def predictions(model: Model, task: Task, frame: Frame, proba: bool) -> Iterator[list[Any]]:
    """The rows of the answer."""
    frame = model.preparation.match(frame)  # before anything is written
    classes = model.classes_.tolist() if task.kind == "classification" else []
    yield ["prediction", *(f"p_{label}" for label in classes if proba)]
    digits = 0
    if not classes:
        # Numbers are written with the digits that the network's float32 has: more would be noise.
        digits = min(6 - math.floor(math.log10(float(model.target.std[0]))), 300)  # type: ignore[union-attr]
    for start in range(0, frame.rows, BLOCK):
        block = frame.take(np.arange(start, min(start + BLOCK, frame.rows)))
        if not classes:
            yield from ([value] for value in model.predict(block).round(digits).tolist())
            continue
        probabilities = model.predict_proba(block)
        texts = probabilities.astype(str).tolist() if proba else [[]] * block.rows
        for label, of_row in zip(probabilities.argmax(axis=1).tolist(), texts, strict=True):
            yield [classes[label], *of_row]


def write_rows(file: IO[str], rows: Iterator[list[Any]]) -> None:
    """Write CSV."""
    csv.writer(file, lineterminator="\n").writerows(rows)


def write_whole(path: str, rows: Iterator[list[Any]]) -> None:
    """Write a file that appears whole or not at all."""
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"there is no folder {folder} for --out")
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "w", encoding="utf-8", newline="") as file:
            write_rows(file, rows)
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
