"""Sphinx builds the pages of this folder and the API reference, from the docstrings of the installed fastdl.

pip install ".[docs]" && python -m sphinx -W docs build/docs
"""

from __future__ import annotations

import re
from typing import Any

import fastdl

project = "fastdl"
author = "fastdl developers"
release = version = fastdl.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
html_theme = "furo"
html_title = f"fastdl {release}"
myst_heading_anchors = 3

autodoc_member_order = "groupwise"
autodoc_typehints = "none"  # the docstrings say types, and shapes with them
numpydoc_show_class_members = False
# Sections that numpydoc knows, in its order; no parameter that is not there. The others are matters of taste.
numpydoc_validation_checks = {"GL06", "GL07", "PR02"}

# What stays as it is within a line: code, references; and lines that numpydoc reads by itself.
MARKUP = re.compile(r"(``.*?``|`[^`]*`|\[\w+\]_)")
READ_BY_NUMPYDOC = re.compile(r"\s*(\* |>>>|\.\. |\*{0,2}\w+(, \*{0,2}\w+)* : )")
SIGNS = re.compile(r"[*|]|(?<=\w)_(?!\w)")


def take_formulas_as_text(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Escape what reStructuredText would take for markup: docstrings are written to be read as they are."""
    for number, line in enumerate(lines):
        if not READ_BY_NUMPYDOC.match(line):
            parts = MARKUP.split(line)
            parts[::2] = [SIGNS.sub(r"\\\g<0>", text) for text in parts[::2]]
            lines[number] = "".join(parts)


def setup(app: Any) -> None:
    """Before numpydoc, whose priority is 500."""
    app.connect("autodoc-process-docstring", take_formulas_as_text, priority=100)
