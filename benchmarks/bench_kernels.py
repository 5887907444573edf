"""Every public kernel against NumPy at three sizes, by the cases of `fastdl bench`."""

from __future__ import annotations

import pytest

from benchmarks.conftest import Race
from fastdl.cli.races import CASES, SIZES, Case


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def bench(race: Race, case: Case, size: str) -> None:
    rows, cols = SIZES[size]
    ours, theirs = case.sides(rows, cols)  # checked already
    race(f"{case.name} {rows}x{cols}", None, fastdl=ours, numpy=theirs)
