"""`fastdl evaluate`: a trained folder and a table with its target in, scores out."""

from __future__ import annotations

import argparse
import json
from typing import Any

from fastdl.cli import report
from fastdl.cli.console import remarks_held, say
from fastdl.cli.expected import Expected
from fastdl.cli.predict import load_folder
from fastdl.cli.tables import READABLE, read_table
from fastdl.cli.task import target_values


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Declare the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "evaluate", help="score a trained model on a table", description="Score a trained model on a table that has"
        " the target: accuracy and log loss of classes, RMSE, MAE and R2 of numbers.",
    )  # fmt: skip
    parser.add_argument("folder", metavar="DIR", help="what fastdl train left")
    parser.add_argument("data", metavar="DATA", help=READABLE)
    parser.add_argument("--json", action="store_true", help="print the scores as JSON")
    return parser


def run(args: argparse.Namespace) -> int:
    """Evaluate."""
    task, model = load_folder(args.folder)
    expected = Expected.of_model(task, model)
    with remarks_held():
        table = read_table(args.data, known=expected)
        y = target_values(table, task, model.classes_ if task.kind == "classification" else None)
        frame = expected.frame(table)
    scores = model.evaluate(frame, y)
    say(json.dumps({**scores, "rows": table.rows}) if args.json else report.score_table({f"{table.rows} rows": scores}))
    return 0
