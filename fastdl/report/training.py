"""How the training went: curves, layers, and what ails them."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from fastdl.diagnosis import diagnose
from fastdl.report import pictures
from fastdl.report.advice import advice
from fastdl.report.numbers import plain
from fastdl.report.page import Figure, figures, remark, table, words
from fastdl.report.text import safe

if TYPE_CHECKING:
    from fastdl.nn.network import Network
    from fastdl.tables.model import Model

CURVES = {  # picture: the columns of the history and what they are called
    "Loss": {"loss": "training", "val_loss": "validation"},
    "Accuracy": {"accuracy": "training", "val_accuracy": "validation"},
    "Learning rate": {"lr": "rate"},
    "Gradient norm": {"grad_norm": "norm"},
}
STEEP = 10.0  # between the largest and the least loss, above which the axis is logarithmic


def curve_pictures(model: Model) -> str:
    """The histories, a picture for each quantity, and how to read them."""
    found = []
    for name, columns in CURVES.items():
        series = {
            label: [history[column] for history in model.histories if column in history]
            for column, label in columns.items()
            if column in model.history
        }
        if series:
            picture = pictures.curves(series, name, logarithmic(name, series), model.best_epoch)
            found.append(Figure(name, picture, notes(model).get(name, "")))
    said = ["Epochs are counted from 0."]
    if model.best_epoch is not None:
        said.append(f"The dotted line is epoch {model.best_epoch}, whose weights were kept.")
    if len(model.members) > 1:
        said.append(f"The thick curves are those of the first of {len(model.members)} models.")
    return figures(found) + remark(" ".join(said))


def logarithmic(name: str, series: dict[str, list[list[float]]]) -> bool:
    """Whether a quantity falls by factors, so that its first epochs would flatten all others."""
    values = [value for members in series.values() for values in members for value in values if math.isfinite(value)]
    if name == "Gradient norm":
        return True
    return name == "Loss" and bool(values) and 0.0 < STEEP * min(values) < max(values)


def notes(model: Model) -> dict[str, str]:
    """What the quantities are."""
    settings = model.settings
    if settings.task == "classification":
        loss = "Cross-entropy" + f" with label smoothing {settings.label_smoothing:g}" * (settings.label_smoothing > 0)
    else:
        loss = "Squared error by the target's variance"
    weighted = ""
    if model.members[0].training.weights is not None:
        weighted = " Rows count by their weights here, and all the same in the scores above."
    return {
        "Loss": f"{loss}.{weighted}",
        "Accuracy": f"Share of the rows that are answered right.{weighted}",
        "Learning rate": "At the end of each epoch.",
        "Gradient norm": "Mean over the steps of an epoch.",
    }


def signals(model: Model) -> list[str]:
    """In words, and layer by layer."""
    diagnosis = diagnose(model.members[0].trainer)
    rows = [
        (layer_name(s.layer, s.kind), *(plain(v, 3) for v in (s.mean, s.std, s.grad_norm, s.update_ratio)))
        for s in diagnosis.signals
    ]
    rate = model.settings.lr
    caption = "One step after the training" + f", of the first of {len(model.members)} models" * (
        len(model.members) > 1
    )
    caption += f", at the highest rate, {rate:g}."
    scale = model.settings.scale_lr
    if scale != 1.0:
        caption += f" Feature scales have {scale:g} times the rate by design."
    head = ("layer", "mean", "deviation", "gradient norm", "update / weights")
    return [words(advice(diagnosis, model.settings)), table(caption, head, rows, numbers=4)]


def layer_name(place: str, kind: str) -> str:
    """A layer as HTML; a long kind may be broken between its words."""
    return f"{safe(place)} {re.sub('(?<=[a-z])(?=[A-Z])', '<wbr>', safe(kind))}"


def network_table(network: Network, members: int) -> str:
    """The layers, their outputs and parameters."""
    rows = []
    for place, layer in network.children():
        count = sum(parameter.size for _, inside in layer.walk() for parameter in inside.parameters_.values())
        shape = " x ".join(map(str, layer.__dict__["_out_shape"]))
        rows.append((layer_name(place, layer.title()), shape, f"{count:,}"))
    totals = network.summary().rpartition("-\n")[2].replace("\n", "; ")
    caption = totals + f"; so each of {members} models" * (members > 1)
    return table(caption, ("layer", "output", "parameters"), rows, numbers=2)
