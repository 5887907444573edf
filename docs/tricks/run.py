"""Reproduce the guide's figures: ``python docs/tricks/run.py [--quick] [--out FOLDER] [PAGE ...]``.

Each page has an experiment of its name in experiments/. Its numbers go to results/PAGE.json, its picture to
results/PAGE.svg, and its table between the markers in PAGE.md, so that text and numbers can't drift apart.
--quick runs one seed and a few epochs, to see that everything works; its numbers mean nothing, and go to --out only.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from time import perf_counter

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from experiments.common import Outcome, Skipped, picture, table  # noqa: E402

BEGIN, END = "<!-- results: python docs/tricks/run.py {} -->", "<!-- end of results -->"


def pages() -> list[str]:
    """All that have an experiment."""
    return sorted(path.stem for path in (HERE / "experiments").glob("*.py") if path.stem not in ("common", "__init__"))


def rendered(page: str, outcome: Outcome, text: str) -> str:
    """The page with this table between its markers."""
    begin = BEGIN.format(page)
    head, _, rest = text.partition(begin)
    _, _, tail = rest.partition(END)
    return f"{head}{begin}\n\n{table(outcome)}\n\n{END}{tail}"


def run(page: str, quick: bool, out: Path) -> None:
    """Run one experiment and keep what it gave."""
    start = perf_counter()
    try:
        outcome: Outcome = import_module(f"experiments.{page}").run(quick)
    except Skipped as reason:
        print(f"{page}: skipped; {reason}\n", flush=True)
        return
    (out / "results").mkdir(parents=True, exist_ok=True)
    with open(out / "results" / f"{page}.json", "w", encoding="utf-8") as file:
        json.dump(outcome.as_json(), file, indent=1)
        file.write("\n")
    picture(outcome, out / "results" / f"{page}.svg")
    text = (HERE / f"{page}.md").read_text(encoding="utf-8")
    (out / f"{page}.md").write_text(rendered(page, outcome, text), encoding="utf-8")
    print(f"{page}: {perf_counter() - start:.0f} s\n{table(outcome)}\n", flush=True)


def main() -> None:
    """Run the pages that are asked for, or all."""
    parser = argparse.ArgumentParser(prog="python docs/tricks/run.py", description=__doc__.partition(":")[0])
    parser.add_argument("pages", nargs="*", metavar="PAGE", help=f"of {', '.join(pages())}; all without")
    parser.add_argument("--quick", action="store_true", help="one seed, a few epochs")
    parser.add_argument("--out", type=Path, help="write there instead of into the guide")
    options = parser.parse_args()
    unknown = set(options.pages) - set(pages())
    if unknown:
        parser.error(f"no experiment {', '.join(sorted(unknown))}; there are {', '.join(pages())}")
    out = options.out or (Path(tempfile.mkdtemp()) if options.quick else HERE)
    for page in options.pages or pages():
        run(page, options.quick, out)
    print(f"written to {out}")


if __name__ == "__main__":
    main()
