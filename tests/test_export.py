"""Networks for other programs: plain NumPy and ONNX give what the network gives."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import normal
from test_layers import TABLE

import fastdl as fdl
from fastdl import datasets, nn
from fastdl.export.layers import LAYERS

RUNNER = """
import sys
sys.modules["fastdl"] = None
sys.path.insert(0, ".")
import numpy as np
import model
X = np.load("X.npy")
arrays = {"output": model.predict(X)}
if hasattr(model, "predict_proba"):
    arrays["probabilities"] = model.predict_proba(X)
if hasattr(model, "predict_classes"):
    arrays["classes"] = model.predict_classes(X)
np.savez("out.npz", **arrays)
"""


def with_numpy(net: nn.Network, X: np.ndarray, folder: Path) -> dict[str, np.ndarray]:
    """What the written code gives, in a Python that has no fastdl."""
    net.to_numpy_code(folder / "model.py")
    np.save(folder / "X.npy", X)
    subprocess.run([sys.executable, "-I", "-c", RUNNER], cwd=folder, check=True, capture_output=True, timeout=60)
    with np.load(folder / "out.npz") as arrays:
        return dict(arrays)


def with_onnx(net: nn.Network, X: np.ndarray, folder: Path, dtype: str = "float32") -> dict[str, np.ndarray]:
    """What onnxruntime makes of the written model."""
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    net.to_onnx(folder / "model.onnx", dtype)
    session = runtime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"X": X.astype(dtype)}), strict=True))


def exported(make: Any) -> nn.Sequential | None:
    """A network of one layer with weights and running statistics that are not those of the beginning."""
    layer = make()
    if any(type(inside).__mro__[0] not in LAYERS for _, inside in layer.walk()):
        return None
    embedded = isinstance(layer, nn.Embedding)
    net = nn.Sequential(layer)
    net.build(3 if embedded else 7, seed=3)
    rng = np.random.default_rng(0)
    for _, inside in net.walk():
        if isinstance(inside, nn.BatchNorm):
            inside.state["running_mean"][...] = rng.normal(size=inside.state["running_mean"].shape)
            inside.state["running_var"][...] = rng.uniform(0.5, 2.0, inside.state["running_var"].shape)
        if isinstance(inside, nn.MinMaxScale | nn.Standardize | nn.RobustScale):
            inside.adapt(normal((50, 7), 9, 3.0, 100.0), None)
        for name in ("gamma", "beta", "bias", "alpha", "factor"):
            if name in inside.params:
                inside.params[name][...] += rng.normal(size=inside.params[name].shape) / 3
    return net


CASES: dict[str, Any] = {
    **TABLE,
    "weight norm": lambda: nn.Dense(5, weight_norm=True),
    "Embedding": lambda: nn.Embedding([0, 2], [2, 3], sizes=[4, 5]),
    "ELU of 2": lambda: nn.ELU(2.0),
    "LeakyReLU of 0.3": lambda: nn.LeakyReLU(0.3),
    "periodic of some": lambda: nn.PeriodicEmbedding(3, 5, 2),
    "parametric mish": lambda: nn.ParametricActivation("mish"),
    **{f"parametric {kind}": lambda kind=kind: nn.ParametricActivation(kind) for kind in ("elu", "leaky_relu", "gelu")},
    "no bias": lambda: nn.Dense(5, bias=False),
    "other eps": lambda: nn.Sequential(nn.LayerNorm(eps=0.1), nn.RMSNorm(eps=0.1), nn.BatchNorm(eps=0.1)),
    "soft clip": lambda: nn.RobustScale(clip=1.5),
    "one branch": lambda: nn.Parallel(nn.Dense(3)),
    **{
        f"merged by {merge}": lambda merge=merge: nn.Parallel(
            nn.Dense(3), nn.Sequential(nn.Dense(3), nn.Tanh()), merge=merge
        )
        for merge in ("concat", "sum", "mean")
    },
    "nested": lambda: nn.Residual(nn.Parallel(nn.Dense(3), nn.Residual(nn.Dense(4), nn.GELU())), nn.LayerNorm()),
}


def inputs(net: nn.Sequential) -> np.ndarray:
    if isinstance(net.layers[0], nn.Embedding):
        return np.array([[0, 0.5, 4], [3, -1.5, 0], [1, 2.0, 2]], np.float32)
    scaled = isinstance(net.layers[0], nn.MinMaxScale | nn.Standardize | nn.RobustScale)
    return normal((33, 7), 5, 3.0, 100.0 if scaled else 0.0)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_every_layer_as_onnx(name: str, tmp_path: Path) -> None:
    net = exported(CASES[name])
    if net is None:
        pytest.skip("a user's own layer")
    X = inputs(net)
    got = with_onnx(net, X, tmp_path)["output"]
    np.testing.assert_allclose(got, net.predict(X), rtol=1e-5, atol=1e-5)
    for rows in (0, 1):
        few = with_onnx(net, X[:rows], tmp_path)["output"]
        np.testing.assert_allclose(few, got[:rows], rtol=1e-5, atol=1e-5)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_every_layer_as_numpy_code(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = exported(CASES[name])
    if net is None:
        pytest.skip("a user's own layer")
    X = inputs(net)
    net.to_numpy_code(tmp_path / "model.py")
    module: dict[str, Any] = {}
    exec((tmp_path / "model.py").read_text(), module)
    np.testing.assert_allclose(module["predict"](X), net.predict(X), rtol=1e-5, atol=1e-5)
    assert module["predict"](X).dtype == np.float32
    for rows in (0, 1):
        np.testing.assert_allclose(module["predict"](X[:rows]), net.predict(X)[:rows], rtol=1e-5, atol=1e-5)
    with pytest.raises(ValueError, match="shape"):
        module["predict"](X[0])


def test_codes_that_are_none_are_refused_by_the_code_as_well(tmp_path: Path) -> None:
    net = exported(CASES["Embedding"])
    assert net is not None
    net.to_numpy_code(tmp_path / "model.py")
    module: dict[str, Any] = {}
    exec((tmp_path / "model.py").read_text(), module)
    for bad in (-1.0, 4.0, 0.5):
        for predict in (net.predict, module["predict"]):
            with pytest.raises(ValueError):
                predict(np.array([[bad, 0.5, 1]], np.float32))
    missing = np.array([[np.nan, 0.5, 1], [0, 0.5, 1]], np.float32)
    np.testing.assert_allclose(module["predict"](missing), net.predict(missing), rtol=1e-5)


def test_every_layer_of_ours_is_there() -> None:
    ours = {kind for kind in vars(nn).values() if isinstance(kind, type) and issubclass(kind, nn.Layer)}
    assert ours - {nn.Layer, nn.Network} == set(LAYERS)


@pytest.fixture(scope="module")
def digits() -> tuple[nn.Sequential, np.ndarray]:
    X, y = datasets.load_digits()
    X = X[:400]
    labels = np.array([f"digit {label}" for label in y[:400]])
    net = nn.Sequential(
        nn.Standardize(),
        nn.Dense(32),
        nn.BatchNorm(),
        nn.GELU(),
        nn.Residual(nn.Dense(32), nn.LayerNorm(), nn.Mish(), nn.Dropout(0.1)),
        nn.Parallel(nn.Dense(8), nn.Dense(5)),
        nn.SELU(),
        nn.Dense(10),
    )
    fdl.Trainer(net).fit(X, labels, epochs=5, progress=False)
    return net, X


def test_a_classifier_in_a_python_without_fastdl(digits: tuple[nn.Sequential, np.ndarray], tmp_path: Path) -> None:
    net, X = digits
    got = with_numpy(net, X, tmp_path)
    np.testing.assert_allclose(got["output"], net.predict(X), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(got["probabilities"], net.predict_proba(X), atol=1e-5)
    assert got["classes"].tolist() == net.predict_classes(X).tolist()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_classifier_in_onnxruntime(digits: tuple[nn.Sequential, np.ndarray], tmp_path: Path, dtype: str) -> None:
    net, X = digits
    got = with_onnx(net, X, tmp_path, dtype)
    np.testing.assert_allclose(got["output"], net.predict(X), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(got["probabilities"], net.predict_proba(X), atol=1e-5)
    import onnx

    facts = {entry.key: entry.value for entry in onnx.load(tmp_path / "model.onnx").metadata_props}
    assert net.classes_ is not None and json.loads(facts["classes"]) == net.classes_.tolist()


ODD = np.array(["a'b\n", 'c\\"', "ü"])
HEADS: dict[str, tuple[Any, Any, int]] = {
    "labels": ("cross_entropy", ODD[np.arange(60) % 3], 3),
    "numbers": ("cross_entropy", 2 - np.arange(60) % 3, 3),
    "true and false": ("cross_entropy", np.arange(60) % 2 > 0, 2),
    "focal": ("focal", np.arange(60) % 3, 3),
    "one sigmoid": ("binary_cross_entropy", ODD[np.arange(60) % 2], 1),
    "several sigmoids": ("binary_cross_entropy", np.arange(120).reshape(60, 2) % 3 % 2, 2),
    "squares": ("mse", np.arange(60.0), 1),
    "counts": ("poisson", np.arange(60.0) % 4, 1),
    "quantiles": (fdl.losses.Quantile([0.9, 0.1, 0.5]), normal((60, 2), 3), 6),
}


@pytest.mark.parametrize("name", HEADS)
def test_what_every_loss_makes_of_the_outputs(name: str, tmp_path: Path) -> None:
    loss, y, outputs = HEADS[name]
    X = normal((60, 4))
    net = nn.Sequential(nn.Standardize(), nn.Dense(8), nn.GELU(), nn.Dense(outputs))
    fdl.Trainer(net, loss).fit(X, y, epochs=2, progress=False)
    for run in (with_numpy, with_onnx):
        for rows in (0, 60):
            got = run(net, X[:rows], tmp_path)
            np.testing.assert_allclose(got["output"], net.predict(X)[:rows], rtol=1e-5, atol=1e-5)
            if net.head in ("softmax", "sigmoid"):
                np.testing.assert_allclose(got["probabilities"], net.predict_proba(X)[:rows], atol=1e-5)
                if run is with_numpy:
                    assert got["classes"].tolist() == net.predict_classes(X)[:rows].tolist()
            else:
                assert set(got) == {"output"}


def test_large_offsets_survive_in_float64(tmp_path: Path) -> None:
    X = 1e8 + np.random.default_rng(0).normal(size=(50, 3))
    net = nn.Sequential(nn.Standardize(), nn.Dense(2))
    net.build(3)
    net.layers[0].adapt(X, None)
    for got in (with_numpy(net, X, tmp_path), with_onnx(net, X, tmp_path, "float64")):
        np.testing.assert_allclose(got["output"], net.predict(X), rtol=1e-5, atol=1e-5)


def test_what_cannot_be_exported(tmp_path: Path) -> None:
    class Own(nn.Layer):
        def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
            return x

    net = nn.Sequential(nn.Dense(2), Own(name="mine"))
    with pytest.raises(ValueError, match="not built"):
        net.to_numpy_code(tmp_path / "m.py")
    net.build(3)
    for write in (net.to_numpy_code, net.to_onnx):
        with pytest.raises(TypeError, match="Own 'mine'"):
            write(tmp_path / "m")
    with pytest.raises(ValueError, match="dtype"):
        net.to_onnx(tmp_path / "m", dtype="int8")
    assert list(tmp_path.iterdir()) == []


def test_without_onnx_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    net = nn.Sequential(nn.Dense(2))
    net.build(3)
    with pytest.raises(ImportError, match=r"fastdl-nn\[onnx\]"):
        net.to_onnx(tmp_path / "m.onnx")
