"""Averaged weights through Trainer: against float64 averages of the raw ones, and what they leave alone."""

import itertools
from typing import Any

import numpy as np
import pytest
import reference_clip as ref
from networks import assert_same_state, blobs, mlp, trained, unchanged
from support import team

import fastdl as fdl
from fastdl import callbacks, nn, optim

Arrays = dict[str, np.ndarray]
X, Y = blobs(103)
FLOATS = ("weight", "bias", "gamma", "beta", "running_mean", "running_var")


class Watch(callbacks.Callback):
    """The network after each step, and at each end of an epoch."""

    def __init__(self) -> None:
        self.begin: Arrays = {}
        self.steps: list[Arrays] = []
        self.epochs: list[Arrays] = []

    def on_train_begin(self, trainer: fdl.Trainer) -> None:
        self.begin = trainer.net.state_dict()

    def on_batch_end(self, trainer: fdl.Trainer, step: int, logs: dict[str, float]) -> None:
        self.steps.append(trainer.net.state_dict())

    def on_epoch_end(self, trainer: fdl.Trainer, epoch: int, logs: dict[str, float]) -> None:
        self.epochs.append(trainer.net.state_dict())


def close(got: Arrays, want: Arrays) -> None:
    for name, value in want.items():
        np.testing.assert_allclose(got[name], value, rtol=2e-5, atol=2e-6, err_msg=name)


@pytest.mark.parametrize("warmup", [False, True])
def test_ema_follows_its_formula_for_42_steps(warmup: bool) -> None:
    watch = Watch()
    trained(mlp(), X, Y, {"averaging": optim.EMA(0.9, warmup)}, epochs=6, callbacks=watch)
    average = {name: value.astype(np.float64) for name, value in watch.begin.items()}
    for step, (raw, end) in enumerate(zip(watch.steps, range(42), strict=True), 1):
        decay = ref.ema_decay(0.9, step) if warmup else 0.9
        average = {name: ref.ema_update(value, raw[name], decay) for name, value in average.items()}
        if (end + 1) % 7 == 0:
            close(watch.epochs[end // 7], average)


@pytest.mark.parametrize(("start", "first"), [(2, 2), (0.5, 3), (0, 0)])
def test_swa_is_the_mean_over_the_ends_of_epochs(start: float, first: int) -> None:
    watch = Watch()
    trained(mlp(), X, Y, {"averaging": optim.SWA(start)}, epochs=6, callbacks=watch)
    for epoch in range(6):
        taken = watch.steps[7 * first + 6 : 7 * (epoch + 1) : 7]
        if not taken:
            assert_same_state(watch.epochs[epoch], watch.steps[7 * epoch + 6])
            continue
        mean = {name: np.mean([one[name] for one in taken], axis=0, dtype=np.float64) for name in taken[0]}
        close(watch.epochs[epoch], {name: mean[name] for name in mean if "running" not in name})


def test_swa_estimates_the_statistics_of_the_averaged_network() -> None:
    """A mean over the batches in the rows' order; the last one, of seven rows, counts as much as the others."""
    net = nn.Sequential(nn.Dense(5), nn.BatchNorm(momentum=0.3), nn.ReLU(), nn.Dense(3))
    trained(net, X, Y, {"averaging": optim.SWA(1)}, epochs=4)
    state = net.state_dict()
    z = X.astype(np.float64) @ state["0.weight"] + state["0.bias"]
    batches = [z[i : i + 16] for i in range(0, len(z), 16)]
    assert len(batches[-1]) == 7
    np.testing.assert_allclose(state["1.running_mean"], np.mean([b.mean(axis=0) for b in batches], axis=0), atol=1e-5)
    np.testing.assert_allclose(
        state["1.running_var"], np.mean([b.var(axis=0, ddof=1) for b in batches], axis=0), rtol=1e-5
    )


@pytest.mark.parametrize("averaging", [optim.EMA(0.95), optim.SWA(1)])
def test_the_raw_weights_do_not_notice(averaging: optim.Averaging) -> None:
    """Neither in one fit nor in two, whose second goes on from the raw weights; and averages go on, too."""
    plain, watch, parts = Watch(), Watch(), Watch()
    trained(mlp(), X, Y, epochs=5, callbacks=plain)
    whole = trained(mlp(), X, Y, {"averaging": averaging}, epochs=5, callbacks=watch)
    twice = trained(mlp(), X, Y, {"averaging": averaging}, epochs=2, callbacks=parts)
    twice.fit(X, Y, epochs=3, batch_size=16, callbacks=parts, progress=False)
    for a, b, c in zip(plain.steps, watch.steps, parts.steps, strict=True):
        assert_same_state(a, b)
        assert_same_state(a, c)
    assert_same_state(whole.net.state_dict(), twice.net.state_dict())
    with pytest.raises(AssertionError):
        assert_same_state(whole.net.state_dict(), watch.steps[-1])


def test_the_same_bits_at_any_number_of_threads() -> None:
    for averaging in (optim.EMA(0.9), optim.SWA(1)):
        states = []
        for threads in (1, 2, 3, 7):
            with team(threads=threads):
                states.append(trained(mlp(70), X, Y, {"averaging": averaging}).net.state_dict())
        for one, other in itertools.pairwise(states):
            assert_same_state(one, other)


def test_validation_sees_the_averages_and_early_stopping_ends_with_the_best() -> None:
    stopping, watch = callbacks.EarlyStopping(patience=100), Watch()
    trainer = trained(
        mlp(), X, Y, {"averaging": optim.EMA(0.8), "optimizer": optim.Adam(0.05)},
        epochs=12, validation_data=(X[:40], Y[:40]), callbacks=[stopping, watch],
    )  # fmt: skip
    losses = trainer.history["val_loss"]
    assert trainer.evaluate(X[:40], Y[:40])["loss"] == min(losses) == stopping.best
    assert_same_state(trainer.net.state_dict(), watch.epochs[int(np.argmin(losses))])


def test_weights_that_were_changed_between_fits_are_taken_anew() -> None:
    trainer = trained(mlp(), X, Y, {"averaging": optim.EMA(0.9)})
    other = trained(mlp(), X, Y, {"seed": 7}).net.state_dict()
    trainer.net.load_state_dict(other)
    watch = Watch()
    trainer.fit(X, Y, batch_size=16, callbacks=watch, progress=False)
    assert_same_state(watch.begin, other)
    average = {name: value.astype(np.float64) for name, value in other.items()}
    for raw in watch.steps:
        average = {name: ref.ema_update(value, raw[name], 0.9) for name, value in average.items()}
    close(trainer.net.state_dict(), average)


def test_after_ctrl_c_and_after_an_error_the_network_holds_the_averages() -> None:
    class Interrupt(callbacks.Callback):
        def __init__(self, error: BaseException) -> None:
            self.error = error

        def on_batch_end(self, trainer: fdl.Trainer, step: int, logs: dict[str, float]) -> None:
            if step == 9:
                raise self.error

    for error in (KeyboardInterrupt(), ZeroDivisionError()):
        watch, net = Watch(), mlp()
        with pytest.raises(type(error)):
            trained(net, X, Y, {"averaging": optim.EMA(0.9)}, callbacks=[watch, Interrupt(error)])
        average = {name: value.astype(np.float64) for name, value in watch.begin.items()}
        for raw in watch.steps:
            average = {name: ref.ema_update(value, raw[name], 0.9) for name, value in average.items()}
        assert len(watch.steps) == 10
        close(net.state_dict(), average)


def test_reset_begins_anew() -> None:
    trainer = trained(mlp(), X, Y, {"averaging": optim.EMA(0.9)})
    first = trainer.net.state_dict()
    trainer.reset()
    trainer.fit(X, Y, epochs=2, batch_size=16, progress=False)
    assert_same_state(trainer.net.state_dict(), first)


def test_timing_the_ops_leaves_the_averages_alone(capsys: pytest.CaptureFixture[str]) -> None:
    trainer = trained(mlp(), X, Y, {"averaging": optim.EMA(0.9)})
    with unchanged(trainer.net):
        trainer.program(X, Y, batch_size=16, repeats=2)
    assert "ema" in capsys.readouterr().out
    straight = trained(mlp(), X, Y, {"averaging": optim.EMA(0.9)}, epochs=4)
    trainer.fit(X, Y, epochs=2, batch_size=16, progress=False)
    assert_same_state(trainer.net.state_dict(), straight.net.state_dict())


def test_frozen_layers_and_layers_of_ones_own() -> None:
    class Shift(nn.Layer):
        def build(self, in_shape: tuple[int, ...]) -> None:
            self.add_parameter("shift", in_shape, "zeros")

        def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
            return x + self.params["shift"]

        def backward(self, dy: np.ndarray) -> np.ndarray:
            self.grads["shift"][...] = dy.sum(axis=0)
            return dy

    net, watch = nn.Sequential(nn.Dense(4, trainable=False), Shift(), nn.Tanh(), nn.Dense(3)), Watch()
    trained(net, X, Y, {"averaging": optim.EMA(0.5)}, callbacks=watch)
    assert net.state_dict()["0.weight"].tobytes() == watch.begin["0.weight"].tobytes()
    average = watch.begin["1.shift"].astype(np.float64)
    for raw in watch.steps:
        average = 0.5 * average + 0.5 * raw["1.shift"]
    np.testing.assert_allclose(net.state_dict()["1.shift"], average, rtol=1e-5)
    assert np.abs(average).max() > 0


def test_a_training_that_ends_before_swa_begins_says_so() -> None:
    net = mlp()
    with pytest.warns(UserWarning, match="before the first epoch that counts"):
        trained(net, X, Y, {"averaging": optim.SWA(5)})
    assert_same_state(net.state_dict(), trained(mlp(), X, Y).net.state_dict())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: optim.EMA(1.0), "decay"),
        (lambda: optim.EMA(-0.1), "decay"),
        (lambda: optim.EMA("0.9"), "decay"),
        (lambda: optim.EMA(0.9, warmup=1), "warmup"),
        (lambda: optim.SWA(-1), "start"),
        (lambda: optim.SWA(2.5), "start"),
        (lambda: fdl.Trainer(mlp(), averaging=0.9), "averaging"),
        (lambda: fdl.Trainer(mlp(), averaging=optim.EMA), "averaging"),
    ],
)
def test_bad_options(make: Any, words: str) -> None:
    with pytest.raises((ValueError, TypeError), match=words):
        make()


@pytest.mark.parametrize("warmup", [False, True])
def test_within_the_update_or_after_it_the_same_bits(warmup: bool) -> None:
    """A max-norm that nothing reaches comes between the two; some weights are frozen, and several chunks long."""

    def result(max_norm: float | None) -> dict[str, np.ndarray]:
        net = nn.Sequential(nn.Dense(3000), nn.ReLU(), nn.Dense(7, max_norm=max_norm), nn.Tanh(), nn.Dense(3))
        net.build(X.shape[1])
        trainer = trained(net, X, Y, {"averaging": optim.EMA(0.9, warmup)}, epochs=1)
        net.layers[0].parameters_["weight"].trainable = False  # its average still approaches it
        trainer.fit(X, Y, epochs=2, batch_size=16, progress=False)
        return net.state_dict()

    fused, apart = result(None), result(1e6)
    assert_same_state(fused, apart)
