#!/bin/sh
# A spreadsheet from the command line: train, look at the report, predict new rows.
#
#     sh examples/spreadsheet.sh [FOLDER]
set -e
cd "${1:-$(mktemp -d)}"
python - <<'PYTHON'
import numpy as np

rng = np.random.default_rng(0)
n = 2000
size, rooms = rng.gamma(4, 25, n).round(), rng.integers(1, 6, n)
town = rng.choice(["Aarau", "Basel", "Chur", ""], n, p=[0.4, 0.3, 0.25, 0.05])
built = np.datetime64("1950-01-01") + rng.integers(0, 27000, n).astype("timedelta64[D]")
price = 2000 * size + 15000 * rooms + 90000 * (town == "Basel") + rng.normal(0, 15000, n)
rows = [f"{s:g},{r},{t},{b},{p:.0f}" for s, r, t, b, p in zip(size, rooms, town, built, price)]
for name, part, head in (("houses.csv", rows[:1800], 1), ("new.csv", rows[1800:], 1)):
    open(name, "w").write("\n".join(["size,rooms,town,built,price", *part]) + "\n")
PYTHON
python -m fastdl.cli train houses.csv --target price --preset simple --epochs 60 --out model --no-progress
python -m fastdl.cli evaluate model new.csv
python -m fastdl.cli predict model new.csv -o answers.csv
head -3 answers.csv
ls model
