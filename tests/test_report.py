"""The page on a run: whole, self-contained, and with every picture that belongs to the kind of task."""

import html.parser
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastdl.report import pictures, write_report
from fastdl.report.axes import Axis, number
from fastdl.tables import Model, Settings

VOID = {"meta", "link", "br", "hr", "img", "input"}
NASTY = "<script>alert('x')</script> & \"more\""


class Outline(html.parser.HTMLParser):
    """Checks that tags are closed in order, and collects what a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.loads: list[str] = []
        self.headings: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.loads += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def outline(text: str) -> Outline:
    parser = Outline()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    return parser


def run(task: str, folder: Path, **changes: Any) -> str:
    """The page of a small run, whose names are nasty."""
    rng = np.random.default_rng(0)
    X = {NASTY: rng.normal(size=200), "colour": rng.choice(["<b>red</b>", "blue", "green"], 200).astype(object)}
    y: Any = X[NASTY] * 1e6 if task == "regression" else np.where(X[NASTY] > 0, NASTY, "no")
    settings = Settings.preset("default", task).replace(epochs=3, hidden=(16,), **changes)  # type: ignore[arg-type]
    model = Model(settings).fit(X, y, progress=False)
    metrics = {f"val_{name}": value for name, value in model.score_parts(True).items()} or model.score_parts(False)
    path = folder / "report.html"
    write_report(model, path, f"title {NASTY}", [("data", NASTY)], metrics, f"fastdl train '{NASTY}'")
    return path.read_text()


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("changes", [{}, {"validation_fraction": 0.0}, {"n_cv": 2}], ids=str)
def test_the_page_is_whole_and_needs_no_network(task: str, changes: dict[str, Any], tmp_path: Path) -> None:
    text = run(task, tmp_path, **changes)
    page = outline(text)
    assert "script" not in page.seen and page.loads == ["data:,"]
    assert not re.search(r"https?://|@import|url\(", text)
    assert NASTY not in text and "&lt;script&gt;" in text
    where = "training rows" if "validation_fraction" in changes else "validation rows"
    wanted = ["Training", where, "column is worth", "Signals", "Columns", "Network", "Again"]
    assert all(words in heading for words, heading in zip(wanted, page.headings, strict=True))
    assert page.seen.count("svg") >= 6 and ("confusion" in text.split("</style>")[1]) == (task == "classification")
    assert "nan" not in re.findall(r'(?:points|cx|cy|x1|y1|width)="([^"]*)"', text.split("</style>")[1])


def test_numbers_of_axes_are_round() -> None:
    axis = Axis.over([0.013, 0.87], 0.0, 100.0)
    assert [text for _, text in axis.ticks()] == ["0", "0.25", "0.5", "0.75"]
    decades = Axis.over([1e-4, 3.0, 1e3], 0.0, 100.0, log=True)
    assert [text for _, text in decades.ticks()] == ["0.0001", "0.001", "0.01", "0.1", "1", "10", "100", "1000"]
    places = [place for place, _ in axis.ticks()]
    assert places == sorted(places) and min(places) >= -1e-9 and max(places) <= 100.0


@pytest.mark.parametrize("values", [[], [1.0], [2.0, 2.0], [float("nan"), 1.0, 3.0], [0.0, -1e-300], [1e300, -1e300]])
@pytest.mark.parametrize("log", [False, True])
def test_any_values_give_a_picture(values: list[float], log: bool) -> None:
    points = list(enumerate(values))
    text = pictures.lines({"a": points}, "t", "x", log)  # type: ignore[dict-item]
    assert "nan" not in text.replace("title", "") and "inf" not in text
    outline(text)


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (0.25, "0.25"), (2e5, "200k"), (3.5e6, "3.5M"), (1e-7, "1e-07"), (1e12, "1e+12")]
)
def test_short_numbers(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.slow
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_real_browser_shows_it_without_complaint(task: str, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("chromium is not installed (Debian: chromium)")
    run(task, tmp_path)
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--virtual-time-budget=2000"]
    for size in ("390,844", "1280,900"):
        command = [browser, *options, f"--window-size={size}", "--dump-dom", f"file://{tmp_path}/report.html"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        assert "CONSOLE" not in result.stderr
        assert result.stdout.count("<svg") >= 6 and "Permutation importance" in result.stdout
    shot = tmp_path / "shot.png"
    command = [
        browser,
        *options[:3],
        "--window-size=390,3000",
        f"--screenshot={shot}",
        f"file://{tmp_path}/report.html",
    ]
    subprocess.run(command, capture_output=True, timeout=120, check=True)
    assert shot.stat().st_size > 20_000, "an empty page would be smaller"
