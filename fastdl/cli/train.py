"""`fastdl train`: a table in, a trained model and its report out."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from fastdl.cli import folder, report
from fastdl.cli.console import note, remarks_held, say, warn
from fastdl.cli.expected import Expected
from fastdl.cli.job import Job, Part
from fastdl.cli.options import part, positive, setting, whole, widths
from fastdl.cli.tables import READABLE, Table, read_table
from fastdl.cli.task import Task, describe_task, target_values
from fastdl.cli.words import shown
from fastdl.tables import Frame
from fastdl.tables.checks import is_hopeless, suspicions
from fastdl.tables.settings import PRESETS

INTERRUPTED = 130


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Declare the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "train",
        help="train a model on a table",
        description="Train a model on a table of numbers, words, dates and gaps, and leave a folder with the model, its"
        " history, its scores, a picture of the curves, and a report to read in a browser.",
    )
    parser.add_argument("data", metavar="DATA", help=READABLE)
    add = parser.add_argument
    add("--target", metavar="COL", help="the target: a column's name, or its number from 0 (default: the last)")
    add("--drop", metavar="COL", action="append", default=[], help="leave a column out; may be repeated")
    add("--weights", metavar="COL", help="a column of weights of the rows")
    add("--valid", metavar="FILE", help="a table to validate on, instead of a part of DATA")
    add("--task", choices=["classification", "regression"], help="default: by the looks of the target")
    add("--out", "-o", metavar="DIR", help="the folder for the results (default: a fresh one, fastdl-NAME)")
    add("--force", action="store_true", help="replace the results that are there")
    add = parser.add_argument_group("model and training").add_argument
    add("--preset", choices=PRESETS, default="default", help="RealMLP-TD, or the simpler and faster RealMLP-TD-S")
    add("--set", metavar="KEY=VALUE", type=setting, action="append", default=[], help="any setting; may be repeated")
    add("--hidden", metavar="N,N", type=widths, help="hidden units (default: 256,256,256)")
    add("--dropout", metavar="R", type=part, help="dropout rate (default: the preset's)")
    add("--lr", metavar="R", type=positive, help="learning rate of Adam (default: the preset's)")
    add("--epochs", metavar="N", type=whole(1), help="at most so many (default: 256)")
    add("--batch-size", metavar="N", type=whole(1), help="default: 256")
    add("--validation-split", metavar="F", type=part, help="part of the rows to validate on (default: 0.2)")
    add("--patience", metavar="N", type=whole(0), help="stop after N epochs without improvement (default: never)")
    add("--folds", metavar="N", type=whole(1), help="a model for each fold, validated on it (default: 1)")
    add("--members", metavar="N", type=whole(1), help="models of each fold (default: 1)")
    add("--time-limit", metavar="S", type=positive, help="seconds that the training may take")
    add("--seed", metavar="N", type=whole(0, 2**64), default=0, help="the same seed gives the same model (default: 0)")
    add("--threads", metavar="N", type=whole(1), help="at most so many (default: all that the process may use)")
    add("--no-progress", action="store_true", help="show no progress bar")
    return parser


def run(args: argparse.Namespace) -> int:
    """Train."""
    output = folder.Output(args.out, args.data, args.force)
    with remarks_held():
        job = prepare(args)
    say(job.introduction())
    finished = job.fit()
    if not job.model.networks:
        note("interrupted in the first epoch; nothing to save")
        return INTERRUPTED
    say(job.columns() + "\n\n" + job.model.networks[0].summary())
    scores = job.scores()
    metrics = job.metrics(scores, finished)
    with output.writing() as path:
        pictured = job.save(path, metrics)
    say("\n" + report.score_table(scores))
    say("\n" + report.facts_table(job.facts(metrics, output.path)))
    if not pictured:
        note(f'no {folder.CURVES}, since matplotlib is not installed: pip install "fastdl-nn[cli]"')
    if not finished:
        note("interrupted: these are the results so far")
    return 0 if finished else INTERRUPTED


def prepare(args: argparse.Namespace) -> Job:
    """Read the tables, and say what is odd about them."""
    table = read_table(args.data, args.target)
    if table.lines is not None and not table.named:
        note(f"{table.source}: line {table.lines[0]} is taken for a row, not for a header; columns are x0, x1, ...")
    drop = [*args.drop, *([args.weights] if args.weights is not None else [])]
    task, y = describe_task(table, drop, args.task)
    frame = table.frame(task.positions)
    for sentence in suspicions(frame, y, task.kind == "classification"):
        warn(f"{table.source}: {sentence} (--drop)")
    if is_hopeless(frame):
        warn(f"{table.source}: no column has two different values, so all predictions will be the same")
    validation = None if args.valid is None else read_validation(args.valid, task, frame, y, args.weights)
    return Job(args, task, (frame, y, weights_of(table, args.weights)), validation)


def weights_of(table: Table, key: str | None) -> np.ndarray | None:
    """The weights of the rows, if a column has them."""
    if key is None:
        return None
    place = table.find(key)
    column = table.columns[place].of_kind("number", table.where)
    bad = np.flatnonzero(~(column.values >= 0.0))
    if bad.size:
        what = "misses a weight" if np.isnan(column.values[bad[0]]) else f"holds the weight {column.values[bad[0]]:g}"
        raise ValueError(f"{table.where(int(bad[0]))}: column {shown(column.name)} {what}; weights are numbers >= 0")
    if not column.values.any():
        raise ValueError(f"{table.source}: column {shown(column.name)} holds no weight above 0")
    return column.values


def read_validation(path: str, task: Task, training: Frame, y: np.ndarray, weights: str | None) -> Part:
    """The table of --valid, with the columns of the training."""
    expected = Expected.of_training(task, training)
    table = read_table(path, known=expected)
    values = target_values(table, task, np.unique(y) if task.kind == "classification" else None)
    return expected.frame(table), values, weights_of(table, weights)
