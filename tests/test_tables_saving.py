"""Models on tables as files: equal bits back, all that needs no training rows, and what is refused."""

import contextlib
import copy
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_tables import labels, numbers, quick, table

from fastdl.io import read_tensors, write_tensors
from fastdl.tables import Model, load
from fastdl.tables.saving import digest

X = table(120)


@pytest.fixture(scope="module", params=["classification", "regression"])
def model(request: pytest.FixtureRequest) -> Model:
    y = labels(X) if request.param == "classification" else numbers(X)
    return Model(quick(request.param, epochs=2, n_ens=2, hidden=(4,))).fit(X, y, progress=False)


def written(model: Model, path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arrays and facts of a saved model."""
    model.save(path)
    arrays, metadata = read_tensors(path)
    return arrays, json.loads(metadata["fastdl.tables"])


def write(path: Path, arrays: dict[str, Any], facts: Any) -> None:
    """A file with its checksum, as somebody may write it who knows how."""
    facts = {name: value for name, value in facts.items() if name != "sha256"}
    write_tensors(path, arrays, {"fastdl.tables": json.dumps({**facts, "sha256": digest(arrays, facts)})})


def test_a_loaded_model_does_all_that_needs_no_training_rows(model: Model, tmp_path: Path) -> None:
    model.save(tmp_path / "m.safetensors")
    held = table(40, 3)
    held["colour"][:3] = "never seen"
    y = labels(held) if model.settings.task == "classification" else numbers(held)
    for again in (load(tmp_path / "m.safetensors"), pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(again.predict(held), model.predict(held))
        assert again.predict(held).dtype == model.predict(held).dtype
        assert again.evaluate(held, y) == model.evaluate(held, y)
        assert again.permutation_importance(held, y, 2) == model.permutation_importance(held, y, 2)
        assert again.preparation.describe() == model.preparation.describe()
        if model.settings.task == "classification":
            np.testing.assert_array_equal(again.predict_proba(held), model.predict_proba(held))
        else:
            np.testing.assert_array_equal(again.predict_quantiles(held), model.predict_quantiles(held))
        again.save(tmp_path / "again.safetensors")
        assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "m.safetensors").read_bytes()


@pytest.mark.parametrize(
    "classes",
    [np.array([-1, 5], np.int8), np.array([1, 2**63 + 1], np.uint64), np.array([False, True]), np.array([0.5, 2.0]),
     np.array(["a", "long label"]), np.array([1.5, 2.5], np.float32)],
    ids=str,
)  # fmt: skip
def test_labels_come_back_as_they_were(classes: np.ndarray, tmp_path: Path) -> None:
    model = Model(quick(epochs=1, hidden=(4,))).fit(X, classes[np.arange(120) % 2], progress=False)
    model.save(tmp_path / "m.safetensors")
    again = load(tmp_path / "m.safetensors")
    assert again.classes_.dtype == model.classes_.dtype == classes.dtype
    np.testing.assert_array_equal(again.classes_, classes)


def test_a_file_that_has_been_cut_changed_or_is_of_another_time(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    arrays, facts = written(model, path)
    whole = path.read_bytes()
    for end in (0, 7, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:end])
        with pytest.raises(ValueError, match=r"m\.safetensors"):
            load(path)
    path.write_bytes(whole[:-2] + bytes([whole[-2] ^ 1]) + whole[-1:])
    with pytest.raises(ValueError, match="changed since it was saved"):
        load(path)
    for version in (0, 2, "1", None):
        write(path, arrays, {**facts, "version": version, "more": 1})
        with pytest.raises(ValueError, match=f"format {version!r}, and this fastdl reads 1"):
            load(path)
    with pytest.raises(IsADirectoryError):
        load(tmp_path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        model.save(tmp_path / "no folder" / "m.safetensors")


def test_saving_is_whole_or_not_at_all(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(b"before")

    def fail(*_: Any) -> None:
        raise OSError("disk")

    monkeypatch.setattr("fastdl.io.os.fsync", fail)
    with pytest.raises(OSError, match="disk"):
        model.save(path)
    assert path.read_bytes() == b"before" and list(tmp_path.iterdir()) == [path]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Ways to everything inside."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inside for place in places(item, (*path, key)))]


JUNK = st.sampled_from([None, True, 0, -1, 1e300, float("nan"), float("inf"), "", "x", [], {}, ["a"], 10**30, 0.5])


@pytest.mark.filterwarnings("ignore:overflow")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_what_somebody_wrote_by_hand_is_refused_or_works(model: Model, tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "m.safetensors"
    arrays, facts = written(model, path)
    way = data.draw(st.sampled_from(places(facts)[1:]))
    inside: Any = facts
    for key in way[:-1]:
        inside = inside[key]
    if data.draw(st.booleans()):
        inside[way[-1]] = data.draw(JUNK)
    else:
        del inside[way[-1]]
    write(path, arrays, facts)
    again = None
    with contextlib.suppress(ValueError):
        again = load(path)
    if again is not None and again.preparation.config()["columns"] == model.preparation.config()["columns"]:
        assert again.predict(X).shape == model.predict(X).shape


def test_estimators_can_be_pickled_copied_and_dumped(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    joblib = pytest.importorskip("joblib")
    import fastdl as fdl

    fitted = fdl.TabularRegressor("simple", epochs=2, hidden_layer_sizes=(4,), n_ens=2).fit(X, numbers(X))
    joblib.dump(fitted, tmp_path / "m.joblib")
    for again in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted), joblib.load(tmp_path / "m.joblib")):
        np.testing.assert_array_equal(again.predict(X), fitted.predict(X))
        np.testing.assert_array_equal(again.predict_quantiles(X), fitted.predict_quantiles(X))
        assert again.get_params() == fitted.get_params() and len(again.histories_) == 2
        again.save(tmp_path / "m.safetensors")
        assert list(again.fit(X, numbers(X)).feature_names_in_) == list(X)
