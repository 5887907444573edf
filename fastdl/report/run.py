"""What a page on a trained model says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from fastdl.config import __version__
from fastdl.io import write_atomically
from fastdl.report.answers import Answers, answers_of, error_pictures, scores
from fastdl.report.columns import column_table, importances
from fastdl.report.glossary import terms
from fastdl.report.numbers import LABELS, score_text
from fastdl.report.page import Score, command_line, facts, figures, page, remark, section
from fastdl.report.page import scores as cards
from fastdl.report.training import curve_pictures, network_table, signals

if TYPE_CHECKING:
    from fastdl.tables.model import Model


def write_report(
    model: Model,
    path: str | PathLike[str],
    title: str = "A model of a table",
    about: Sequence[tuple[str, str]] = (),
    metrics: Mapping[str, Any] | None = None,
    command: str = "",
    missing: Mapping[str, int] | None = None,
    promise: str = "",
) -> bool:
    """Write the page on a model that was trained in this process.

    Parameters
    ----------
    model : Model
    path : path-like
    title : str
    about : sequence of (str, str)
        What was trained on what.
    metrics : mapping of str to number, optional
        Scores: of the training by their names, of validation rows with "val_" and of always giving the same answer with
        "baseline_" before them.
    command : str
        What repeats the run; without one the page is silent on that.
    missing : mapping of str to int, optional
        How many values of a column are missing, where any are.
    promise : str
        What the command repeats.

    Returns
    -------
    bool
        Whether it is complete: Ctrl-C leaves out what it interrupts, the importances.

    Raises
    ------
    ValueError
        If the model is not trained, or comes from a file.
    """
    if not model.members:
        raise ValueError("model: expected one that this process has trained; a file keeps no rows to judge it by")
    if metrics is None:
        held = {f"val_{name}": value for name, value in model.score_parts(True).items()}
        metrics = {**model.score_parts(False), **held}
    answers = answers_of(model)
    pictures, remarks = error_pictures(model, answers)
    worth, complete = importances(model)
    where = "validation rows" if answers.held else "training rows: no others were set aside"
    parts = [
        cards(headline(model, answers, metrics)),
        remark(judged(model, answers, metrics)),
        facts(about),
        section("Training", curve_pictures(model)),
        section(f"Errors on {where}", figures(pictures), *remarks),
        section("What each column is worth", worth),
        section("What the layers say", *signals(model)),
        section("Columns", column_table(model, missing or {})),
        section("Network", network_table(model.networks[0], len(model.networks))),
        section("Repeat this run", remark(promise), command_line(command)) if command else "",
        section("What the words mean", facts(terms(model), stacked=True)),
    ]
    write_atomically(
        path,
        page(title, f"Report on a training run, by fastdl {__version__}. Its words are explained at the end.", parts),
    )
    return complete


def headline(model: Model, answers: Answers, metrics: Mapping[str, Any]) -> list[Score]:
    """The scores that matter most, beside those of the training and of always giving the same answer."""
    found = []
    for name, value in scores(model, answers).items():
        if value != value:  # R2 of a target that is always the same
            continue
        below = []
        alone = metrics.get(f"val_{name}" if answers.held else name)
        if len(model.members) > 1 and alone is not None:
            below.append(f"each model by itself {score_text(name, alone)}")
        if answers.held and name in metrics:
            below.append(f"training {score_text(name, metrics[name])}")
        if f"baseline_{name}" in metrics:
            below.append(f"baseline {score_text(name, metrics[f'baseline_{name}'])}")
        found.append(Score(LABELS[name], score_text(name, value), below))
    return found


def judged(model: Model, answers: Answers, metrics: Mapping[str, Any]) -> str:
    """By what the scores are."""
    settings = model.settings
    said = f"Scores of {answers.rows}"
    if settings.n_cv > 1:
        said += ", each answered by the models of the folds that it was held out of"
    elif settings.n_ens > 1:
        said += f", answered by the {settings.n_ens} models together"
    always = "the commonest class" if settings.task == "classification" else "the mean"
    baseline = f" Baseline: always {always}." if any(name.startswith("baseline_") for name in metrics) else ""
    return f"{said}.{baseline}"
