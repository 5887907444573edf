"""Eyes: what a monitor records against NumPy, that it changes nothing, and what a diagnosis says of sick networks."""

import csv
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import Twin, assert_same_state, blobs, mlp, trained, twin_gradients, unchanged
from support import team

import fastdl as fdl
from fastdl import callbacks, init, kernels, nn, optim
from fastdl.diagnosis import Finding, gradients
from fastdl.fitting import SHUFFLE_STREAM
from fastdl.signals import Signal

X, Y = blobs(103)


def chain(depth: int, activation: Any, width: int = 24, **options: Any) -> nn.Sequential:
    """Dense layers with an activation each, and a head."""
    hidden = itertools.chain.from_iterable((nn.Dense(width, **options), activation()) for _ in range(depth))
    return nn.Sequential(nn.Standardize(), *hidden, nn.Dense(3))


@pytest.mark.parametrize("step", [0, 5])
def test_the_numbers_are_those_of_the_step(step: int) -> None:
    """Outputs and gradients of float64 twins on the step's own rows and masks, and the weights before and after it."""

    class States(callbacks.Callback):
        def on_train_begin(self, trainer: fdl.Trainer) -> None:
            self.states = [trainer.net.state_dict()]

        def on_batch_end(self, trainer: fdl.Trainer, step: int, logs: dict[str, float]) -> None:
            self.states.append(trainer.net.state_dict())

    states, monitor, net = States(), callbacks.SignalMonitor(5), mlp(scaler=False)
    trained(net, X, Y, {"optimizer": optim.Adam(0.01)}, callbacks=[states, monitor], epochs=1)
    records = {record.layer: record for record in monitor.records if record.step == step}
    assert list(records) == [str(i) for i in range(7)]
    rows = kernels.permutation(103, 0, 0, SHUFFLE_STREAM)[16 * step : 16 * step + 16]
    before, after = states.states[step], states.states[step + 1]
    twin = Twin({name: array.astype(np.float64) for name, array in before.items()}, 0, step)
    y: Any = X[rows].astype(np.float64)
    for i, layer in enumerate(net.layers):
        y, _ = twin.run(layer, y, f"{i}.")
        assert records[str(i)].mean == pytest.approx(y.mean(), rel=1e-4, abs=1e-6)
        assert records[str(i)].std == pytest.approx(y.std(), rel=1e-4)
        assert np.isnan(records[str(i)].dead) == (i != 2)
        assert np.isnan(records[str(i)].saturated) == (i != 5)
        if i == 2:
            assert records["2"].dead == (y <= 0).all(axis=0).mean()
        if i == 5:
            assert records["5"].saturated == pytest.approx((np.abs(y) > 0.98).mean(), abs=1e-6)
    _, gradients = twin_gradients(net, before, X[rows], Y[rows], seed=0, step=step)
    for i in (0, 1, 4, 6):
        names = [name for name in gradients if name.startswith(f"{i}.")]
        record = records[str(i)]
        norms = [np.sqrt(sum((a[name].astype(np.float64) ** 2).sum() for name in names)) for a in (gradients, before)]
        moved = np.sqrt(sum(((after[name].astype(np.float64) - before[name]) ** 2).sum() for name in names))
        assert record.grad_norm == pytest.approx(norms[0], rel=1e-4)
        assert record.weight_norm == pytest.approx(norms[1], rel=1e-5)
        assert record.update_ratio == pytest.approx(moved / norms[1], rel=1e-3)


@pytest.mark.parametrize("every", [1, 3, 7, 100])
def test_watching_changes_no_bit(every: int) -> None:
    plain = trained(mlp(), X, Y, {"averaging": optim.EMA(0.9), "clip": optim.ClipNorm(0.5)}, epochs=3)
    for threads in (1, 3):
        monitor = callbacks.SignalMonitor(every)
        with team(threads=threads):
            options = {"averaging": optim.EMA(0.9), "clip": optim.ClipNorm(0.5)}
            watched = trained(mlp(), X, Y, options, epochs=3, callbacks=monitor)
        assert_same_state(watched.net.state_dict(), plain.net.state_dict())
        assert watched.history == plain.history
        assert sorted({record.step for record in monitor.records}) == list(range(0, 21, every))


def test_two_monitors_nested_layers_and_batch_hooks() -> None:
    block = nn.Residual(
        nn.Dense(16), nn.BatchNorm(), nn.ReLU(), nn.Parallel(nn.Dense(8), nn.Sequential(nn.Dense(8), nn.Tanh()))
    )
    net = nn.Sequential(nn.Dense(16), block, nn.Dense(3))
    first, second = callbacks.SignalMonitor(2), callbacks.SignalMonitor(3)

    class Steps(callbacks.Callback):
        seen = 0

        def on_batch_end(self, trainer: fdl.Trainer, step: int, logs: dict[str, float]) -> None:
            self.seen += 1

    steps = Steps()
    trained(net, X, Y, callbacks=[first, steps, second], epochs=1)
    assert [sorted({r.step for r in m.records}) for m in (first, second)] == [[0, 2, 4, 6], [0, 3, 6]]
    assert steps.seen == 7
    places = {record.layer for record in first.records}
    assert {"0", "1", "1.0", "1.1", "1.2", "1.3", "1.3.0", "1.3.1", "1.3.1.1", "2"} <= places


def test_records_as_values_csv_and_picture(tmp_path: Path) -> None:
    monitor = callbacks.SignalMonitor(4)
    trained(mlp(), X, Y, callbacks=monitor)
    values = monitor.values("update_ratio")
    assert list(values) == ["1 Dense", "2 BatchNorm", "5 Dense", "7 Dense"]
    np.testing.assert_array_equal(values["1 Dense"][:, 0], [0, 4, 8, 12])
    monitor.to_csv(tmp_path / "signals.csv")
    with open(tmp_path / "signals.csv", encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == len(monitor.records)
    assert float(lines[3]["std"]) == monitor.records[3].std
    pytest.importorskip("matplotlib")
    monitor.plot(tmp_path / "signals.png")
    assert (tmp_path / "signals.png").stat().st_size > 10_000
    with pytest.raises(ValueError, match="grad_norm"):
        monitor.values("gradnorm")
    with pytest.raises(ValueError, match="nothing to plot"):
        callbacks.SignalMonitor().plot()
    for bad in (0, 2.5, "64"):
        with pytest.raises((ValueError, TypeError), match="every"):
            callbacks.SignalMonitor(bad)


def test_a_step_that_explodes_is_not_told() -> None:
    monitor, net = callbacks.SignalMonitor(1), nn.Sequential(nn.Dense(40), nn.Dense(40), nn.Dense(1))
    with pytest.raises(fdl.NonFiniteError) as caught, np.errstate(all="ignore"):
        trained(
            net, X, Y.reshape(-1, 1), {"loss": "mse", "optimizer": optim.SGD(1e12)}, epochs=9, callbacks=monitor
        )  # fmt: skip
    assert max(record.step for record in monitor.records) == caught.value.step - 1


# ------------------------------------------------------------------------------------------------------- a diagnosis

SICK: dict[str, tuple[nn.Sequential, dict[str, Any], Any, str, str]] = {
    "tiny weights": (chain(12, nn.Tanh, init=init.Gaussian(0.02)), {}, X, "vanishing gradient", "BatchNorm"),
    "sigmoids": (chain(12, nn.Sigmoid), {}, X, "vanishing gradient", "BatchNorm"),
    "huge weights": (chain(4, nn.Tanh, init=init.Gaussian(5.0)), {}, X, "saturated", "glorot"),
    "growing signal": (chain(12, nn.ReLU, init=init.Gaussian(2.0)), {}, X, "exploding signal", "BatchNorm"),
    "dead": (chain(2, nn.ReLU, bias_init=init.Constant(-50.0)), {}, X, "dead units", "LeakyReLU"),
    "rate too high": (chain(2, nn.Tanh), {"optimizer": optim.SGD(50.0)}, X, "updates too large", "rate"),
    "rate too low": (chain(2, nn.Tanh), {"optimizer": optim.Adam(1e-10)}, X, "updates too small", "rate"),
}


@pytest.mark.parametrize("name", SICK)
def test_a_sick_network(name: str) -> None:
    net, options, x, illness, trick = SICK[name]
    trainer = fdl.Trainer(net, **options)
    net.build(6)
    net.scaler().adapt(x, None)
    with np.errstate(over="ignore"):
        diagnosis = fdl.diagnose(trainer, x, Y)
    found = [finding for finding in diagnosis.findings if finding.illness == illness]
    assert found, str(diagnosis)
    assert all(finding.layer and trick in finding.trick for finding in found)
    assert not diagnosis.healthy
    assert illness in str(diagnosis)


def test_inputs_out_of_scale() -> None:
    net = nn.Sequential(nn.Dense(8), nn.ReLU(), nn.Dense(3))
    with pytest.warns(UserWarning, match="scaler"):
        trainer = trained(net, 1000 * X, Y)
    first = fdl.diagnose(trainer).findings[0]
    assert (first.layer, first.illness) == ("", "inputs out of scale")
    assert "Standardize" in str(first)


def test_what_mends_it_heals_it() -> None:
    """Twelve layers of tiny weights are sick, and with batch norm between them they are not."""
    layers = itertools.chain.from_iterable(
        (nn.Dense(24, init=init.Gaussian(0.02)), nn.BatchNorm(), nn.Tanh()) for _ in range(12)
    )
    mended = trained(nn.Sequential(nn.Standardize(), *layers, nn.Dense(3)), X, Y, epochs=1)
    illnesses = {finding.illness for finding in fdl.diagnose(mended).findings}
    assert not illnesses & {"vanishing gradient", "vanishing signal"}


def test_a_healthy_network_and_nothing_changes(tmp_path: Path) -> None:
    trainer = trained(mlp(), X, Y, {"averaging": optim.EMA(0.9)}, epochs=3)
    straight = trained(mlp(), X, Y, {"averaging": optim.EMA(0.9)}, epochs=5)
    with unchanged(trainer.net):
        diagnosis = fdl.diagnose(trainer)
    assert diagnosis.healthy
    assert "nothing ails" in str(diagnosis)
    assert [signal.layer for signal in diagnosis.signals] == [str(i) for i in range(1, 8)]  # 0 scales
    trainer.fit(X, Y, epochs=2, batch_size=16, progress=False)
    assert_same_state(trainer.net.state_dict(), straight.net.state_dict())
    pytest.importorskip("matplotlib")
    diagnosis.plot(tmp_path / "d.png")
    assert (tmp_path / "d.png").stat().st_size > 10_000


def test_without_data() -> None:
    for call, words in (
        (lambda: fdl.diagnose(fdl.Trainer(mlp())), "not fitted"),
        (lambda: fdl.diagnose(fdl.Trainer(mlp()), X, Y), "not built"),
        (lambda: fdl.diagnose(fdl.Trainer(mlp()), X), "together"),
        (lambda: fdl.diagnose(mlp()), "Trainer"),
    ):
        with pytest.raises((ValueError, TypeError), match=words):
            call()


def test_codes_of_categories_are_no_inputs_out_of_scale() -> None:
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.normal(size=400), rng.integers(0, 500, 400)]).astype(np.float32)
    net = nn.Sequential(nn.Embedding([1], 4, [500]), nn.Dense(2))
    trainer = trained(net, x, (x[:, 0] > 0).astype(np.int64), epochs=1)
    assert "inputs out of scale" not in {finding.illness for finding in fdl.diagnose(trainer).findings}


@pytest.mark.parametrize(
    ("sizes", "layer", "illness"),
    [((1e-8, 1e-2), "0", "vanishing gradient"), ((1e5, 1e9), "1", "exploding gradient")],
)
def test_a_large_gradient_has_not_vanished(sizes: tuple[float, float], layer: str, illness: str) -> None:
    signals = [Signal(0, str(i), "Dense", 0, 1, 0, 0, size, 1, 0.01) for i, size in enumerate(sizes)]
    finding = gradients(signals)
    assert finding is not None and (finding.layer, finding.illness) == (layer, illness)
    assert str(finding).startswith(f"layer {layer}: {illness}: ")
    assert str(Finding("", "inputs out of scale", "words", "trick")) == "inputs out of scale: words. trick"
