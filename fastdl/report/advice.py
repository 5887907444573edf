"""What a diagnosis says to somebody at the command line: the cause first, once, with an option that mends it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fastdl.diagnosis import FAST, Diagnosis, Finding
from fastdl.report.numbers import plain
from fastdl.tables.settings import Settings

if TYPE_CHECKING:
    from fastdl.signals import Signal

# What a rate does to a network that it is far too high for. Gradients then differ by themselves.
BLOWN_UP = ("exploding signal", "exploding gradient")
CONSEQUENCES = (*BLOWN_UP, "updates too large", "vanishing gradient")
TRICKS = {
    "inputs out of scale": "Look at these columns.",
    "vanishing signal": "Try --set data_init=true, or fewer layers with --hidden.",
    "vanishing gradient": "Try --set data_init=true, or fewer layers with --hidden.",
    "dead units": "Try --set activation=selu.",
    "saturated": "Try --set activation=selu, or --set data_init=true.",
}


def advice(diagnosis: Diagnosis, settings: Settings) -> list[str]:
    """Sentences on what ails the network; one where nothing does.

    Parameters
    ----------
    diagnosis : Diagnosis
        Of a trained member, measured at the settings' rate.
    settings : Settings
    """
    signals = {signal.layer: signal for signal in diagnosis.signals}
    found = [f for f in diagnosis.findings if not by_design(f, signals.get(f.layer), settings)]
    kinds = {finding.illness for finding in found}
    said = []
    if kinds & {*BLOWN_UP, "updates too large"}:
        said.append(rate_too_high(found, signals, settings))
        found = [finding for finding in found if finding.illness not in CONSEQUENCES]
    for illness in dict.fromkeys(finding.illness for finding in found):
        same = [finding for finding in found if finding.illness == illness]
        where = f"{layers(same)}: {illness}" if same[0].layer else illness[0].upper() + illness[1:]
        trick = TRICKS.get(illness) or f"Try a higher rate: --lr {max(4.0 * settings.lr, usual_rate(settings)):.2g}."
        said.append(f"{where}: {same[0].words}{' in the first of them' * (len(same) > 1)}. {trick}")
    return said or ["No layer looks ill."]


def by_design(finding: Finding, signal: Signal | None, settings: Settings) -> bool:
    """Whether updates are large where the settings want them to be: feature scales have a higher rate."""
    return (
        finding.illness == "updates too large"
        and signal is not None
        and signal.kind == "FeatureScale"
        and signal.update_ratio <= FAST * max(settings.scale_lr, 1.0)
    )


def usual_rate(settings: Settings) -> float:
    """What most networks bear."""
    return Settings.preset("simple", settings.task).lr


def rate_too_high(found: Sequence[Finding], signals: dict[str, Signal], settings: Settings) -> str:
    """The one sentence on a rate that is too high."""
    fast = [finding for finding in found if finding.illness == "updates too large"]
    blown = [finding for finding in found if finding.illness in BLOWN_UP]
    signs = []
    if fast:
        ratio = max(signals[finding.layer].update_ratio for finding in fast)
        signs.append(
            f"a step at it moves the weights of {layers(fast, small=True)} by up to {plain(ratio, 2)} of their size"
        )
    if blown:
        signs.append(f"outputs or gradients have blown up in {layers(blown, small=True)}")
    return (
        f"The rate of {settings.lr:g} {'was far' if blown else 'is'} too high: {', and '.join(signs)}. "
        f"Try --lr {min(settings.lr / 4.0, usual_rate(settings)):.2g}."
    )


def layers(findings: Sequence[Finding], small: bool = False) -> str:
    """Their places in words."""
    places = sorted({int(finding.layer) for finding in findings})
    word = "layer" if small else "Layer"
    if len(places) == 1:
        return f"{word} {places[0]}"
    if len(places) > 2 and places[-1] - places[0] == len(places) - 1:
        return f"{word}s {places[0]} to {places[-1]}"
    return f"{word}s {', '.join(map(str, places[:-1]))} and {places[-1]}"
