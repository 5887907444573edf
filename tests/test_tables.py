"""Models on tables: preparation, splits, training, saving, and what is refused."""

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import run_python

import fastdl as fdl
from fastdl import callbacks
from fastdl.tables import Frame, Model, Preparation, Settings, load
from fastdl.tables.encoding import encode
from fastdl.tables.split import folds, holdout
from fastdl.tables.targets import Classes, Quantity

RNG = np.random.default_rng(0)
N = 300
WORDS = np.array(["red", "green", "blue"])


def table(rows: int = N, seed: int = 0) -> dict[str, Any]:
    """Columns of every kind; y depends on size and colour."""
    rng = np.random.default_rng(seed)
    colour = WORDS[rng.integers(0, 3, rows)].astype(object)
    colour[rng.random(rows) < 0.1] = None
    size = rng.normal(size=rows)
    size[rng.random(rows) < 0.1] = np.nan
    return {
        "size": size,
        "colour": colour,
        "flag": rng.random(rows) < 0.5,
        "town": np.array([f"t{place}" for place in rng.integers(0, 30, rows)], object),
        "day": np.datetime64("2020-01-01") + rng.integers(0, 700, rows).astype("timedelta64[D]"),
        "always": np.full(rows, 7.0),
    }


def labels(X: dict[str, Any]) -> np.ndarray:
    return np.where(np.nan_to_num(X["size"]) + (X["colour"] == "red") > 0.3, "yes", "no")


def numbers(X: dict[str, Any]) -> np.ndarray:
    return 1000.0 + 50.0 * np.nan_to_num(X["size"]) + 30.0 * (X["colour"] == "red")


def quick(task: str = "classification", preset: str = "default", **changes: Any) -> Settings:
    return Settings.preset(preset, task).replace(**{"epochs": 12, "hidden": (32, 32), **changes})  # type: ignore[arg-type]


# Preparation


def test_numbers_are_scaled_by_quantiles_and_softly_clipped() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, 1e9])
    preparation = Preparation().fit(Frame.of({"a": values}))
    z = (values - 3.0) / 2.0
    np.testing.assert_allclose(
        preparation.transform(Frame.of({"a": values}))[:, 0], z / np.sqrt(1 + (z / 3) ** 2), 1e-6
    )


def test_a_missing_number_is_the_median_and_says_so() -> None:
    preparation = Preparation().fit(Frame.of({"a": [1.0, 2.0, np.nan, 3.0]}))
    x = preparation.transform(Frame.of({"a": [2.0, np.nan]}))
    assert x.shape == (2, 2) and x[0, 0] == x[1, 0] == 0.0 and x[0, 1] != x[1, 1]
    whole = Preparation().fit(Frame.of({"a": [1.0, 2.0, 3.0]}))
    np.testing.assert_array_equal(whole.transform(Frame.of({"a": [np.nan, 2.0]})), [[0.0], [0.0]])


@pytest.mark.parametrize(
    ("values", "how", "width"),
    [
        (["a", "b", "a"], "pair", 1),
        (["a", "b", "c"], "one-hot", 3),
        ([str(i % 20) for i in range(60)], "codes", 1),
        ([True, False, True], "boolean", 1),
        (np.array(["2020-01-01", "2020-05-04", "2021-01-01"], "datetime64[D]"), "date", 7),
        ([5.0, 5.0, 5.0], "dropped", 0),
        (["x", "x", "x"], "dropped", 0),
        ([None, None, None], "dropped", 0),
        ([f"name {i}" for i in range(30)], "dropped", 0),
    ],
    ids=str,
)  # fmt: skip
def test_what_columns_become(values: Any, how: str, width: int) -> None:
    frame = Frame.of({"a": np.asarray(values), "b": np.arange(len(values))})
    preparation = Preparation().fit(frame)
    assert preparation.encodings[0].how == how
    assert preparation.width == width + 1 == preparation.transform(frame).shape[1]
    assert preparation.describe()[0][:2] == ("a", frame.columns[0].kind)


def test_categories_never_seen_are_like_missing_ones() -> None:
    for many in (2, 3, 20):
        words = [f"w{i % many}" for i in range(80)]
        preparation = Preparation().fit(Frame.of({"a": words}))
        x = preparation.transform(Frame.of({"a": ["w0", "new", None]}))
        np.testing.assert_array_equal(x[1], x[2])
        assert (x[0] != x[1]).any(), many


def test_the_columns_are_found_by_their_names() -> None:
    X = table()
    preparation = Preparation().fit(Frame.of(X))
    backwards = dict(reversed([*X.items(), ("more", np.arange(N))]))
    np.testing.assert_array_equal(preparation.transform(Frame.of(X)), preparation.transform(Frame.of(backwards)))
    with pytest.raises(ValueError, match="'colour'"):
        preparation.transform(Frame.of({name: X[name] for name in X if name != "colour"}))


def test_a_preparation_survives_json() -> None:
    frame = Frame.of(table())
    preparation = Preparation().fit(frame)
    again = Preparation.from_config(json.loads(json.dumps(preparation.config())))
    np.testing.assert_array_equal(preparation.transform(frame), again.transform(frame))


def test_kinds_that_do_not_fit_are_refused_by_name() -> None:
    preparation = Preparation().fit(Frame.of({"a": [1.0, 2.0], "b": ["x", "y"]}))
    with pytest.raises(ValueError, match="'a'.*number.*category"):
        preparation.transform(Frame.of({"a": ["high", "low"], "b": ["x", "y"]}))
    np.testing.assert_array_equal(
        preparation.transform(Frame.of({"a": [1.0, 2.0], "b": [1, 2]}))[:, 1],
        preparation.transform(Frame.of({"a": [1.0, 2.0], "b": [None, None]}))[:, 1],
    )


def test_a_column_that_was_empty_may_hold_anything_later() -> None:
    preparation = Preparation().fit(Frame.of({"a": [None, None], "b": [1.0, 2.0]}))
    assert preparation.transform(Frame.of({"a": ["new", "words"], "b": [1.0, 2.0]})).shape == (2, 1)


def test_encode_keeps_the_commonest() -> None:
    column = Frame.of({"a": [f"w{i}" for i in range(40) for _ in range(i + 1)]}).columns[0]
    assert len(encode(column, 9, 10).categories) == 10 and "w39" in encode(column, 9, 10).categories


# Splits


@pytest.mark.parametrize("rows", [2, 3, 10, 101])
def test_holdout_gives_each_class_its_share(rows: int) -> None:
    classes = np.arange(rows) % 3 % 2
    training, held = holdout(classes, rows, 0.2, 1)
    assert sorted([*training, *held]) == list(range(rows)) and len(held) >= 1 and len(training) >= 1
    if rows > 50:
        share = np.bincount(classes[held]) / np.bincount(classes)
        assert np.abs(share - 0.2).max() < 0.05
    assert len(holdout(None, rows, 0.0, 1)[1]) == 0


def test_a_class_with_one_row_is_trained_on() -> None:
    classes = np.array([0] * 20 + [1] + [2] * 20)
    for seed in range(20):
        assert 20 in holdout(classes, 41, 0.3, seed)[0]


def test_folds_hold_each_row_out_once() -> None:
    classes = np.arange(50) % 2
    parts = folds(classes, 50, 5, 3)
    assert sorted(np.concatenate([held for _, held in parts])) == list(range(50))
    assert all(np.bincount(classes[held]).tolist() == [5, 5] for _, held in parts)


# Models


def test_first_weights_that_have_seen_the_data() -> None:
    """Weighted sums have deviation 1, and each hidden unit's kink lies among its sums."""
    from fastdl.tables.initial import look_at_data
    from fastdl.tables.network import make_network

    X = table()
    preparation = Preparation().fit(Frame.of(X))
    x = preparation.transform(Frame.of(X))
    nets = []
    for _ in range(2):
        net = make_network(quick(dropout=0.0), preparation, 3)
        net.build(preparation.width, 5)
        look_at_data(net, x, 5)
        nets.append(net)
    np.testing.assert_array_equal(nets[0].predict(x), nets[1].predict(x))
    dense = [layer for layer in nets[0].layers if "bias" in layer.params and layer.params["bias"].ndim == 1]
    assert len(dense) == 3
    np.testing.assert_allclose((nets[0].predict(x) - dense[-1].params["bias"]).std(axis=0), 1.0, rtol=1e-3)
    embedding, periodic, scale = (copy.deepcopy(layer) for layer in nets[0].layers[:3])
    front = fdl.nn.Sequential(*(type(layer)(**layer.config()) for layer in (embedding, periodic, scale)))
    front.build(preparation.width)
    for new, old in zip(front.layers, nets[0].layers, strict=False):
        for name, value in old.params.items():
            new.params[name][...] = value
    sums, kinks = front.predict(x) @ dense[0].params["weight"], -dense[0].params["bias"]
    assert (kinks >= sums.min(axis=0)).all() and (kinks <= sums.max(axis=0)).all() and kinks.std() > 0.1


def test_decay_acts_on_all_but_the_biases_of_dense_layers() -> None:
    from fastdl.tables.network import make_network

    preparation = Preparation().fit(Frame.of(table()))
    net = make_network(Settings.preset("default"), preparation, 3)
    net.build(preparation.width)
    for layer in net.layers:
        for name, parameter in layer.parameters_.items():
            assert (parameter.decay == 0.0) == (type(layer) is fdl.nn.Dense and name == "bias"), (layer, name)


def test_a_model_may_begin_so() -> None:
    X = table()
    one, two = (Model(quick(data_init=init, epochs=1)).fit(X, labels(X), progress=False) for init in (True, False))
    assert (one.predict_proba(X) != two.predict_proba(X)).any()


@pytest.mark.parametrize("preset", ["default", "simple"])
def test_classes_are_learned(preset: str) -> None:
    X = table()
    model = Model(quick(preset=preset, epochs=40)).fit(X, labels(X), progress=False)
    held = table(seed=1)
    assert model.evaluate(held, labels(held))["accuracy"] > 0.85
    p = model.predict_proba(held)
    np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-5)
    assert model.predict(held).tolist() == model.classes_[p.argmax(axis=1)].tolist()


@pytest.mark.parametrize("preset", ["default", "simple"])
def test_numbers_are_learned_and_stay_in_their_range(preset: str) -> None:
    X = table()
    y = numbers(X)
    model = Model(quick("regression", preset, epochs=40)).fit(X, y, progress=False)
    held = table(seed=1)
    assert model.evaluate(held, numbers(held))["r2"] > 0.8
    far = {**held, "size": np.full(N, 1e6)}
    assert y.min() <= model.predict(far).min() and model.predict(far).max() <= y.max()


def test_several_targets() -> None:
    X = table()
    Y = np.column_stack([numbers(X), -numbers(X)])
    model = Model(quick("regression", epochs=80)).fit(X, Y, progress=False)
    assert model.predict(X).shape == (N, 2) and model.predict_quantiles(X, [0.5]).shape == (N, 2, 1)
    assert model.evaluate(X, Y)["r2"] > 0.8


def test_quantiles_are_in_order_and_cover() -> None:
    rng = np.random.default_rng(5)
    X = {"a": rng.normal(size=2000)}
    y = X["a"] + rng.normal(size=2000)
    model = Model(quick("regression", "simple", validation_fraction=0.3)).fit(X, y, progress=False)
    fresh = {"a": rng.normal(size=2000)}
    low, middle, high = model.predict_quantiles(fresh, [0.1, 0.5, 0.9]).T
    truth = fresh["a"] + rng.normal(size=2000)
    assert (low < middle).all() and (middle < high).all()
    assert abs(np.mean((low < truth) & (truth < high)) - 0.8) < 0.06


def test_the_best_epoch_is_what_is_kept() -> None:
    X = table()
    y = numbers(X)
    model = Model(quick("regression")).fit(X, y, progress=False)
    member = model.members[0]
    history = member.trainer.history["val_loss"]
    assert model.best_epoch == np.flatnonzero(np.array(history) == min(history))[-1]
    assert member.held is not None
    assert member.trainer.evaluate(member.held.x, member.held.y)["loss"] == min(history)


def test_the_same_seed_gives_the_same_bits_in_any_order_of_rows() -> None:
    X = table()
    order = RNG.permutation(N)
    shuffled = {name: values[order] for name, values in X.items()}
    one = Model(quick(), 3, threads=1).fit(X, labels(X), progress=False)
    two = Model(quick(), 3, threads=2).fit(shuffled, labels(shuffled), progress=False)
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))
    other = Model(quick(), 4).fit(X, labels(X), progress=False)
    assert (one.predict_proba(X) != other.predict_proba(X)).any()


def test_whole_weights_are_repeated_rows_and_zero_ones_are_none() -> None:
    X = table()
    y, weights = numbers(X), RNG.integers(0, 3, N)
    repeated = {name: values.repeat(weights) for name, values in X.items()}
    one = Model(quick("regression")).fit(X, y, weights, progress=False)
    two = Model(quick("regression")).fit(repeated, y.repeat(weights), progress=False)
    np.testing.assert_array_equal(one.predict(X), two.predict(X))
    Model(quick("regression")).fit(X, y, weights + 0.5, progress=False)


@pytest.mark.parametrize(("n_cv", "n_ens"), [(1, 3), (3, 1), (2, 2)])
def test_members(n_cv: int, n_ens: int) -> None:
    X = table()
    model = Model(quick(n_cv=n_cv, n_ens=n_ens)).fit(X, labels(X), progress=False)
    assert len(model.networks) == len(model.histories) == len(model.best_epochs) == n_cv * n_ens
    x = model.preparation.transform(Frame.of(X))
    mean = np.mean([network.predict_proba(x).astype(np.float64) for network in model.networks], axis=0)
    np.testing.assert_array_equal(model.predict_proba(X), mean.astype(np.float32))


def test_validation_data_weights_callbacks_and_patience() -> None:
    class Count(callbacks.Callback):
        seen = 0

        def on_epoch_end(self, trainer: Any, epoch: int, logs: dict[str, float]) -> None:
            type(self).seen += 1

    X, held = table(), table(50, 2)
    model = Model(quick("regression", epochs=200, patience=2))
    model.fit(X, numbers(X), validation=(held, numbers(held)), callbacks=[Count()], progress=False)
    epochs = model.history.epochs
    assert Count.seen == epochs < 200 and model.best_epoch == epochs - 3
    assert len(model.members[0].training) == N


def test_a_time_limit_leaves_a_whole_schedule_of_fewer_epochs() -> None:
    X = table()
    model = Model(quick("regression", epochs=100_000)).fit(X, numbers(X), progress=False, time_limit=1.0)
    assert 1 <= model.history.epochs < 100_000


def test_files_that_are_no_model_are_refused(tmp_path: Path) -> None:
    from fastdl import nn
    from fastdl.io import write_tensors

    net = nn.Sequential(nn.Dense(2))
    net.build(3)
    net.save(tmp_path / "net.safetensors")
    write_tensors(tmp_path / "odd.safetensors", {}, {"fastdl.tables": "[]"})
    (tmp_path / "text.safetensors").write_text("x")
    for name in ("net", "odd", "text"):
        with pytest.raises(ValueError, match=name):
            load(tmp_path / f"{name}.safetensors")
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.safetensors")


def test_permutation_importance_finds_the_columns_that_matter() -> None:
    X = table()
    model = Model(quick("regression", epochs=40)).fit(X, numbers(X), progress=False)
    found = model.permutation_importance(X, numbers(X), repeats=3)
    assert list(found) == list(X) and found["always"] == (0.0, 0.0)
    assert max(found, key=lambda name: found[name][0]) == "size"
    assert found["size"][0] > 10 * abs(found["flag"][0])


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        ({"a": [1.0, 2.0]}, ["x"], ["y", "2 rows"]),
        ({"a": [1.0, 2.0]}, ["x", "x"], ["one class"]),
        ({"a": [1.0, 2.0]}, np.array(["x", None], object), ["missing", "row 1"]),
        ({"a": [1.0, 2.0]}, np.array(["x", 3], object), ["one kind"]),
        ({"a": [1.0, np.inf]}, ["x", "y"], ["'a'", "row 1"]),
        ({}, [], ["0 feature"]),
        ({"a": np.empty(0)}, [], ["0"]),
    ],
    ids=str,
)
def test_bad_tables_are_refused_and_the_model_stays_as_it_is(X: Any, y: Any, words: list[str]) -> None:
    good = table()
    model = Model(quick(epochs=1)).fit(good, labels(good), progress=False)
    before = model.predict_proba(good)
    with pytest.raises((ValueError, TypeError)) as info:
        model.fit(X, y, progress=False)
    for word in words:
        assert word in str(info.value)
    np.testing.assert_array_equal(model.predict_proba(good), before)


@pytest.mark.parametrize(
    "y", [np.array([1.0, np.nan]), np.array(["a", "b"]), np.array([1j, 2.0]), np.array([1e300, -1e300])], ids=str
)
def test_bad_numbers_to_learn_are_refused(y: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="y"):
        Model(quick("regression")).fit({"a": [1.0, 2.0]}, y, progress=False)


def test_targets_come_back() -> None:
    classes = Classes.of(np.array(["b", "a", "b"]))
    assert classes.encode(["a", "b"]).tolist() == [0, 1]
    with pytest.raises(ValueError, match="'c'.*row 1"):
        classes.encode(["a", "c"])
    y = np.array([3.0, 5.0, 10.0])
    quantity = Quantity.of(y)
    np.testing.assert_allclose(quantity.decode(quantity.encode(y).astype(np.float32)), y, rtol=1e-6)
    np.testing.assert_array_equal(Quantity.of(np.full(3, 4.0)).decode(np.zeros((2, 1))), [4.0, 4.0])


@pytest.mark.parametrize(
    "changes",
    [{"epochs": 0}, {"lr": -1.0}, {"dropout": 1.0}, {"hidden": (0,)}, {"activation": "rulu"}, {"n_cv": 0}, {"rate": 1}],
    ids=str,
)
def test_bad_settings_are_refused_by_name(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError) as info:
        Settings.preset().replace(**changes)
    assert "rulu" in str(info.value) or next(iter(changes)) in str(info.value)
    with pytest.raises(ValueError, match="default"):
        Settings.preset("best")


def test_questions_before_training_and_of_the_wrong_kind() -> None:
    X = table()
    with pytest.raises(ValueError, match="not trained"):
        Model(quick()).predict(X)
    model = Model(quick("regression", epochs=1, validation_fraction=0.0)).fit(X, numbers(X), progress=False)
    assert model.best_epoch is None
    for ask, words in (
        (lambda: model.predict_proba(X), "probabilities"),
        (lambda: model.predict_quantiles(X), "validation_fraction"),
    ):
        with pytest.raises(ValueError, match=words):
            ask()
    with pytest.raises(AttributeError):
        model.classes_  # noqa: B018


def test_no_rows_give_no_predictions() -> None:
    X = table()
    model = Model(quick("regression", epochs=1)).fit(X, numbers(X), progress=False)
    assert model.predict({name: values[:0] for name, values in X.items()}).shape == (0,)


def test_neither_pandas_nor_scikit_learn_is_needed() -> None:
    code = """
        import sys
        for name in ("pandas", "sklearn", "polars", "pyarrow"):
            sys.modules[name] = None
        from fastdl.tables import Model, Settings
        X = {"a": [1.0, 2.0, 3.0, 4.0] * 5, "b": ["x", "y", None, "x"] * 5}
        model = Model(Settings.preset("default").replace(epochs=2)).fit(X, ["u", "v"] * 10, progress=False)
        print(len(model.predict(X)))
    """
    assert run_python(code).stdout.split() == ["20"]


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("n_ens", [1, 2])
def test_onnx_gives_the_same(task: str, n_ens: int, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    X = table()
    y = labels(X) if task == "classification" else numbers(X)
    model = Model(quick(task, epochs=3, n_ens=n_ens)).fit(X, y, progress=False)
    model.to_onnx(tmp_path / "m.onnx")
    session = runtime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    held = table(70, 1)
    held["colour"][:3] = "violet"  # never seen
    feed = {}
    for column in Frame.of(held).columns:
        if column.name != "always":
            values = column.values
            if column.kind == "category":
                values = np.array(["" if value is None else value for value in values])
            feed[column.name] = values[:, None]
    got = session.run(None, feed)[0]
    want = model.predict_proba(held) if task == "classification" else model.predict(held)[:, None]
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


def test_targets_whose_squares_are_zero_are_scaled_like_others() -> None:
    y = np.array([1.0, 2.0, 4.0])
    small, usual = Quantity.of(1e-300 * y), Quantity.of(y)
    assert small.std == pytest.approx(1e-300 * usual.std, rel=1e-12, abs=0.0)
    np.testing.assert_allclose(small.encode(1e-300 * y), usual.encode(y), rtol=1e-12)
