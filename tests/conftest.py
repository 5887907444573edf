"""Which fastdl is tested: the installed one, or one that was built in place; never sources without kernels.

The folder `fastdl` of a checkout hides an installed package whenever the checkout is on `sys.path`, where
`python -m pytest` puts it. Plain `pytest` doesn't (importmode is importlib), so it tests what is installed.
"""

import sys
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]


def built_in_place() -> bool:
    """Whether the checkout holds kernels that this Python can load."""
    return any((CHECKOUT / "fastdl" / "kernels" / f"_team{suffix}").exists() for suffix in EXTENSION_SUFFIXES)


def choose_package() -> None:
    """Leave on `sys.path` a fastdl that can be imported, or explain what is missing."""
    if not built_in_place():
        sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != CHECKOUT]
    elif find_spec("fastdl") is None:
        sys.path.insert(0, str(CHECKOUT))
    if find_spec("fastdl") is None:
        raise pytest.UsageError(
            "fastdl is not installed here, and the checkout's own folder has no compiled kernels. Either\n"
            '  pip install ".[test]"                       to test the installed package, or\n'
            "  python setup.py build_ext --inplace         to test what lies in the checkout (python -m pytest)"
        )


choose_package()


def pytest_report_header() -> str:
    """Say which package the results are about."""
    spec = find_spec("fastdl")
    return f"fastdl: {spec.origin if spec else 'gone'}"
