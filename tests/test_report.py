"""The page on a run: whole, self-contained, and with every picture that belongs to the kind of task."""

import html.parser
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import Browser, chromium

from fastdl.diagnosis import Diagnosis, Finding
from fastdl.report import columns, pictures, write_report
from fastdl.report.advice import advice
from fastdl.report.answers import label_text
from fastdl.report.axes import Axis
from fastdl.report.matrix import confusion, counts_of, mistakes
from fastdl.report.numbers import fixed, plain, score_text
from fastdl.report.style import STYLE
from fastdl.report.text import clean, shorten, shortened, user, width
from fastdl.signals import Signal
from fastdl.tables import Model, Settings, load
from fastdl.tables.importance import importance_within
from fastdl.tables.scores import regression_scores

VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}
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


def model_of(task: str, classes: int = 2, rows: int = 200, epochs: int = 3, **changes: Any) -> Model:
    """A small model, whose names are nasty."""
    rng = np.random.default_rng(0)
    X = {NASTY: rng.normal(size=rows), "colour": rng.choice(["<b>red</b>", "blue", "green"], rows).astype(object)}
    y: Any = X[NASTY] * 1e6
    if task == "classification":
        names = np.array([f"{NASTY} {number}" for number in range(classes)])
        y = names[np.argsort(np.argsort(X[NASTY])) * classes // rows]
    settings = Settings.preset("default", task).replace(epochs=epochs, hidden=(16,), **changes)  # type: ignore[arg-type]
    return Model(settings).fit(X, y, progress=False)


def write(model: Model, folder: Path) -> Path:
    """Its page."""
    path = folder / "report.html"
    about, missing = [("data", NASTY)], {"colour": 12345}
    assert write_report(model, path, f"title {NASTY}", about, None, f"fastdl train '{NASTY}'", missing, "promised")
    return path


def body(text: str) -> str:
    return text.split("</style>")[1]


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("changes", [{}, {"validation_fraction": 0.0}, {"n_cv": 2}], ids=str)
def test_the_page_is_whole_and_needs_no_network(task: str, changes: dict[str, Any], tmp_path: Path) -> None:
    text = write(model_of(task, **changes), tmp_path).read_text()
    page = outline(text)
    assert "script" not in page.seen and page.loads == ["data:,"]
    assert not re.search(r"https?://|@import|url\(", text)
    assert NASTY not in text and "&lt;script&gt;" in text
    where = "training rows" if "validation_fraction" in changes else "validation rows"
    last = ["layers say", "Columns", "Network", "Repeat", "words mean"]
    wanted = ["Training", where, "column is worth", *last]
    assert all(words in heading for words, heading in zip(wanted, page.headings, strict=True))
    assert page.seen.count("svg") >= 6 and ("confusion" in body(text)) == (task == "classification")
    assert "nan" not in re.findall(r'(?:points|cx|cy|x1|y1|width)="([^"]*)"', body(text))
    assert "12,345" in text and "promised" in text


def test_a_page_needs_no_more_than_a_model(tmp_path: Path) -> None:
    assert write_report(model_of("regression"), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "Repeat" not in body(text) and "Baseline" not in body(text) and "training " in body(text)


def test_a_model_without_rows_is_refused(tmp_path: Path) -> None:
    model = model_of("regression")
    model.save(tmp_path / "model.safetensors")
    for bare in (Model(model.settings), load(tmp_path / "model.safetensors")):
        with pytest.raises(ValueError, match=r"^model: expected one that this process has trained"):
            write_report(bare, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize("changes", [{}, {"parametric": False, "waves": 0, "embedding": 3, "one_hot": 2}], ids=str)
def test_every_word_of_a_layer_or_use_is_explained(changes: dict[str, Any], tmp_path: Path) -> None:
    model = model_of("classification", **changes)
    text = write(model, tmp_path).read_text().rpartition("What the words mean")[2]
    for word in {type(layer).__name__ for _, layer in model.networks[0].children()} | {
        "codes" if changes else "one-hot",
        "log loss",
    }:
        assert f"<dt>{word}</dt>" in text, word


def test_many_different_columns_are_folded() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 130))
    for place in range(130):
        X[:place, place] = math.nan
    settings = Settings.preset("simple", "regression").replace(epochs=1, hidden=(4,))
    model = Model(settings).fit(X, rng.normal(size=300), progress=False)
    text = columns.column_table(model, {f"x{place}": place for place in range(130)})
    outline(text)
    assert text.split("<details>")[0].count("<tr>") == 1 + 100 and text.count("<tr>") == 2 + 130
    assert columns.column_table(model, {}).count("<tr>") == 1 + 2


def test_a_page_stays_small_and_its_clouds_are_bounded(tmp_path: Path) -> None:
    text = write(model_of("regression", rows=6000, epochs=1), tmp_path).read_text()
    assert len(text) < 200_000 and text.count("<circle") < 2 * 800 + 50
    assert "800 of 1,200 rows" in text


@pytest.mark.parametrize(
    ("values", "texts", "note"),
    [
        ([0.013, 0.87], ["0.00", "0.25", "0.50", "0.75"], ""),
        ([0.0, 255.0], ["0", "50", "100", "150", "200", "250"], ""),
        ([14999.0, 500001.0], ["100k", "200k", "300k", "400k", "500k"], ""),
        ([2e-9, 9e-9], ["2", "4", "6", "8"], "\u00d7 1e-9"),
        ([1e12, 1e12 + 4e3], ["+0", "+1000", "+2000", "+3000", "+4000"], "from 1,000,000,000,000"),
        ([3.0, 3.0], ["2.50", "2.75", "3.00", "3.25", "3.50"], ""),
    ],
)
def test_ticks_are_round_and_differ(values: list[float], texts: list[str], note: str) -> None:
    ticks = Axis.over(values).ticks()
    assert ([text for _, text in ticks.places], ticks.note.replace("1e-09", "1e-9")) == (texts, note)
    places = [place for place, _ in ticks.places]
    assert places == sorted(places) and min(places) >= -1e-9 and max(places) <= 1.0 + 1e-9


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("room", [24.0, 36.0, math.inf])
def test_ticks_of_any_range_differ_and_have_room(log: bool, room: float) -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        low = float(10.0 ** rng.uniform(-12, 12))
        axis = Axis.over([low, low * float(10.0 ** rng.choice([1e-6, 0.01, 0.5, 3.0, 20.0]))], log)
        ticks = axis.ticks(room)
        texts = [text for _, text in ticks.places]
        assert 2 <= len(texts) <= 12 and len(set(texts)) == len(texts), (axis, texts)
        assert all(0.0 - 1e-9 <= place <= 1.0 + 1e-9 for place, _ in ticks.places)
        assert max(map(len, texts)) <= 10, texts


def test_epochs_are_whole() -> None:
    for last in range(40):
        texts = [text for _, text in Axis.over([0.0, float(last)], whole=True).ticks().places]
        assert all(text.isdigit() for text in texts) and len(texts) == len(set(texts)) >= 1


@pytest.mark.parametrize("values", [[], [1.0], [2.0, 2.0], [math.nan, 1.0, 3.0], [0.0, -1e-300], [1e300, -1e300]])
@pytest.mark.parametrize("log", [False, True])
def test_any_values_give_a_picture(values: list[float], log: bool) -> None:
    text = pictures.curves({"a": [values], "b": [values[:1]]}, "t", log, mark=0)
    pairs = [(value, -value) for value in values]
    text += pictures.about_zero(pairs, ("x", "y"), "says") + pictures.beside_diagonal(pairs, ("x", "y"), "says", True)
    assert not re.search(r"\bnan\b|\binf\b", text)
    outline(text)


def test_curves_differ_by_more_than_their_colours() -> None:
    assert re.search(r"\.line\.c1 \{[^}]*stroke-dasharray", STYLE) and re.search(r"i\.c1 \{[^}]*dashed", STYLE)


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (0.25, "0.25"), (2e5, "200000"), (1e-7, "1e-07"), (math.nan, ""), (-1e12, "-1e+12")]
)
def test_numbers_have_few_digits(value: float, text: str) -> None:
    assert plain(value) == text


def test_scores_as_texts() -> None:
    assert fixed(-1e-9, 2) == "0.00" and score_text("r2", -1e-9) == "0.0000" and score_text("r2", math.nan) == ""
    assert score_text("r2", -1.25e13) == "-1.25e+13"
    assert score_text("accuracy", 0.98765) == "98.77 %" and plain(1234.5678, 3) == "1230"


def test_long_names_are_cut_and_stay_different() -> None:
    assert shorten("abc", 3) == "abc" and shorten("a" * 30 + "b" * 30, 9) == "aaaa\u2026bbbb"
    assert width(shorten("\u6771\u4eac" * 20, 9)) <= 9 and width("e\u0301") == 1
    names = [f"item number {number:03d} of the catalogue" for number in range(30)]
    found = shortened(names, 12)
    assert found[7] == "\u2026007\u2026" and len(set(found)) == len(found)
    alike = ["x" * 40 + "a" + "y" * 40, "x" * 40 + "b" + "y" * 40, "x" * 90]
    found = shortened(alike, 12)
    assert len(set(found)) == 3 and all(width(text) <= 14 for text in found)
    same = shortened(["same" * 10] * 3, 12)
    assert len(set(same)) == 3


def test_words_from_outside_are_harmless() -> None:
    assert clean("a\x00b\x1b[31m\udcff") == "a\ufffdb\ufffd[31m\ufffd"
    assert user(" ") == "<bdi>(blank)</bdi>"
    assert user("a<" * 9, 5) == f'<bdi title="{"a&lt;" * 9}">a&lt;\u2026a&lt;</bdi>'
    assert user("<i>&\"'") == "<bdi>&lt;i&gt;&amp;&quot;&#x27;</bdi>"


def test_a_matrix_of_many_classes_loses_none() -> None:
    rng = np.random.default_rng(0)
    truth, best = rng.integers(0, 200, 3000), rng.integers(0, 200, 3000)
    names = [f"class {number}" for number in range(200)]
    text = confusion(truth, best, names).inside
    outline(text)
    cells = [int(cell) for cell in re.findall(r"<td[^>]*>(\d+)</td>", text)]
    assert sum(cells) == 3000 and text.count("<tr>") == 1 + 26 + 1
    counts = np.bincount(truth * 200 + best, minlength=40_000).reshape(200, 200)
    folded = counts_of(truth, best, 200, np.array([3, 9]))
    assert folded.sum() == 3000 and folded[0, 1] == counts[3, 9]
    assert folded[0, 2] == counts[3].sum() - counts[3, [3, 9]].sum()


def test_labels_that_are_numbers_are_short() -> None:
    texts = [label_text(label) for label in (1e12, 1e-300, -5.0, 1234567.5, 3, True, "a")]
    assert texts == ["1e+12", "1e-300", "-5", "1234567.5", "3", "True", "a"]


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["a", "b"], "confusion"),
        (["a rather long name of a class", "b"], "confusion wrapped"),
        ([f"quality level {number}" for number in range(7)], "confusion upright"),
        (list("abcdefghij"), "confusion many"),
        ([f"quality level {number}" for number in range(13)], "confusion many upright"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_names_of_classes_have_room(names: list[str], kind: str) -> None:
    numbers = np.arange(len(names))
    text = confusion(numbers, numbers, names).inside
    assert f'<table class="{kind}">' in text and ("sideways" in text) == (len(names) > 12)


def test_long_curves_are_thinned_and_keep_their_extremes() -> None:
    values = np.sin(np.arange(50_000) / 700.0)
    values[31_234] = 9.0
    run = list(enumerate(values.tolist()))
    found = pictures.thinned(run)  # type: ignore[arg-type]
    assert len(found) <= pictures.MOST_POINTS and max(found, key=lambda point: point[1]) == (31_234, 9.0)
    assert found == sorted(found) and set(found) <= set(run)
    assert pictures.thinned(found) == found


def test_each_of_several_targets_has_its_pictures(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 2))
    settings = Settings.preset("simple", "regression").replace(epochs=1, hidden=(4,))
    write_report(Model(settings).fit(X, X * [1.0, 1e6], progress=False), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "Residuals, target 0" in text and "Residuals, target 1" in text


def test_the_commonest_mistakes_come_first() -> None:
    figure = mistakes(np.array([0, 0, 0, 1, 2]), np.array([1, 1, 2, 1, 0]), ["<a>", "b", "c"])
    rows = re.findall(r"<bdi>(.*?)</bdi></th><td><bdi>(.*?)</bdi></td><td[^>]*>(\d+)", figure.inside)
    assert rows == [("&lt;a&gt;", "b", "2"), ("&lt;a&gt;", "c", "1"), ("c", "&lt;a&gt;", "1")]
    assert "4 of 4 wrong answers" in figure.inside


def test_importance_takes_bounded_work() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 40))
    settings = Settings.preset("simple", "regression").replace(epochs=20, hidden=(16,))
    model = Model(settings).fit(X, 5.0 * X[:, 17] + X[:, 3], progress=False)
    held = model.members[0].held
    assert held is not None
    size = model.networks[0].count_parameters()
    whole = importance_within(model, model.committee(), held, 0)
    assert whole.repeats == 3 and len(whole.losses) == whole.columns == 40
    once = importance_within(model, model.committee(), held, 0, work=50 * size * len(held))
    assert once.repeats == 1 and len(once.losses) == 40
    few = importance_within(model, model.committee(), held, 0, work=5 * size * len(held))
    assert len(few.losses) == 5 and few.columns == 40 and "x17" in few.losses
    assert (
        max(few.losses, key=lambda name: few.losses[name][0])
        == "x17"
        == max(whole.losses, key=whole.losses.__getitem__)
    )


def signal(layer: str, kind: str = "Dense", update_ratio: float = 0.01) -> Signal:
    return Signal(0, layer, kind, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, update_ratio)


def test_advice_names_the_cause_once() -> None:
    settings = Settings.preset("default", "regression").replace(lr=100.0)
    signals = [signal("0", update_ratio=3.0), signal("1", update_ratio=9.0)]
    fast = [Finding(s.layer, "updates too large", "words", "trick") for s in signals]
    blown = [Finding("1", "exploding gradient", "words", "trick")]
    (said,) = advice(Diagnosis([*fast, *blown], signals), settings)
    assert said.startswith("The rate of 100 was far too high") and "layers 0 and 1 by up to 9 " in said
    assert said.endswith("Try --lr 0.07.")
    assert advice(Diagnosis([], signals), settings) == ["No layer looks ill."]
    scale = signal("1", "FeatureScale", 0.5)
    found = [Finding("1", "updates too large", "words", "trick")]
    assert advice(Diagnosis(found, [scale]), settings) == ["No layer looks ill."]
    slow = [Finding("0", "updates too small", "words", "trick")]
    assert advice(Diagnosis(slow, signals), settings.replace(lr=1e-7))[0].endswith("Try a higher rate: --lr 0.07.")
    dead = [Finding(str(place), "dead units", "words", "trick") for place in (2, 3, 4)]
    assert advice(Diagnosis(dead, signals), settings)[0].startswith("Layers 2 to 4: dead units: words in the first")


@pytest.mark.parametrize("unit", [1e-300, 1e-160, 1.0, 1e200])
def test_scores_of_any_size(unit: float) -> None:
    truth, predicted = np.array([[1.0], [2.0], [4.0]]), np.array([[1.5], [2.0], [3.0]])
    found, wanted = regression_scores(unit * truth, unit * predicted), regression_scores(truth, predicted)
    assert found["r2"] == pytest.approx(wanted["r2"]) and found["rmse"] == pytest.approx(unit * wanted["rmse"], abs=0.0)


# ----------------------------------------------------------------------------------------------- in a real browser

OVERLAPS = """(() => {
  const found = [], wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > wide) found.push("the page scrolls sideways");
  for (const plot of document.querySelectorAll("svg.plot")) {
    const card = plot.closest("figure").getBoundingClientRect();
    const texts = [...plot.querySelectorAll("text")].filter(text => getComputedStyle(text).display != "none");
    const boxes = texts.map(text => [text.textContent, text.getBoundingClientRect()]);
    boxes.forEach(([text, a], place) => {
      if (a.left < card.left || a.right > card.right) found.push("out of its card: " + text);
      for (const [other, b] of boxes.slice(place + 1))
        if (Math.min(a.right, b.right) > Math.max(a.left, b.left)
            && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2) found.push(text + " on " + other);
    });
  }
  for (const box of document.querySelectorAll("body *:not(.wide *):not(svg *)"))
    if (box.getBoundingClientRect().right > wide + 0.5) found.push("out of the page: " + box.tagName);
  return found;
})()"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if chromium() is None:
        pytest.skip("chromium is not installed (Debian: chromium)")
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "changes"),
    [
        ("classification", {}),
        ("classification", {"classes": 26, "rows": 2000}),
        ("classification", {"classes": 60, "rows": 1500, "n_cv": 2}),
        ("regression", {"n_ens": 2}),
        ("regression", {"rows": 12, "epochs": 1}),
    ],
    ids=str,
)
def test_a_real_browser_shows_it_without_complaint(
    task: str, changes: dict[str, Any], tmp_path: Path, browser: Browser
) -> None:
    path = write(model_of(task, **changes), tmp_path)
    papers = {}
    for width_, dark in ((360, False), (768, True), (1280, False)):
        browser.open(path, width_, dark=dark)
        assert browser.complaints() == [] and browser.evaluate(OVERLAPS) == []
        assert browser.evaluate("[...document.querySelectorAll('svg.plot')].every(p => p.clientHeight > 100)")
        assert browser.evaluate("document.querySelectorAll('svg.plot').length") >= 5 - (task == "regression")
        papers[dark] = browser.evaluate("getComputedStyle(document.body).backgroundColor")
        assert len(browser.picture()) > 20_000, "an empty page would be smaller"
    assert papers == {False: "rgb(251, 251, 249)", True: "rgb(20, 23, 28)"}
    browser.open(path, 1000, dark=True, media="print")
    assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    # What scrolls on a screen would be cut off on paper.
    assert browser.evaluate("[...document.querySelectorAll('.wide')].every(t => t.scrollWidth <= t.clientWidth + 1)")
    assert browser.evaluate(OVERLAPS) == [] and browser.printed().startswith(b"%PDF")
