"""Branches side by side."""

from __future__ import annotations

from fastdl.errors import unknown_name
from fastdl.kernels.merge import record_concatenate, record_split, record_sum
from fastdl.nn.container import (
    Container,
    lower_child,
    numbered,
    sum_gradients,
)
from fastdl.nn.layer import Layer, features_of
from fastdl.program import Backward, Buffer, Recorder, Signal

MERGES = ("concat", "sum", "mean")


class Parallel(Container):
    """Branches that all get the same input, and whose outputs are merged (Inception, Szegedy et al. 2015).

    Parameters
    ----------
    *branches : Layer
        At least one; a `Sequential` for a branch of several layers.
    merge : {"concat", "sum", "mean"}
        Outputs side by side, or summed or averaged, for which they need equal widths.
    name : str, optional

    Examples
    --------
    >>> from fastdl import nn
    >>> block = nn.Parallel(nn.Dense(16), nn.Sequential(nn.Dense(8), nn.ReLU(), nn.Dense(16)), merge="concat")
    """

    inspected = ("merge",)

    def __init__(self, *branches: Layer, merge: str = "concat", name: str | None = None) -> None:
        super().__init__(branches, name, "branches")
        if not branches:
            raise ValueError("branches: expected at least one layer, got none")
        if merge not in MERGES:
            raise unknown_name("merge", merge, MERGES)
        self.merge = merge

    def declare(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Declare the branches, whose ends count as linear, and compare their widths."""
        self.forget()
        widths = [features_of(branch, branch.declare(in_shape)) for branch in self.layers]
        if self.merge != "concat" and len(set(widths)) > 1:
            each = ", ".join(f"{i} ({self.layers[i].title()}): {width}" for i, width in enumerate(widths))
            raise ValueError(f"{self.title()}: merge={self.merge!r} expects branches of equal widths, got {each}")
        self.__dict__["_out_shape"] = (sum(widths),) if self.merge == "concat" else (widths[0],)
        return self.__dict__["_out_shape"]

    def lower(self, recorder: Recorder, x: Signal) -> tuple[Signal, Backward]:
        """The branches in order, then the merge; backwards each gets its share of dy, and x the sum of the answers."""
        branches = [lower_child(recorder, x, str(i), layer) for i, layer in enumerate(self.layers)]
        if len(branches) == 1:
            return branches[0]
        signals = [signal for signal, _ in branches]
        y = recorder.matrix(self.__dict__["_out_shape"][0])
        factor = 1.0 / len(branches) if self.merge == "mean" else 1.0
        outputs = numbered(signal.buffer for signal in signals)
        if self.merge == "concat":
            recorder.add(record_concatenate, y=y, **outputs)
        else:
            recorder.add(record_sum, y=y, factor=factor, **outputs)
        wanted = [i for i, signal in enumerate(signals) if signal.needs_gradient]

        def backward(dy: Buffer) -> Buffer | None:
            if self.merge == "concat":
                shares = split(recorder, dy, [signal.features for signal in signals], wanted)
            else:
                share = dy
                if self.merge == "mean":
                    share = recorder.matrix(y.shape[1])
                    recorder.add(record_sum, y=share, factor=factor, x0=dy)
                shares = [share] * len(wanted)
            gradients = [branches[i][1](share) for i, share in zip(wanted, shares, strict=True)]
            if not x.needs_gradient:
                return None
            return sum_gradients(recorder, gradients, shared=shares[0] if self.merge != "concat" else dy)

        return Signal(y, bool(wanted)), backward


def split(recorder: Recorder, dy: Buffer, widths: list[int], wanted: list[int]) -> list[Buffer]:
    """The columns of dy that belong to each wanted branch, in buffers of their own."""
    shares = [recorder.matrix(widths[i]) for i in wanted]
    if wanted:
        recorder.add(record_split, y=dy, columns=[sum(widths[:i]) for i in wanted], **numbered(shares))
    return shares
