"""Every loss through the Trainer: against NumPy for a step, over a training, and what it says of predictions."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reference_loss
from networks import assert_same_state, blobs, mlp, unchanged
from support import check_refuses, normal

import fastdl as fdl
from fastdl import losses, metrics, nn, optim

ROWS = 60
X = blobs(ROWS, 4)[0]
CLASS = blobs(ROWS, 4)[1]
BIT = (CLASS == 1).astype(np.int64)
T = (X[:, :2] @ normal((2, 2), 3)).astype(np.float32)
P = reference_loss.smoothed(CLASS, 3, 0.2).astype(np.float32)
BITS = (X[:, :3] > 0).astype(np.float64)
LEVELS = (0.1, 0.5, 0.8)


def absolute(y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    d = y_pred - y_true
    return np.abs(d).mean(axis=1), np.sign(d) / d.shape[1]


def own_cross_entropy(y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    assert y_true.dtype == np.int32 and y_true.shape == y_pred.shape[:1]
    loss, d = reference_loss.softmax_cross_entropy(y_pred, y_true)
    return loss, d * len(y_true)


@dataclass
class Case:
    """A loss, targets for it, outputs, and the reference's function of (outputs, targets, weights)."""

    loss: Any
    y: Any
    outputs: int
    kernel: str
    options: dict[str, Any] = field(default_factory=dict)
    targets: Any = None  # as the reference wants them

    def twin(self, x: np.ndarray, rows: Any = slice(None), weights: Any = None) -> tuple[np.ndarray, np.ndarray]:
        t = self.y if self.targets is None else self.targets
        t = np.asarray(t)[rows]
        if t.ndim == 1 and t.dtype.kind == "f":
            t = t[:, None]
        return getattr(reference_loss, self.kernel)(x, t, weights=weights, **self.options)


CE, CEP, BCE = "softmax_cross_entropy", "softmax_cross_entropy_probabilities", "binary_cross_entropy"
CASES = {
    "cross_entropy": Case("cross_entropy", CLASS, 3, CE),
    "smoothed": Case(losses.CrossEntropy(label_smoothing=0.1), CLASS, 3, CE, {"label_smoothing": 0.1}),
    "words": Case("cross_entropy", np.array(["a", "b", "c"])[CLASS], 3, CE, targets=CLASS),
    "probabilities": Case("cross_entropy", P, 3, CEP),
    "probabilities, smoothed": Case(losses.CrossEntropy(0.3), P, 3, CEP, targets=0.7 * P + 0.1),
    "focal": Case("focal", CLASS, 3, "focal"),
    "focal 1": Case(losses.Focal(gamma=1.0), CLASS, 3, "focal", {"gamma": 1.0}),
    "binary": Case("binary_cross_entropy", BIT, 1, BCE, targets=BIT.astype(float)),
    "binary, column": Case("binary_cross_entropy", BIT[:, None], 1, BCE, targets=BIT.astype(float)),
    "binary, words": Case("binary_cross_entropy", np.array(["no", "yes"])[BIT], 1, BCE, targets=BIT.astype(float)),
    "binary, booleans": Case("binary_cross_entropy", BIT == 1, 1, BCE, targets=BIT.astype(float)),
    "binary, soft": Case("binary_cross_entropy", 0.2 + 0.5 * BIT, 1, BCE),
    "multi-label": Case("binary_cross_entropy", BITS.astype(int), 3, BCE),
    "mse": Case("mse", T, 2, "mse"),
    "mae": Case("mae", T, 2, "mae"),
    "huber": Case("huber", T, 2, "huber"),
    "huber 0.3": Case(losses.Huber(0.3), T[:, 0], 1, "huber", {"delta": 0.3}),
    "poisson": Case("poisson", CLASS, 1, "poisson", targets=CLASS.astype(float)),
    "median": Case(losses.Quantile(0.5), T, 2, "quantile", {"levels": [0.5]}),
    "quantiles": Case(losses.Quantile(LEVELS), T[:, 0], 3, "quantile", {"levels": LEVELS}),
    "quantiles of two": Case(losses.Quantile(LEVELS), T, 6, "quantile", {"levels": LEVELS}),
    "own": Case(absolute, T, 2, "mae"),
    "own, one output": Case(absolute, T[:, 0], 1, "mae"),
    "own, labels": Case(own_cross_entropy, CLASS, 3, CE),
}


def linear(outputs: int) -> nn.Sequential:
    net = nn.Sequential(nn.Dense(outputs))
    net.build((4,), seed=3)
    return net


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("weighted", [False, True])
def test_one_step_is_numpys(name: str, weighted: bool) -> None:
    """History, weights after a step, and evaluation, with rows of weight 0 that hold other targets."""
    case, net = CASES[name], linear(CASES[name].outputs)
    weights = None
    if weighted:
        weights = np.abs(normal(ROWS, 5)) + np.float32(0.1)
        weights[::5] = 0.0
    before, outputs = net.state_dict(), net.predict(X)
    loss, d = case.twin(outputs, weights=weights)
    mean = float(np.average(loss, weights=weights))
    trainer = fdl.Trainer(net, case.loss, optim.SGD(0.1))
    assert trainer.evaluate(X, case.y, weights)["loss"] == pytest.approx(mean, rel=2e-6)
    trainer.fit(X, case.y, batch_size=ROWS, sample_weight=weights, progress=False)
    assert trainer.history["loss"] == pytest.approx([mean], rel=2e-6)
    after = net.state_dict()
    np.testing.assert_allclose(after["0.weight"], before["0.weight"] - 0.1 * X.T @ d, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(after["0.bias"], before["0.bias"] - 0.1 * d.sum(axis=0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_training_lowers_the_loss(name: str) -> None:
    case = CASES[name]
    trainer = fdl.Trainer(mlp(16, case.outputs, rate=0.0), case.loss, optim.Adam(1e-2))
    history = trainer.fit(X, case.y, epochs=20, batch_size=16, validation_split=0.2, progress=False)
    assert history["loss"][-1] < history["loss"][0] - 0.02
    assert np.isfinite(history["val_loss"]).all()


@pytest.mark.parametrize("name", CASES)
def test_same_bits_on_any_team(name: str) -> None:
    case, states = CASES[name], []
    for threads in (1, 3):
        trainer = fdl.Trainer(mlp(8, case.outputs), case.loss, threads=threads)
        trainer.fit(X, case.y, epochs=2, batch_size=25, progress=False)
        states.append(trainer.net.state_dict())
    assert_same_state(*states)


@pytest.mark.parametrize("name", CASES)
def test_the_listing_of_a_step(name: str) -> None:
    """Without data it takes the usual targets, with data those."""
    case = CASES[name]
    for data in ((), (X, case.y)):
        listing = fdl.Trainer(linear(case.outputs), case.loss).program(*data, batch_size=8, repeats=1)
        assert len(listing.rows) > 5


def test_labels_and_probabilities_in_one_fit() -> None:
    """Programs are made for each form of targets: train on one, validate on the other, then the other way round."""
    trainer = fdl.Trainer(linear(3), metrics=["accuracy"])
    onehot = np.eye(3)[CLASS]
    trainer.fit(X, P, validation_data=(X, CLASS), epochs=2, progress=False)
    trainer.fit(X, CLASS, validation_data=(X, onehot), progress=False)
    assert trainer.evaluate(X, onehot) == pytest.approx(trainer.evaluate(X, CLASS), rel=1e-6)
    assert trainer.net.classes_.tolist() == [0, 1, 2]


# ---------------------------------------------------------------------------------------------- predictions, metrics


def test_binary_predictions(tmp_path: Path) -> None:
    y = np.array(["no", "yes"])[BIT]
    net = mlp(8, 1)
    trainer = fdl.Trainer(net, "binary_cross_entropy", metrics=["accuracy"])
    trainer.fit(X, y, epochs=15, class_weight={"no": 1.0, "yes": 2.0}, progress=False)
    net.save(tmp_path / "net.safetensors")
    for one in (net, nn.load(tmp_path / "net.safetensors")):
        logits = one.predict(X).astype(np.float64)
        p = one.predict_proba(X)
        assert p.shape == (ROWS, 1) and one.classes_.tolist() == ["no", "yes"]
        np.testing.assert_allclose(p, 1.0 / (1.0 + np.exp(-logits)), rtol=1e-6)
        np.testing.assert_array_equal(one.predict_classes(X), np.where(logits[:, 0] > 0, "yes", "no"))
    want = float(np.mean((logits[:, 0] > 0) == BIT))
    assert trainer.evaluate(X, y)["accuracy"] == pytest.approx(want, rel=1e-6)


def test_multi_label_predictions(tmp_path: Path) -> None:
    net = mlp(8, 3)
    trainer = fdl.Trainer(net, "binary_cross_entropy", metrics=["accuracy"])
    trainer.fit(X, BITS, epochs=5, progress=False)
    net.save(tmp_path / "net.safetensors")
    for one in (net, nn.load(tmp_path / "net.safetensors")):
        on = one.predict(X) > 0
        assert one.classes_ is None and one.predict_proba(X).shape == (ROWS, 3)
        np.testing.assert_array_equal(one.predict_classes(X), on.astype(np.int64))
    assert trainer.evaluate(X, BITS)["accuracy"] == pytest.approx((on == BITS).mean(), rel=1e-6)


def test_class_weights_of_bits_are_sample_weights() -> None:
    states = []
    for weights in ({"class_weight": {0: 1.0, 1: 3.0}}, {"sample_weight": np.where(BIT == 1, 3.0, 1.0)}):
        trainer = fdl.Trainer(linear(1), "binary_cross_entropy")
        trainer.fit(X, BIT, epochs=2, progress=False, **weights)
        states.append(trainer.net.state_dict())
    assert_same_state(*states)


@pytest.mark.parametrize("name", ["mse", "mae", "huber", "median", "own"])
def test_error_metrics(name: str) -> None:
    case = CASES[name]
    trainer = fdl.Trainer(linear(case.outputs), case.loss, metrics=["mse", "mae"])
    got = trainer.evaluate(X, case.y)
    d = trainer.net.predict(X) - case.y
    assert got["mse"] == pytest.approx(np.square(d).mean(), rel=1e-5)
    assert got["mae"] == pytest.approx(np.abs(d).mean(), rel=1e-5)


@pytest.mark.parametrize(
    ("loss", "metric"),
    [("mse", "accuracy"), ("cross_entropy", "mae"), ("binary_cross_entropy", "mse"), ("poisson", "mse"),
     (losses.Quantile(LEVELS), "mae"), (absolute, "accuracy")],
)  # fmt: skip
def test_metrics_that_mean_nothing(loss: Any, metric: str) -> None:
    check_refuses(lambda: fdl.Trainer(linear(3), loss, metrics=[metric]), "metrics", metric)


def test_an_error_metric_needs_a_target_for_each_output() -> None:
    trainer = fdl.Trainer(linear(3), own_cross_entropy, metrics=[metrics.MSE()])
    check_refuses(lambda: trainer.fit(X, CLASS, progress=False), "metrics", "mse", "3 outputs")


# ------------------------------------------------------------------------------------------------------- bad targets


@pytest.mark.parametrize(
    ("loss", "outputs", "y", "words"),
    [
        ("binary_cross_entropy", 1, CLASS, ["y", "[0, 1]", "[2.0]"]),
        ("binary_cross_entropy", 1, np.where(BIT, 1, -1), ["y", "[0, 1]", "-1.0"]),
        ("binary_cross_entropy", 1, BITS, ["y", (ROWS, 1), (ROWS, 3)]),
        ("binary_cross_entropy", 1, np.array(["a", "b", "c"])[CLASS], ["y", "2 different labels", "3"]),
        ("binary_cross_entropy", 3, BIT, ["y", (ROWS, 3), (ROWS,)]),
        ("binary_cross_entropy", 3, np.array(["no", "yes"])[BIT], ["y", "<U3"]),
        ("binary_cross_entropy", 3, BITS + 0.5, ["y", "[0, 1]", "1.5"]),
        ("binary_cross_entropy", 1, np.where(BIT, np.nan, 0.0), ["y", "nan"]),
        ("cross_entropy", 1, BIT, ["binary_cross_entropy", "at least 2"]),
        ("cross_entropy", 3, P[:, :2], ["y", (ROWS, 3), (ROWS, 2)]),
        ("cross_entropy", 3, P + 0.01, ["y", "sum to 1"]),
        ("cross_entropy", 3, np.where(P > 0.5, np.nan, P), ["y", "nan"]),
        ("focal", 3, P, ["y", (ROWS,), (ROWS, 3)]),
        ("focal", 1, BIT, ["focal", "at least 2"]),
        ("poisson", 2, T - 10, ["y", "at least 0"]),
        ("mae", 1, T, ["y", (ROWS, 1), (ROWS, 2)]),
        ("huber", 2, np.array(["a"] * ROWS), ["y", "<U1"]),
        (losses.Quantile(LEVELS), 2, T[:, 0], ["quantile", "3 levels", "3 outputs", "2"]),
        (losses.Quantile(LEVELS), 3, T, ["quantile", "6 outputs for 2 targets", "3"]),
        (losses.Quantile(LEVELS), 3, np.full(ROWS, np.inf), ["y", "inf"]),
        (absolute, 2, np.array(["a"] * ROWS), ["y", "<U1"]),
        (absolute, 2, np.full((ROWS, 2), np.nan), ["y", "nan"]),
        (absolute, 2, np.full(ROWS, 2**40), ["y", str(2**40)]),
    ],
)  # fmt: skip
def test_bad_targets(loss: Any, outputs: int, y: np.ndarray, words: list[Any]) -> None:
    trainer = fdl.Trainer(mlp(8, outputs), loss)
    with unchanged(trainer.net):
        check_refuses(lambda: trainer.fit(X, y, progress=False), *words)


@pytest.mark.parametrize("later", [BIT, BIT.astype(float), np.array(["no", "perhaps"])[BIT]], ids=str)
def test_binary_labels_stay_what_they_were(later: np.ndarray) -> None:
    trainer = fdl.Trainer(linear(1), "binary_cross_entropy")
    trainer.fit(X, np.array(["no", "yes"])[BIT], progress=False)
    with unchanged(trainer.net):
        check_refuses(lambda: trainer.fit(X, later, progress=False), "y")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: losses.CrossEntropy(label_smoothing=1.5), ["label_smoothing", 1.5]),
        (lambda: losses.Huber(0.0), ["delta", 0.0]),
        (lambda: losses.Huber(1e-40), ["delta", 1e-40]),
        (lambda: losses.Focal(-1.0), ["gamma", -1.0]),
        (lambda: losses.Focal(float("inf")), ["gamma", "inf"]),
        (lambda: losses.Quantile([]), ["levels"]),
        (lambda: losses.Quantile([0.5, 0.5]), ["levels", "different"]),
        (lambda: losses.Quantile([0.5, 1.0]), ["levels", 1.0]),
        (lambda: losses.Quantile("0.5"), ["levels", "str"]),
        (lambda: fdl.Trainer(linear(3), "quantile"), ["loss", "Quantile([0.1, 0.5, 0.9])"]),
        (lambda: fdl.Trainer(linear(3), "qantile"), ["loss", "'quantile'"]),
        (lambda: fdl.Trainer(linear(3), losses.Huber), ["loss", "type"]),
    ],
)
def test_bad_losses(make: Any, words: list[Any]) -> None:
    check_refuses(make, *words)


def test_losses_say_what_they_are() -> None:
    said = [repr(losses.loss_of(loss)) for loss in ("mse", "huber", losses.Quantile(0.5), losses.CrossEntropy(0.1))]
    assert said == ["MSE()", "Huber(delta=1.0)", "Quantile(levels=(0.5,))", "CrossEntropy(label_smoothing=0.1)"]


# ------------------------------------------------------------------------------------------------- a loss of one's own


def zeros(y_pred: np.ndarray) -> np.ndarray:
    return np.zeros_like(y_pred)


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (lambda t, p: np.zeros(len(p)), ["expected (loss per row, d loss/d y_pred)", "ndarray"]),
        (lambda t, p: (np.zeros(len(p)), zeros(p), 1), ["expected (loss per row", "tuple of 3"]),
        (lambda t, p: None, ["NoneType"]),
        (lambda t, p: (0.0, zeros(p)), ["the loss per row", (ROWS,), "()"]),
        (lambda t, p: (p, zeros(p)), ["the loss per row", (ROWS,), (ROWS, 2)]),
        (lambda t, p: (p[:, 0], zeros(p)[:, 0]), ["d loss/d y_pred", (ROWS, 2), (ROWS,)]),
        (lambda t, p: (p[:, 0], zeros(p).astype(complex)), ["d loss/d y_pred", "complex"]),
        (lambda t, p: (["a"] * len(p), zeros(p)), ["the loss per row", "<U1"]),
    ],
)
def test_what_a_function_may_not_return(loss: Any, words: list[Any]) -> None:
    trainer = fdl.Trainer(linear(2), loss)
    before = trainer.net.state_dict()
    check_refuses(lambda: trainer.fit(X, T, batch_size=ROWS, progress=False), "<lambda>", *words)
    assert_same_state(trainer.net.state_dict(), before)


def test_exceptions_of_a_function_come_through() -> None:
    def broken(y_true: np.ndarray, y_pred: np.ndarray) -> Any:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        fdl.Trainer(linear(2), broken).fit(X, T, progress=False)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_function_that_is_not_finite_is_named(bad: float) -> None:
    for place, words in ((0, "the loss"), (1, "the gradient of loss 'sometimes'")):

        def sometimes(y_true: np.ndarray, y_pred: np.ndarray, place: int = place) -> Any:
            result = absolute(y_true, y_pred)
            result[place][3] = bad
            return result

        trainer = fdl.Trainer(linear(2), sometimes)
        before = trainer.net.state_dict()
        with pytest.raises(fdl.NonFiniteError, match=words):
            trainer.fit(X, T, progress=False)
        assert_same_state(trainer.net.state_dict(), before)


def test_a_function_cannot_spoil_the_step() -> None:
    """It gets copies: writing into them changes nothing that others read."""

    def greedy(y_true: np.ndarray, y_pred: np.ndarray) -> Any:
        result = absolute(y_true, y_pred)
        y_true[...], y_pred[...] = 7.0, 7.0
        return result

    states = []
    for loss in (absolute, greedy):
        trainer = fdl.Trainer(linear(2), loss, metrics=["mse"])
        trainer.fit(X, T, progress=False)
        states.append(trainer.net.state_dict())
    assert_same_state(*states)
