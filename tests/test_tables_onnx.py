"""Models on tables as ONNX: columns of any kind and any name, as onnxruntime reads them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastdl.tables import Frame, Model, Settings

pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

ROWS = 60
ODD = [
    "size",
    "",
    " ",
    "X",
    "output",
    "probabilities",
    "prediction",
    "v3",
    "_v1",
    "column 0",
    "a b",
    "ü/'\"\n",
    "v5_axis",
]
KINDS = ["number", "far", "flag", "pair", "few", "many", "date", "always", "never"]


def column(kind: str, rng: np.random.Generator) -> np.ndarray:
    """Values of a kind, some of them missing."""
    n = ROWS
    if kind in ("number", "far"):
        values = rng.standard_cauchy(n) if kind == "number" else 1e9 + rng.normal(size=n)
        values[rng.random(n) < 0.2] = np.nan
        return values
    if kind == "date":
        days = np.datetime64("1900-01-01") + rng.integers(0, 10**10, n).astype("timedelta64[s]")
        days[rng.random(n) < 0.2] = np.datetime64("NaT")
        return days
    words: dict[str, list[Any]] = {
        "flag": [True, False, None],
        "pair": ["a", "b"],
        "few": ["x", "ü", " ", None],
        "many": [None, *(f"w{i}" for i in range(12))],
        "always": [3.0],
        "never": [None],
    }
    return np.array([*words[kind], None], object)[rng.integers(0, len(words[kind]), n)]


def unseen(values: np.ndarray) -> np.ndarray:
    """The same with some values that training had none of."""
    values = values.copy()
    if values.dtype.kind == "f":
        values[:4] = [np.nan, 1e300, -1e300, 0.0]
    elif values.dtype.kind == "M":
        values[:3] = np.array(["NaT", "0001-01-01", "2999-12-31T23:59:59"], values.dtype)
    elif any(isinstance(value, str) for value in values):
        values[:3] = ["never seen", None, "W1"]
    return values


def answer(model: Model, X: dict[str, np.ndarray], path: Path, rows: int) -> np.ndarray:
    """What onnxruntime says of the first rows."""
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    facts = session.get_modelmeta().custom_metadata_map
    frame = {c.name: c.values for c in model.preparation.match(Frame.of(X)).columns}
    feed = {}
    for entry, name in zip(session.get_inputs(), json.loads(facts["columns"]), strict=True):
        values = frame[name]
        feed[entry.name] = np.array(["" if v is None else v for v in values] if "string" in entry.type else values)[
            :rows, None
        ]
    (out,) = session.run(None, feed)
    return np.asarray(out)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(st.sampled_from(ODD), st.sampled_from(KINDS), min_size=1, max_size=7),
    st.sampled_from(["classes", "number", "numbers"]),
    st.sampled_from(["simple", "default"]),
    st.integers(1, 3),
    st.integers(0, 10**6),
)
def test_onnx_gives_the_same_for_any_table(
    tmp_path: Path, kinds: dict[str, str], task: str, preset: Any, members: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    X = {name: column(kind, rng) for name, kind in kinds.items()}
    y: Any = np.array(["u", "v", "w"])[rng.integers(0, 3, ROWS)]
    if task != "classes":
        y = 1e6 + rng.normal(size=(ROWS, 2) if task == "numbers" else ROWS)
    choice = Settings.preset(preset, "classification" if task == "classes" else "regression")
    model = Model(choice.replace(epochs=2, hidden=(6,), n_ens=members, zero_last=False)).fit(X, y, progress=False)
    model.to_onnx(tmp_path / "m.onnx")
    held = {name: unseen(values) for name, values in X.items()}
    want = model.predict_proba(held) if task == "classes" else model.predict(held).reshape(ROWS, -1)
    scale = 1.0 if task == "classes" else y.std()
    for rows in (ROWS, 1, 0):
        got = answer(model, held, tmp_path / "m.onnx", rows)
        np.testing.assert_allclose(got / scale, want[:rows] / scale, rtol=0, atol=1e-5)


def test_names_of_inputs_are_those_of_columns(tmp_path: Path) -> None:
    X = {
        "": [1.0, 2.0] * 20,
        "column 0": [3.0, 4.0, 5.0, 6.0] * 10,
        "probabilities": ["a", "b"] * 20,
        "size": range(40),
    }
    model = Model(Settings.preset("simple").replace(epochs=1, hidden=(4,))).fit(X, ["u", "v"] * 20, progress=False)
    model.to_onnx(tmp_path / "m.onnx")
    session = runtime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    assert [entry.name for entry in session.get_inputs()] == ["column 0_", "column 0", "probabilities_", "size"]
    facts = session.get_modelmeta().custom_metadata_map
    assert json.loads(facts["columns"]) == list(X)
