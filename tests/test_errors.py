"""A table of mistakes. Each gives one clear exception that names the argument, and changes nothing."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import blobs, mlp, trained, unchanged

import fastdl as fdl
from fastdl import callbacks, errors, losses, metrics, nn, optim, schedule

X, Y = blobs(40)
T = X[:, :3].copy()  # targets of a regression
ONES = np.ones(40)


def net_of(outputs: int = 3, scaler: bool = False) -> nn.Sequential:
    return mlp(8, outputs, scaler=scaler)


def changed(array: np.ndarray, value: Any, dtype: Any = np.float64) -> np.ndarray:
    copy = array.astype(dtype)
    copy[7, ...] = value
    return copy


# ------------------------------------------------------------------------------------- what makes objects is checked

MAKE: dict[str, tuple[Callable[[], Any], list[str]]] = {
    "net is a layer": (lambda: fdl.Trainer(nn.Dense(3)), ["net", "Dense"]),
    "net is a list": (lambda: fdl.Trainer([nn.Dense(3)]), ["net", "list"]),
    "net is a class": (lambda: fdl.Trainer(nn.Sequential), ["net", "type"]),
    "unknown loss": (lambda: fdl.Trainer(net_of(), loss="cross_entrpy"), ["loss", "cross_entrpy", "'cross_entropy'"]),
    "loss is a number": (lambda: fdl.Trainer(net_of(), loss=5), ["loss", "int"]),
    "loss is a class": (lambda: fdl.Trainer(net_of(), loss=losses.MSE), ["loss", "MSE|type"]),
    "loss is None": (lambda: fdl.Trainer(net_of(), loss=None), ["loss", "NoneType"]),
    "unknown optimizer": (lambda: fdl.Trainer(net_of(), optimizer="adm"), ["optimizer", "adm", "'adam'"]),
    "optimizer is a number": (lambda: fdl.Trainer(net_of(), optimizer=0.1), ["optimizer", "float"]),
    "optimizer is a class": (lambda: fdl.Trainer(net_of(), optimizer=optim.SGD), ["optimizer"]),
    "unknown schedule": (lambda: fdl.Trainer(net_of(), schedule="expo"), ["schedule", "expo", "exponential"]),
    "schedule is a number": (lambda: fdl.Trainer(net_of(), schedule=0.9), ["schedule", "float"]),
    "clip is a number": (lambda: fdl.Trainer(net_of(), clip=1.0), ["clip", "ClipNorm", "float"]),
    "unknown metric": (lambda: fdl.Trainer(net_of(), metrics=["acuracy"]), ["metrics", "acuracy", "'accuracy'"]),
    "a metric twice": (lambda: fdl.Trainer(net_of(), metrics=["accuracy"] * 2), ["metrics", "accuracy", "twice"]),
    "metric of another loss": (
        lambda: fdl.Trainer(net_of(), "mse", metrics=["accuracy"]),
        ["metrics", "accuracy", "mse"],
    ),
    "metrics is None": (lambda: fdl.Trainer(net_of(), metrics=None), ["metrics", "None"]),
    "metrics is a number": (lambda: fdl.Trainer(net_of(), metrics=5), ["metrics", "int"]),
    "metric is a class": (lambda: fdl.Trainer(net_of(), metrics=[metrics.Accuracy]), ["metrics"]),
    "negative seed": (lambda: fdl.Trainer(net_of(), seed=-1), ["seed", "-1"]),
    "seed too large": (lambda: fdl.Trainer(net_of(), seed=2**64), ["seed", str(2**64)]),
    "seed is None": (lambda: fdl.Trainer(net_of(), seed=None), ["seed", "NoneType"]),
    "seed is a float": (lambda: fdl.Trainer(net_of(), seed=1.0), ["seed", "float"]),
    "no threads": (lambda: fdl.Trainer(net_of(), threads=0), ["threads", "0"]),
    "threads is a word": (lambda: fdl.Trainer(net_of(), threads="all"), ["threads", "str"]),
    "negative rate": (lambda: optim.SGD(-0.1), ["lr", "-0.1"]),
    "rate is NaN": (lambda: optim.Adam(float("nan")), ["lr", "nan"]),
    "rate is infinite": (lambda: optim.Adam(float("inf")), ["lr", "inf"]),
    "rate beyond float32": (lambda: optim.SGD(1e39), ["lr", re.escape("1e+39")]),
    "rate is a word": (lambda: optim.AdamW("0.1"), ["lr", "str"]),
    "rate is a bool": (lambda: optim.SGD(True), ["lr", "bool"]),
    "momentum": (lambda: optim.SGD(0.1, 1.5), ["momentum", "1.5"]),
    "nesterov without momentum": (lambda: optim.SGD(0.1, nesterov=True), ["nesterov", "momentum"]),
    "form": (lambda: optim.SGD(0.1, 0.9, form="tourch"), ["form", "tourch", "'torch'"]),
    "decay": (lambda: optim.SGD(weight_decay=-1), ["weight_decay", "-1"]),
    "betas too large": (lambda: optim.Adam(betas=(0.9, 1.0)), ["betas", "1.0"]),
    "one beta": (lambda: optim.Adam(betas=0.9), ["betas", "0.9"]),
    "three betas": (lambda: optim.Adam(betas=(0.9, 0.9, 0.9)), ["betas"]),
    "eps": (lambda: optim.Adam(eps=-1e-8), ["eps", "-1e-08"]),
    "theta": (lambda: optim.ClipNorm(0), ["theta", "0"]),
    "theta is NaN": (lambda: optim.ClipNorm(float("nan")), ["theta", "nan"]),
    "clip to": (lambda: optim.ClipNorm(to="units"), ["to", "units", "'unit'"]),
    "clip per": (lambda: optim.ClipNorm(per="modl"), ["per", "modl", "'model'"]),
}


@pytest.mark.parametrize("name", MAKE)
def test_objects(name: str) -> None:
    make, words = MAKE[name]
    check(make, words)


def check(call: Callable[[], Any], words: list[str], kinds: Any = (ValueError, TypeError)) -> None:
    """The call raises one of these and no kind that hides behind them, with every word in the message."""
    with pytest.raises(kinds) as caught:
        call()
    assert not isinstance(caught.value, (KeyError, IndexError, UnicodeError)), repr(caught.value)
    for word in words:
        assert re.search(word, str(caught.value)), f"{word!r} is missing in: {caught.value}"


# ------------------------------------------------------------------------------------------------ data: fit, evaluate

FIT: dict[str, tuple[dict[str, Any], list[str]]] = {
    "X has one dimension": ({"X": X[:, 0]}, ["X", r"\(40,\)"]),
    "X has three": ({"X": X[None]}, ["X", r"\(1, 40, 6\)"]),
    "X is a number": ({"X": 5.0}, ["X", r"\(\)"]),
    "X is None": ({"X": None}, ["X", "object"]),
    "X is text": ({"X": X.astype(str)}, ["X", "dtype"]),
    "X is complex": ({"X": X.astype(complex)}, ["X", "complex"]),
    "X is objects": ({"X": X.astype(object)}, ["X", "object"]),
    "X is dates": ({"X": X.astype("M8[s]")}, ["X", "datetime"]),
    "X is ragged": ({"X": [[1, 2], [3]], "y": [0, 1]}, ["X"]),
    "X has no rows": ({"X": X[:0], "y": Y[:0]}, ["X", r"\(0, 6\)"]),
    "X has no features": ({"X": X[:, :0]}, ["X", r"\(40, 0\)"]),
    "X holds NaN": ({"X": changed(X, np.nan)}, ["X", "nan", "row 7"]),
    "X holds infinity": ({"X": changed(X, -np.inf)}, ["X", "inf", "row 7"]),
    "X beyond float32": ({"X": changed(X, 1e39)}, ["X", re.escape("1e+39")]),
    "y is shorter": ({"y": Y[:39]}, ["y", "40", "39"]),
    "y is longer": ({"y": np.append(Y, 0)}, ["y", "40", "41"]),
    "y is a number": ({"y": 1}, ["y", "int"]),
    "y is None": ({"y": None}, ["y", "NoneType"]),
    "y has two columns": ({"y": np.stack([Y, Y], 1)}, ["y", r"\(40, 2\)"]),
    "y is one-hot, of integers": ({"y": np.eye(3, dtype=int)[Y]}, ["y", r"\(40, 3\)"]),
    "y does not sum to 1": ({"y": np.eye(3)[Y] * 0.99}, ["y", "sum to 1", "0.99"]),
    "y has probabilities below 0": ({"y": np.eye(3)[Y] * 3 - np.eye(3)[(Y + 1) % 3] * 2}, ["y", "at least 0"]),
    "y has too few probabilities": ({"y": np.eye(2)[Y % 2]}, ["y", r"\(40, 3\)", r"\(40, 2\)"]),
    "a label too large": ({"y": changed(Y, 3, int)}, ["y", "3", "0 .. 2"]),
    "a negative label": ({"y": changed(Y, -1, int)}, ["y", "-1", "0 .. 2"]),
    "a huge label": ({"y": changed(Y, 2**40, int)}, ["y", str(2**40)]),
    "a fraction": ({"y": changed(Y, 0.5)}, ["y", "fraction"]),
    "a label is NaN": ({"y": changed(Y, np.nan)}, ["y", "NaN"]),
    "a label is infinite": ({"y": changed(Y, np.inf)}, ["y"]),
    "complex labels": ({"y": Y.astype(complex)}, ["y", "complex"]),
    "too many names": ({"y": np.array(list("abcd") * 10)}, ["y"]),
    "too few names": ({"y": np.array(list("ab") * 20)}, ["y"]),
    "weights of another length": ({"sample_weight": ONES[:39]}, ["sample_weight", r"\(40,\)", r"\(39,\)"]),
    "weights in a column": ({"sample_weight": ONES[:, None]}, ["sample_weight", r"\(40,\)", r"\(40, 1\)"]),
    "a negative weight": ({"sample_weight": changed(ONES, -1)}, ["sample_weight"]),
    "a weight is NaN": ({"sample_weight": changed(ONES, np.nan)}, ["sample_weight"]),
    "a weight is infinite": ({"sample_weight": changed(ONES, np.inf)}, ["sample_weight"]),
    "a weight beyond float32": ({"sample_weight": changed(ONES, 1e39)}, ["sample_weight"]),
    "no weight at all": ({"sample_weight": 0 * ONES}, ["sample_weight"]),
    "weights are text": ({"sample_weight": ONES.astype(str)}, ["sample_weight", "dtype"]),
    "weights are a number": ({"sample_weight": 2.0}, ["sample_weight", r"\(\)"]),
    "unknown class": ({"class_weight": {7: 1.0}}, ["class_weight", "7"]),
    "a class by another name": ({"class_weight": {"a": 1.0}}, ["class_weight", "a"]),
    "class_weight is a list": ({"class_weight": [1, 2, 3]}, ["class_weight", "list"]),
    "class_weight is a word": ({"class_weight": "balancd"}, ["class_weight", "str"]),
    "a negative class weight": ({"class_weight": {0: -1.0}}, ["class_weight", "-1"]),
    "a class weight is NaN": ({"class_weight": {0: float("nan")}}, ["class_weight", "nan"]),
    "a class weight is a word": ({"class_weight": {0: "much"}}, ["class_weight", "much|str"]),
    "no epochs": ({"epochs": 0}, ["epochs", "0"]),
    "half an epoch": ({"epochs": 0.5}, ["epochs", "float"]),
    "epochs is None": ({"epochs": None}, ["epochs", "NoneType"]),
    "no batch": ({"batch_size": 0}, ["batch_size", "0"]),
    "a negative batch": ({"batch_size": -5}, ["batch_size", "-5"]),
    "batch_size is a float": ({"batch_size": 32.0}, ["batch_size", "float"]),
    "nothing left to train on": ({"batch_size": 41, "drop_last": True}, ["drop_last", "40", "41"]),
    "split is 1": ({"validation_split": 1.0}, ["validation_split", "1.0"]),
    "split is negative": ({"validation_split": -0.1}, ["validation_split", "-0.1"]),
    "split is NaN": ({"validation_split": float("nan")}, ["validation_split", "nan"]),
    "split is a word": ({"validation_split": "0.1"}, ["validation_split", "str"]),
    "split is a bool": ({"validation_split": True}, ["validation_split", "bool"]),
    "split leaves nothing": ({"validation_split": 0.001}, ["validation_split", "0.001", "40"]),
    "split leaves nothing to train on": ({"validation_split": 0.999}, ["validation_split", "0.999", "40"]),
    "validation_data is X": ({"validation_data": X}, ["validation_data"]),
    "validation_data is a number": ({"validation_data": 5}, ["validation_data", "int"]),
    "validation_data without y": ({"validation_data": (X,)}, ["validation_data"]),
    "validation_data with too much": ({"validation_data": (X, Y, ONES, 1)}, ["validation_data"]),
    "both kinds of validation": (
        {"validation_data": (X, Y), "validation_split": 0.5},
        ["validation_data", "validation_split"],
    ),
    "validation with other features": ({"validation_data": (X[:, :4], Y)}, ["6", r"\(40, 4\)"]),
    "validation with another length": ({"validation_data": (X, Y[:9])}, ["40", "9"]),
    "validation with unknown labels": ({"validation_data": (X, Y + 1)}, ["3"]),
    "validation without rows": ({"validation_data": (X[:0], Y[:0])}, ["validation_data", r"\(0, 6\)"]),
    "validation holds NaN": ({"validation_data": (changed(X, np.nan), Y)}, ["validation_data", "nan"]),
    "callbacks is a number": ({"callbacks": 5}, ["callbacks", "int"]),
    "a callback is a class": ({"callbacks": [callbacks.EarlyStopping]}, [r"callbacks\[0\]", "Callback"]),
    "a callback is a function": ({"callbacks": [callbacks.Callback(), print]}, [r"callbacks\[1\]", "builtin"]),
    "progress": ({"progress": "yes"}, ["progress", "'yes'"]),
}


@pytest.mark.parametrize("state", ["unbuilt", "built", "trained"])
@pytest.mark.parametrize("name", FIT)
def test_fit(name: str, state: str) -> None:
    arguments, words = FIT[name]
    net = net_of()
    if state != "unbuilt":
        net.build(6)
    trainer = fdl.Trainer(net)
    if state == "trained":
        trainer.fit(X, Y, progress=False)
    before = (trainer.step, trainer.epoch, trainer.history.epochs)
    with unchanged(net):
        check(lambda: trainer.fit(**{"X": X, "y": Y, "progress": False, **arguments}), words)
    assert (trainer.step, trainer.epoch, trainer.history.epochs) == before
    # One good call makes up for it.
    fresh = net_of()
    if state == "trained":
        trained(fresh, X, Y, epochs=1, batch_size=32)
    else:
        trainer.fit(X, Y, progress=False)
        trained(fresh, X, Y, epochs=1, batch_size=32)
    for key, array in fresh.state_dict().items():
        assert net.state_dict()[key].tobytes() == array.tobytes(), key


@pytest.mark.parametrize("scaler", [False, True])
@pytest.mark.parametrize(
    "name", [name for name in FIT if name.startswith(("X", "y", "a label", "weight", "a weight", "no weight"))]
)
def test_evaluate(name: str, scaler: bool) -> None:
    arguments, words = FIT[name]
    net = net_of(scaler=scaler)
    trainer = trained(net, X, Y)
    if scaler and name == "X beyond float32":
        pytest.skip("a scaler brings that back")
    with unchanged(net):
        check(lambda: trainer.evaluate(**{"X": X, "y": Y, **arguments}), words)


def test_features_of_a_built_network() -> None:
    for net in (net_of(), net_of(scaler=True)):
        trainer = trained(net, X, Y)
        for call in (
            lambda trainer=trainer: trainer.fit(X[:, :4], Y, progress=False),
            lambda trainer=trainer: trainer.partial_fit(X[:, :4], Y),
            lambda trainer=trainer: trainer.evaluate(X[:, :4], Y),
            lambda net=net: net.predict(X[:, :4]),
            lambda net=net: net.predict_classes(X[:, :4]),
        ):
            with unchanged(net):
                check(call, ["Dense", "6 features", r"\(40, 4\)"])


def test_the_layer_that_expects_the_features_is_named() -> None:
    net = nn.Sequential(nn.Dense(4, name="hidden1"), nn.Dense(3))
    trained(net, X, Y)
    check(lambda: net.predict(X[:, :2]), ["Dense 'hidden1' expects 6 features", r"X of shape \(40, 2\)"])


REGRESSION: dict[str, tuple[dict[str, Any], list[str]]] = {
    "one column for three outputs": ({"y": T[:, 0]}, ["y", r"\(40, 3\)", r"\(40,\)"]),
    "two columns for three outputs": ({"y": T[:, :2]}, ["y", r"\(40, 3\)", r"\(40, 2\)"]),
    "a row that could be broadcast": ({"y": T[:1]}, ["y", "40", "1"]),
    "three dimensions": ({"y": T[:, :, None]}, ["y", r"\(40, 3, 1\)"]),
    "NaN": ({"y": changed(T, np.nan)}, ["y", "nan", "row 7"]),
    "infinity": ({"y": changed(T, np.inf)}, ["y", "inf", "row 7"]),
    "beyond float32": ({"y": changed(T, 1e39)}, ["y", re.escape("1e+39")]),
    "text": ({"y": T.astype(str)}, ["y", "dtype"]),
    "complex": ({"y": T.astype(complex)}, ["y", "complex"]),
    "objects": ({"y": T.astype(object)}, ["y", "object"]),
    "class weights": ({"y": T, "class_weight": {0: 1.0}}, ["class_weight"]),
}


@pytest.mark.parametrize("built", [False, True])
@pytest.mark.parametrize("name", REGRESSION)
def test_regression(name: str, built: bool) -> None:
    arguments, words = REGRESSION[name]
    net = net_of()
    if built:
        net.build(6)
    with unchanged(net):
        check(lambda: fdl.Trainer(net, "mse").fit(**{"X": X, "progress": False, **arguments}), words)


def test_one_column_meets_one_output_by_reshaping() -> None:
    flat, column = (trained(net_of(1), X, y, {"loss": "mse"}) for y in (T[:, 0], T[:, :1]))
    assert flat.history == column.history
    assert column.history["loss"][0] < 10 * T[:, 0].var()  # a broadcast would compare all with all


def test_labels_in_a_column() -> None:
    flat, column = (trained(net_of(), X, y) for y in (Y, Y[:, None]))
    assert flat.history == column.history
    weighted = [trained(net_of(), X, y, class_weight={1: 2.0}) for y in (Y, Y[:, None])]
    assert weighted[0].history == weighted[1].history


NETS: dict[str, tuple[Callable[[], nn.Sequential], list[str]]] = {
    "no layers": (lambda: nn.Sequential(), ["parameter"]),
    "nothing to train": (lambda: nn.Sequential(nn.Standardize(), nn.ReLU()), ["parameter"]),
    "one output": (lambda: nn.Sequential(nn.Dense(1)), ["cross_entropy", "1"]),
    "two outputs": (lambda: nn.Sequential(nn.Dense(2)), ["y", "0 .. 1"]),
}


@pytest.mark.parametrize("name", NETS)
def test_networks_that_do_not_fit_the_job(name: str) -> None:
    make, words = NETS[name]
    net = make()
    with unchanged(net):
        check(lambda: fdl.Trainer(net).fit(X, Y, progress=False), words)


def test_evaluate_before_anything() -> None:
    net = net_of()
    with unchanged(net):
        check(lambda: fdl.Trainer(net).evaluate(X, Y), ["not built"])


def test_labels_of_another_kind_than_trained_on() -> None:
    named = np.array(list("abc"))[Y]
    for first, second in ((Y, named), (named, Y), (named, np.array(list("abd"))[Y])):
        trainer = trained(net_of(), X, first)
        with unchanged(trainer.net):
            check(lambda trainer=trainer, y=second: trainer.evaluate(X, y), ["y"])
            check(lambda trainer=trainer, y=second: trainer.fit(X, y, progress=False), ["y"])


def test_early_stopping_without_validation_data() -> None:
    check(lambda: trained(net_of(), X, Y, callbacks=callbacks.EarlyStopping()), ["val_loss", "validation"])


def test_history_of_what_was_not_recorded() -> None:
    history = trained(net_of(), X, Y).history
    check(lambda: history["val_los"], ["val_los", "'loss'"])


def test_a_csv_logger_that_cannot_write(tmp_path: Path) -> None:
    net = net_of()
    net.build(6)
    before = net.state_dict()["0.weight"].tobytes()
    with pytest.raises(OSError, match="missing"):
        trained(net, X, Y, callbacks=callbacks.CSVLogger(tmp_path / "missing" / "log.csv"))
    assert net.state_dict()["0.weight"].tobytes() == before


def test_nothing_but_a_schedule_is_multiplied() -> None:
    check(lambda: "a" * schedule.Constant(), [""])


def test_unknown_names_come_with_the_nearest() -> None:
    error = errors.unknown_name("thing", "colour", ["color", "shape"])
    assert "'colour'" in str(error) and "did you mean 'color'" in str(error) and "'shape'" in str(error)
    assert "did you mean" not in str(errors.unknown_name("thing", "xyz", ["color"]))
