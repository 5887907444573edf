"""`fastdl predict`: a trained folder and a table in, predictions out."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from fastdl.cli.answers import writer_for
from fastdl.cli.console import remarks_held
from fastdl.cli.expected import Expected
from fastdl.cli.folder import MODEL, TASK
from fastdl.cli.tables import READABLE, read_table
from fastdl.cli.task import Task, load_task
from fastdl.tables import Frame, Model, load

BLOCK = 8192


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Declare the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "predict", help="predict with a trained model",
        description="Write a table with a row for each row of DATA: the prediction and, with --proba, the probability"
        " of each class. Columns are found by name, in any order, and read as those of the training were; columns that"
        " the model doesn't know are ignored.",
    )  # fmt: skip
    parser.add_argument("folder", metavar="DIR", help="what fastdl train left")
    parser.add_argument("data", metavar="DATA", help=READABLE)
    parser.add_argument("--proba", action="store_true", help="add the probability of each class")
    parser.add_argument(
        "--out", "-o", metavar="FILE", help=".csv, .csv.gz, .tsv or .parquet (default: standard output)"
    )
    parser.add_argument("--force", action="store_true", help="replace FILE if it is there")
    return parser


def run(args: argparse.Namespace) -> int:
    """Predict."""
    task, model = load_folder(args.folder)
    write = writer_for(args.out, args.force)
    if args.proba and task.kind == "regression":
        raise ValueError(f"--proba: {args.folder} predicts a number, which has no probabilities")
    expected = Expected.of_model(task, model)
    with remarks_held():
        frame = expected.frame(read_table(args.data, with_target=False, known=expected))
    write(predictions(model, task, frame, args.proba))
    return 0


def load_folder(path: str) -> tuple[Task, Model]:
    """What a training left."""
    for needed in (TASK, MODEL):
        if not os.path.isfile(os.path.join(path, needed)):
            raise FileNotFoundError(f"{path} is no folder of a trained model: there is no {needed} in it")
    return load_task(os.path.join(path, TASK)), load(os.path.join(path, MODEL))


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
        beside = probabilities if proba else np.empty((block.rows, 0))
        for label, of_row in zip(probabilities.argmax(axis=1).tolist(), beside, strict=True):
            yield [classes[label], *of_row]
