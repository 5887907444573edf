"""`fastdl train`: a table in, a trained network and its report out."""

from __future__ import annotations

import argparse
from typing import Any

from fastdl.cli import folder, report
from fastdl.cli.console import note, say
from fastdl.cli.job import Job
from fastdl.cli.options import part, positive, whole, widths
from fastdl.cli.tables import READABLE, read_table
from fastdl.cli.task import describe_task, split_rows

INTERRUPTED = 130


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Declare the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "train",
        help="train a network on a table of numbers",
        description="Train a network on a table of numbers and leave a folder with the model, its history, its scores"
        " and a picture of the curves.",
    )
    parser.add_argument("data", metavar="DATA", help=READABLE)
    add = parser.add_argument
    add("--target", metavar="COL", help="the target: a column's name, or its number from 0 (default: the last)")
    add("--drop", metavar="COL", action="append", default=[], help="leave a column out; may be repeated")
    add("--task", choices=["classification", "regression"], help="default: by the looks of the target")
    add("--out", metavar="DIR", help="the folder for the results (default: a fresh one, fastdl-NAME)")
    add("--force", action="store_true", help="replace the results that are there")
    add = parser.add_argument_group("network and training").add_argument
    add("--hidden", metavar="N,N", type=widths, default=[256, 128], help="hidden units (default: 256,128)")
    add("--dropout", metavar="R", type=part, default=0.1, help="dropout rate (default: 0.1)")
    add("--lr", metavar="R", type=positive, default=3e-3, help="learning rate of Adam (default: 0.003)")
    add("--epochs", metavar="N", type=whole(1), default=100, help="at most so many (default: 100)")
    add("--batch-size", metavar="N", type=whole(1), help="default: 64; 128 from 10,000 rows, 256 from 50,000")
    add(
        "--validation-split", metavar="F", type=part, default=0.2, help="part of the rows to validate on (default: 0.2)"
    )
    add(
        "--patience",
        metavar="N",
        type=whole(0),
        default=12,
        help="stop after N epochs without improvement (default: 12)",
    )
    add(
        "--seed", metavar="N", type=whole(0, 2**64), default=0, help="the same seed gives the same network (default: 0)"
    )
    add("--threads", metavar="N", type=whole(1), help="at most so many (default: all that the process may use)")
    add("--no-progress", action="store_true", help="show no progress bar")
    return parser


def run(args: argparse.Namespace) -> int:
    """Train."""
    output = folder.Output(args.out, args.data, args.force)
    table = read_table(args.data, args.target)
    task, y = describe_task(table, args.drop, args.task)
    x = table.matrix(task.positions, drop=True)
    training, validation = split_rows(y, task.kind, args.validation_split, args.seed)
    job = Job(args, task, (x[training], y[training]), (x[validation], y[validation]) if len(validation) else None)
    del table, x, y
    say(job.introduction())
    finished = job.fit()
    if job.trainer.history.epochs == 0:
        note("interrupted in the first epoch; nothing to save")
        return INTERRUPTED
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
