"""Benchmarks of fastdl: kernels against NumPy, whole training steps against other libraries.

Run them from the root of a checkout:

* ``pytest benchmarks --benchmark-only`` times each kernel beside the NumPy expression that does the same;
* ``python -m benchmarks.gemm`` times the three matrix products of a dense layer beside ``np.matmul``;
* ``python -m benchmarks.peers`` times the standard training step beside scikit-learn, torch and JAX, also while another
  process spins on a core;
* ``python -m benchmarks.sklearn`` fits the estimators beside scikit-learn's at equal settings;
* ``python -m benchmarks.roofline`` sets every op of a training step against the processor's measured limits;
* ``python -m benchmarks.scaling`` shows how the cost grows with rows, epochs, width, depth and batch;
* ``python -m benchmarks.latency`` times the prediction of one row;
* ``python -m benchmarks.results NAME`` keeps what ``fastdl bench`` measures on this machine in ``results/``;
* ``python -m benchmarks.machine`` prints what a reader needs to know about the machine.

``--quick`` shows in seconds that one works, ``--save NAME`` keeps its numbers, a page and a picture in ``results/``.
Only ratios taken in one run mean anything.
"""

from __future__ import annotations

import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent


def built_in_place() -> bool:
    """Tell whether every Cython source of the checkout has its compiled module beside it."""
    sources = list((CHECKOUT / "fastdl" / "kernels").glob("*.pyx"))
    modules = [[source.with_suffix(suffix) for suffix in EXTENSION_SUFFIXES] for source in sources]
    return bool(modules) and all(any(file.exists() for file in files) for files in modules)


def prefer_usable_fastdl(search: list[str]) -> list[str]:
    """Return the import path in an order that finds a fastdl which can run.

    Python and pytest put the checkout first, where the sources of ``fastdl`` would hide an installed copy. A checkout
    that was built in place is what its developer wants to measure and comes first; one that was not comes last.
    """
    others = [entry for entry in search if Path(entry or ".").resolve() != CHECKOUT]
    return [str(CHECKOUT), *others] if built_in_place() else [*others, str(CHECKOUT)]


sys.path[:] = prefer_usable_fastdl(sys.path)
