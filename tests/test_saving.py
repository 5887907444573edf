"""Model files: the same bits back, and nothing but a clear error from files that are damaged or hostile."""

import copy
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import assert_same_state, blobs, mlp, run_python, trained, unchanged
from safetensors.numpy import save as to_bytes
from support import assert_same_bits

from fastdl import init, nn
from fastdl.io import read_tensors

LABELS = [None, np.array(["no", "so", "yes"]), np.array([False, True])]


@pytest.mark.parametrize("labels", LABELS, ids=["int", "str", "bool"])
def test_round_trip(tmp_path: Path, labels: np.ndarray | None) -> None:
    classes = 3 if labels is None else len(labels)
    X, y = blobs(classes=classes)
    net = mlp(outputs=classes)
    trained(net, X, y if labels is None else labels[y])
    net.save(tmp_path / "m")
    back = nn.load(tmp_path / "m")
    assert_same_state(back.state_dict(), net.state_dict())
    assert_same_bits(back.predict(X), net.predict(X))
    assert_same_bits(back.predict_proba(X), net.predict_proba(X))
    assert back.predict_classes(X).tolist() == net.predict_classes(X).tolist()
    assert back.predict_classes(X).dtype.kind == net.predict_classes(X).dtype.kind
    assert back.summary() == net.summary() and repr(back) == repr(net)
    assert (back.head, back.training_rows, back.input_shape) == (net.head, net.training_rows, net.input_shape)
    for one in (net, back):
        trained(one, X, y if labels is None else labels[y])
    assert_same_state(back.state_dict(), net.state_dict())


def test_every_option_comes_back(tmp_path: Path) -> None:
    net = nn.Sequential(
        nn.MinMaxScale(-2, 3, name="scale"),
        nn.Sequential(
            nn.Dense(5, bias=False, init=init.He("uniform"), name="one"), nn.BatchNorm(0.5, 1e-3), name="inner"
        ),
        nn.ReLU(name="r"),
        nn.Dropout(0.125),
        nn.Dense(4, init=init.Uniform(-1, 2), bias_init=init.Constant(3.0)),
        nn.Tanh(),
        nn.Dense(2, init=init.Gaussian(0.5), bias_init="ones"),
        name="outer",
    )
    net.build(3)
    net.save(tmp_path / "m")
    back = nn.load(tmp_path / "m")
    assert repr(back) == repr(net) and back.title() == net.title()
    assert_same_state(back.state_dict(), net.state_dict())
    net.build(3, seed=1)
    fresh, again = copy.deepcopy(back), copy.deepcopy(net)
    for one in (fresh, again):
        one.forget()
        one.build(3, seed=5)
    assert_same_state(fresh.state_dict(), again.state_dict())


def test_regression_and_its_head(tmp_path: Path) -> None:
    X, _ = blobs()
    net = nn.Sequential(nn.Dense(1))
    trained(net, X, X[:, 0], {"loss": "mse"})
    net.save(os.fspath(tmp_path / "m"))
    back = nn.load(os.fspath(tmp_path / "m"))
    assert back.head == "linear" and back.classes_ is None


def test_saving_replaces_the_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_text("old")
    net = mlp()
    net.build(6)
    net.save(path)
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_failed_save_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = mlp()
    net.build(6)
    path = tmp_path / "m"
    net.save(path)
    old = path.read_bytes()

    def full(*_: Any) -> None:
        raise OSError("no space left")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(f"fastdl.io.os.{name}", full)
            with pytest.raises(OSError, match="no space"):
                net.save(path)
        assert path.read_bytes() == old and [p.name for p in tmp_path.iterdir()] == ["m"]


def test_saving_where_it_cannot_be(tmp_path: Path) -> None:
    net = mlp()
    net.build(6)
    for path in (tmp_path / "missing" / "m", tmp_path):
        with unchanged(net), pytest.raises(OSError):
            net.save(path)


# ------------------------------------------------------------------------------------------------ layers of one's own


class Scaled(nn.Layer):
    inspected = ("factor",)

    def __init__(self, factor: float = 2.0) -> None:
        super().__init__()
        self.factor = factor

    def build(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        self.add_parameter("shift", in_shape)
        return in_shape

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        return x * self.factor + self.params["shift"]

    def backward(self, dy: np.ndarray) -> np.ndarray:
        self.grads["shift"] = dy.sum(axis=0)
        return dy * self.factor


def test_custom_layers(tmp_path: Path) -> None:
    X, y = blobs()
    net = nn.Sequential(nn.Dense(4), Scaled(3.0), nn.Dense(3))
    trained(net, X, y)
    net.save(tmp_path / "m")
    with pytest.raises(ValueError, match="Scaled.*custom"):
        nn.load(tmp_path / "m")
    back = nn.load(tmp_path / "m", custom={"Scaled": Scaled})
    assert back.layers[1].factor == 3.0
    assert_same_bits(back.predict(X), net.predict(X))


@pytest.mark.parametrize("custom", [5, [Scaled], {"Scaled": 5}, {"Scaled": Scaled()}, {"Scaled": dict}])
def test_custom_refuses(tmp_path: Path, custom: Any) -> None:
    net = nn.Sequential(Scaled(), nn.Dense(3))
    net.build(4)
    net.save(tmp_path / "m")
    with pytest.raises((ValueError, TypeError), match="custom|Scaled"):
        nn.load(tmp_path / "m", custom=custom)


# -------------------------------------------------------------------------------------------------- damaged, hostile


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, np.ndarray], dict[str, Any], bytes]:
    """Arrays, config and bytes of a good file."""
    X, y = blobs(20, features=5)
    net = nn.Sequential(nn.Dense(4), nn.BatchNorm(), nn.ReLU(), nn.Dense(3))
    trained(net, X, y)
    path = tmp_path_factory.mktemp("good") / "m"
    net.save(path)
    arrays, metadata = read_tensors(path)
    return arrays, json.loads(metadata["fastdl"]), path.read_bytes()


def refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises((ValueError, OSError)) as caught:
        nn.load(path)
    assert str(path) in str(caught.value) and len(str(caught.value)) > len(str(path)) + 10


def layers(config: dict[str, Any]) -> list[dict[str, Any]]:
    return config["network"]["layers"]


INF, MANY = float("inf"), 10**18
BAD_CONFIGS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "unknown layer": lambda c: layers(c)[2].update(type="Explode"),
    "os.system": lambda c: layers(c)[2].update(type="os.system"),
    "abstract layer": lambda c: layers(c)[2].update(type="Layer"),
    "type is a list": lambda c: layers(c)[2].update(type=["ReLU"]),
    "no type": lambda c: layers(c)[2].pop("type"),
    "a layer is a number": lambda c: layers(c).append(5),
    "huge units": lambda c: layers(c)[0]["options"].update(units=MANY),
    "huge units at the end": lambda c: layers(c)[3]["options"].update(units=MANY),
    "more units than the file has": lambda c: layers(c)[0]["options"].update(units=5),
    "negative units": lambda c: layers(c)[0]["options"].update(units=-4),
    "units of another kind": lambda c: layers(c)[0]["options"].update(units="4"),
    "no units": lambda c: layers(c)[0]["options"].pop("units"),
    "extra option": lambda c: layers(c)[0]["options"].update(zzz=1),
    "options are a list": lambda c: layers(c)[0].update(options=[4]),
    "bias is a word": lambda c: layers(c)[0]["options"].update(bias="no"),
    "name is a list": lambda c: layers(c)[2].update(options={"name": [1]}),
    "eps is NaN": lambda c: layers(c)[1]["options"].update(eps=float("nan")),
    "momentum too large": lambda c: layers(c)[1]["options"].update(momentum=7),
    "unknown init": lambda c: layers(c)[0]["options"].update(init={"kind": "evil"}),
    "extra in init": lambda c: layers(c)[0]["options"].update(init={"kind": "zeros", "value": 1}),
    "infinite init": lambda c: layers(c)[0]["options"].update(init={"kind": "constant", "value": INF}),
    "layers in a ReLU": lambda c: layers(c)[2].update(layers=[{"type": "ReLU", "options": {}}]),
    "extra in a layer": lambda c: layers(c)[0].update(zzz=1),
    "network is a layer": lambda c: c.update(network=layers(c)[0]),
    "network is missing": lambda c: c.pop("network"),
    "extra at the top": lambda c: c.update(zzz=1),
    "version": lambda c: c.update(fastdl=999),
    "version is true": lambda c: c.update(fastdl=True),
    "no version": lambda c: c.pop("fastdl"),
    "input of another size": lambda c: c.update(input_shape=[6]),
    "huge input": lambda c: c.update(input_shape=[10**15]),
    "huger input": lambda c: c.update(input_shape=[10**30]),
    "negative input": lambda c: c.update(input_shape=[-5]),
    "infinite input": lambda c: c.update(input_shape=[INF]),
    "broken input": lambda c: c.update(input_shape=[5.5]),
    "input is a word": lambda c: c.update(input_shape="5"),
    "input is nothing": lambda c: c.update(input_shape=None),
    "two-dimensional input": lambda c: c.update(input_shape=[5, 1]),
    "head": lambda c: c.update(head="evil"),
    "head is a list": lambda c: c.update(head=["softmax"]),
    "no head": lambda c: c.pop("head"),
    "too few classes": lambda c: c.update(classes=[0, 1]),
    "too many classes": lambda c: c.update(classes=[0, 1, 2, 3]),
    "classes of classes": lambda c: c.update(classes=[[0], [1], [2]]),
    "ragged classes": lambda c: c.update(classes=[[0], [1, 2], 3]),
    "classes are a dict": lambda c: c.update(classes={"a": 1}),
    "rows infinite": lambda c: c.update(training_rows=INF),
    "rows negative": lambda c: c.update(training_rows=-3),
    "rows are a word": lambda c: c.update(training_rows="many"),
}


@pytest.mark.parametrize("name", BAD_CONFIGS)
def test_hostile_configs(tmp_path: Path, good: Any, name: str) -> None:
    arrays, config, _ = good
    config = copy.deepcopy(config)
    BAD_CONFIGS[name](config)
    refused(tmp_path / "m", to_bytes(arrays, {"fastdl": json.dumps(config)}))


DEEP = '{"type": "Sequential", "layers": ['


@pytest.mark.parametrize(
    "text", ["", "{", "5", "null", "[]", "[1, 2]", '"x"', '{"fastdl": 1, "network": ' + DEEP * 9999 + "]}" * 9999 + "}"]
)
def test_configs_that_are_none(tmp_path: Path, good: Any, text: str) -> None:
    refused(tmp_path / "m", to_bytes(good[0], {"fastdl": text}))


def test_no_config_at_all(tmp_path: Path, good: Any) -> None:
    refused(tmp_path / "m", to_bytes(good[0]))
    refused(tmp_path / "m", to_bytes(good[0], {"format": "pt"}))


def changed(arrays: dict[str, np.ndarray], name: str, value: np.ndarray | None) -> dict[str, np.ndarray]:
    return {**{k: v for k, v in arrays.items() if k != name}, **({} if value is None else {name: value})}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("0.weight", None),
        ("3.bias", None),
        ("1.running_var", None),
        ("9.weight", np.zeros(3, "f4")),
        ("0.weight", np.zeros((4, 5), "f4")),
        ("0.weight", np.zeros(20, "f4")),
        ("1.running_var", np.zeros(9, "f4")),
        ("0.weight", np.zeros((5, 4), "c8")),
        ("0.weight", np.full((5, 4), 1e300)),
    ],
)
def test_wrong_arrays(tmp_path: Path, good: Any, name: str, value: np.ndarray | None) -> None:
    arrays, config, _ = good
    refused(tmp_path / "m", to_bytes(changed(arrays, name, value), {"fastdl": json.dumps(config)}))


def test_a_huge_layer_is_refused_before_memory_is_touched(tmp_path: Path, good: Any) -> None:
    """300 bytes of file must not make gigabytes: neither the norm's nor the scaler's own arrays."""
    arrays, config, _ = good
    wide, scaled = copy.deepcopy(config), copy.deepcopy(config)
    layers(wide)[0]["options"]["units"] = 3 * 10**9
    layers(scaled).insert(0, {"type": "Standardize", "options": {}})
    scaled["input_shape"] = [10**9]
    for number, bad in enumerate((wide, scaled)):
        (tmp_path / str(number)).write_bytes(to_bytes(arrays, {"fastdl": json.dumps(bad)}))
        run_python(f"""
            import resource, tracemalloc
            from fastdl import nn
            resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
            tracemalloc.start()
            try:
                nn.load({str(tmp_path / str(number))!r})
            except ValueError as error:
                assert tracemalloc.get_traced_memory()[1] < 50e6, tracemalloc.get_traced_memory()
            else:
                raise SystemExit("not refused")
        """)


@pytest.mark.parametrize(("dtype", "size"), [("BF16", 2), ("F8_E4M3", 1), ("F8_E5M2", 1), ("C64", 8)])
def test_number_types_that_numpy_lacks(tmp_path: Path, good: Any, dtype: str, size: int) -> None:
    arrays, config, _ = good
    header: dict[str, Any] = {"__metadata__": {"fastdl": json.dumps(config)}}
    data = b""
    for name, array in arrays.items():
        raw = bytes(size * array.size) if name == "0.weight" else array.tobytes()
        kind = dtype if name == "0.weight" else "F32"
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    refused(tmp_path / "m", struct.pack("<Q", len(head)) + head + data)


def test_truncated_at_any_byte(tmp_path: Path, good: Any) -> None:
    content = good[2]
    for size in [*range(0, 200, 3), *range(200, len(content), 17), len(content) - 1]:
        refused(tmp_path / "m", content[:size])
    refused(tmp_path / "m", content + b"x")


def test_flipped_bytes_never_do_anything_but_raise(tmp_path: Path, good: Any) -> None:
    content, rng = good[2], np.random.default_rng(0)
    header = int.from_bytes(content[:8], "little") + 8
    path = tmp_path / "m"
    for _ in range(400):
        damaged = bytearray(content)
        for _ in range(rng.integers(1, 4)):
            damaged[rng.integers(0, header)] = rng.integers(0, 256)
        path.write_bytes(damaged)
        try:
            net = nn.load(path)
        except (ValueError, OSError):
            continue
        assert net.predict(np.zeros((1, *net.input_shape))).shape[0] == 1  # an accident that is still a model


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        nn.load(tmp_path / "missing")
    with pytest.raises(OSError):
        nn.load(tmp_path)
    for content in (b"", b"hello", b"\0" * 100, b"\xff" * 100):
        refused(tmp_path / "m", content)


def test_nothing_in_a_file_is_run(tmp_path: Path) -> None:
    import pickle

    class Evil:
        def __reduce__(self) -> Any:
            return (open, (str(tmp_path / "owned"), "w"))

    refused(tmp_path / "m", pickle.dumps(Evil()))
    assert not (tmp_path / "owned").exists()
