"""The table that `net.summary()` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastdl.nn.alpha_dropout import AlphaDropout
from fastdl.nn.dropout import Dropout
from fastdl.nn.noise import GaussianNoise

if TYPE_CHECKING:
    from fastdl.nn.layer import Layer
    from fastdl.nn.network import Network

MANY_PER_ROW = 10  # parameters a training row from which on a net without any regularisation is worth a warning


def summary_of(network: Network) -> str:
    """A row for each layer: place, kind, output shape, parameters, with those of the layers inside."""
    rows = [("", "layer", "output", "parameters")]

    def add(layer: Layer, prefix: str = "", indent: str = "") -> None:
        for name, child in layer.children():
            shape = child.__dict__.get("_out_shape")
            count = sum(parameter.size for _, inside in child.walk() for parameter in inside.parameters_.values())
            rows.append((prefix + name, indent + child.title(), "?" if shape is None else str(shape), f"{count:,}"))
            add(child, f"{prefix}{name}.", indent + "  ")

    add(network)
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = [
        f"{place:<{widths[0]}}  {kind:<{widths[1]}}  {shape:<{widths[2]}}  {count:>{widths[3]}}".rstrip()
        for place, kind, shape, count in rows
    ]
    rule = "-" * max(map(len, lines))
    lines[1:1] = [rule]
    total = network.count_parameters()
    lines += [rule, f"{total:,} parameters" if network.built else "not built yet: sizes are known after build or fit"]
    fixed = sum(parameter.size for parameter in network.all_parameters()) - total
    if fixed:
        lines[-1] += f" that are trained, {fixed:,} that are not"
    if network.built and network.training_rows:
        ratio = total / network.training_rows
        lines[-1] += f", {ratio:,.1f} for each of {network.training_rows:,} training rows"
        if ratio > MANY_PER_ROW and not regularised(network):
            lines.append(
                "far more parameters than rows and nothing against overfitting: consider dropout, weight decay, early "
                "stopping or fewer units"
            )
    return "\n".join(lines)


def regularised(network: Network) -> bool:
    """Whether its layers or its last training do something against overfitting."""
    parameters = network.all_parameters()
    return (
        network.regularised
        or any(isinstance(layer, Dropout | AlphaDropout | GaussianNoise) for _, layer in network.walk())
        or any(parameter.penalty is not None or parameter.max_norm is not None for parameter in parameters)
    )
