"""Losses as classifiers and regressions have them: few columns. For other sizes see bench_kernels.py."""

from __future__ import annotations

import pytest

from benchmarks.compare import times
from benchmarks.conftest import Race
from fastdl.cli.races import CASES, Case

LOSSES = [case for case in CASES if case.name in ("softmax", "softmax_cross_entropy", "mse")]


@pytest.mark.parametrize("shape", [(32, 2), (128, 1), (128, 10), (512, 100)], ids=times)
@pytest.mark.parametrize("case", LOSSES, ids=lambda case: case.name)
def bench_few_columns(race: Race, case: Case, shape: tuple[int, int]) -> None:
    ours, theirs = case.sides(*shape)
    race(f"{case.name} {times(shape)}", None, fastdl=ours, numpy=theirs)
