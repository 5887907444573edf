"""The training loop: what is computed, what is recorded, what is left when something goes wrong."""

import signal
import threading
from typing import Any

import numpy as np
import pytest
import reference
from networks import (
    Log,
    State,
    assert_same_state,
    blobs,
    mlp,
    run_python,
    trained,
    twin_gradients,
    unchanged,
)  # fmt: skip
from support import assert_same_bits

import fastdl as fdl
from fastdl import callbacks, kernels, nn, optim
from fastdl.data import split
from fastdl.fitting import SHUFFLE_STREAM


def simple(outputs: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Dense(9), nn.Tanh(), nn.Dense(outputs))


# -------------------------------------------------------------------------------------------------------- history


def test_keys_of_the_history() -> None:
    X, y = blobs()
    plain = trained(simple(), X, y).history
    assert list(plain) == ["loss", "lr", "grad_norm"] and plain.epochs == 2
    full = trained(
        simple(), X, y, {"metrics": ["accuracy"], "clip": optim.ClipNorm()}, validation_split=0.2, epochs=3
    ).history
    assert set(full) == {"loss", "accuracy", "lr", "grad_norm", "clipped", "val_loss", "val_accuracy"}
    assert all(len(full[name]) == 3 and all(type(value) is float for value in full[name]) for name in full)


@pytest.mark.parametrize("weighted", [False, True])
def test_loss_is_the_row_weighted_mean_before_each_update(weighted: bool) -> None:
    X, y = blobs(50)
    s = np.random.default_rng(0).uniform(0.1, 3, 50).astype(np.float32) if weighted else np.ones(50, np.float32)
    net = simple()
    net.build(6)
    state: State = {name: array.astype(np.float64) for name, array in net.state_dict().items()}
    order = kernels.permutation(50, 0, 0, SHUFFLE_STREAM)
    sums, weights, hits = 0.0, 0.0, 0.0
    for start in (0, 20, 40):  # the last batch is short
        rows = order[start : start + 20]
        loss, gradients = twin_gradients(net, state, X[rows], y[rows], s[rows])
        outputs = reference.dense_forward(
            np.tanh(reference.dense_forward(X[rows], state["0.weight"], state["0.bias"])),
            state["2.weight"],
            state["2.bias"],
        )
        sums, weights = sums + s[rows].sum() * loss, weights + s[rows].sum()
        hits += (s[rows] * (outputs.argmax(axis=1) == y[rows])).sum()
        state = {name: state[name] - 0.5 * gradients[name] for name in state}
    trainer = trained(
        net, X, y, {"optimizer": optim.SGD(0.5), "metrics": ["accuracy"]},
        epochs=1, batch_size=20, sample_weight=s if weighted else None,
    )  # fmt: skip
    assert trainer.history["loss"][0] == pytest.approx(sums / weights, rel=1e-5)
    assert trainer.history["accuracy"][0] == pytest.approx(hits / weights, rel=1e-6)


def test_validation_values_are_those_of_evaluate() -> None:
    X, y = blobs()
    Xv, yv = blobs(40, seed=1)
    sv = np.linspace(0, 2, 40)
    for given in ((Xv, yv), (Xv, yv, sv), [Xv, yv]):
        trainer = trained(mlp(), X, y, {"metrics": ["accuracy"]}, validation_data=given)
        assert trainer.evaluate(*given) == {
            "loss": trainer.history["val_loss"][-1], "accuracy": trainer.history["val_accuracy"][-1],
        }  # fmt: skip


@pytest.mark.parametrize("rows", [1, 255, 256, 257, 700])
def test_evaluate_against_numpy(rows: int) -> None:
    X, y = blobs(700)
    net = mlp()
    trainer = trained(net, X, y, {"metrics": ["accuracy"]})
    X, y = X[:rows], y[:rows]
    s = np.random.default_rng(0).uniform(0, 2, rows)
    outputs = net.predict(X)
    losses, _ = reference.softmax_cross_entropy(outputs, y)
    hits = outputs.argmax(axis=1) == y
    assert trainer.evaluate(X, y) == pytest.approx({"loss": losses.mean(), "accuracy": hits.mean()}, rel=1e-5)
    want = {"loss": np.average(losses, weights=s), "accuracy": np.average(hits, weights=s)}
    assert trainer.evaluate(X, y, sample_weight=s) == pytest.approx(want, rel=1e-5)


def test_evaluate_changes_nothing() -> None:
    X, y = blobs()
    net = mlp()
    trainer = trained(net, X, y)
    with unchanged(net):
        assert trainer.evaluate(X, y) == trainer.evaluate(X, y)
        trainer.evaluate(X[:50], y[:50], np.ones(50))
    assert trainer.step == 14


def test_mse_metric() -> None:
    X, _ = blobs()
    trainer = trained(nn.Sequential(nn.Dense(2)), X, X[:, :2], {"loss": "mse", "metrics": ["mse"]})
    assert trainer.history["mse"] == pytest.approx(trainer.history["loss"], rel=1e-6)


# -------------------------------------------------------------------------------------------------- batches, epochs


def seen_batches(rows: int, **fit: Any) -> list[np.ndarray]:
    """The rows of each training batch, read by a layer."""
    seen: list[np.ndarray] = []

    class Look(nn.Layer):
        def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
            if training:
                seen.append(x[:, 0].copy())
            return x

        def backward(self, dy: np.ndarray) -> np.ndarray:
            return dy

    X = np.zeros((rows, 2), np.float32)
    X[:, 0] = np.arange(rows) / rows
    trained(nn.Sequential(Look(), nn.Dense(2)), X, np.arange(rows) % 2, **fit)
    return [np.rint(batch * rows).astype(int) for batch in seen]


def test_every_row_once_an_epoch_in_an_order_of_its_own() -> None:
    batches = seen_batches(50, epochs=3, batch_size=16)
    assert [len(batch) for batch in batches] == [16, 16, 16, 2] * 3
    epochs = [np.concatenate(batches[i : i + 4]) for i in (0, 4, 8)]
    assert all(sorted(epoch) == list(range(50)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3
    assert tuple(epochs[0]) != tuple(range(50))


@pytest.mark.parametrize(
    ("batch", "drop", "sizes"),
    [
        (16, True, [16] * 3),
        (50, False, [50]),
        (50, True, [50]),
        (1000, False, [50]),
        (49, False, [49, 1]),
        (1, False, [1] * 50),
    ],
)
def test_sizes_of_batches(batch: int, drop: bool, sizes: list[int]) -> None:
    assert [len(b) for b in seen_batches(50, epochs=1, batch_size=batch, drop_last=drop)] == sizes


def test_a_second_fit_goes_on() -> None:
    X, y = blobs()
    once, twice, parts = (fdl.Trainer(mlp(), seed=3) for _ in range(3))
    once.fit(X, y, epochs=4, progress=False)
    for _ in range(2):
        twice.fit(X, y, epochs=2, progress=False)
    for _ in range(4):
        parts.partial_fit(X, y)
    for other in (twice, parts):
        assert_same_state(other.net.state_dict(), once.net.state_dict())
        assert other.history == once.history
        assert (other.step, other.epoch) == (once.step, once.epoch) == (16, 4)


def test_reset_starts_over() -> None:
    X, y = blobs()
    trainer = fdl.Trainer(mlp(), seed=3)
    first = trainer.fit(X, y, epochs=2, progress=False)["loss"]
    state = trainer.net.state_dict()
    trainer.reset()
    assert (trainer.step, trainer.epoch, trainer.history.epochs) == (0, 0, 0)
    assert (trainer.net.state_dict()["1.weight"] != state["1.weight"]).any()
    assert trainer.fit(X, y, epochs=2, progress=False)["loss"] == first
    assert_same_state(trainer.net.state_dict(), state)


def test_a_built_network_keeps_its_weights() -> None:
    X, y = blobs()
    net = simple()
    net.build(6, seed=77)
    before = net.state_dict()
    trained(net, X, y, {"optimizer": optim.SGD(0.0), "seed": 5})
    assert_same_state(net.state_dict(), before)


def test_a_last_batch_of_one_row_under_batch_norm() -> None:
    """It uses the running estimates as constants, and leaves them alone."""
    X, y = blobs(33)
    states = []

    class Watch(callbacks.Callback):
        def on_batch_end(self, trainer: fdl.Trainer, step: int, logs: dict[str, float]) -> None:
            states.append(trainer.net.state_dict())

    net = nn.Sequential(nn.Dense(4), nn.BatchNorm(), nn.Tanh(), nn.Dense(3))
    trained(net, X, y, {"optimizer": optim.SGD(1.0)}, epochs=1, callbacks=Watch())
    before, after = states[1], states[2]
    assert_same_bits(after["1.running_mean"], before["1.running_mean"])
    assert_same_bits(after["1.running_var"], before["1.running_var"])
    x = X[kernels.permutation(33, 0, 0, SHUFFLE_STREAM)[32:]].astype(np.float64)
    t = y[kernels.permutation(33, 0, 0, SHUFFLE_STREAM)[32:]]
    s = {name: array.astype(np.float64) for name, array in before.items()}
    one = x @ s["0.weight"] + s["0.bias"]
    hat = (one - s["1.running_mean"]) / np.sqrt(s["1.running_var"] + 1e-5)
    three = np.tanh(s["1.gamma"] * hat + s["1.beta"])
    _, d = reference.softmax_cross_entropy(three @ s["3.weight"] + s["3.bias"], t)
    d2 = d @ s["3.weight"].T * (1 - three**2)
    d1 = d2 * s["1.gamma"] / np.sqrt(s["1.running_var"] + 1e-5)
    want = {
        "3.weight": three.T @ d,
        "3.bias": d[0],
        "1.gamma": (d2 * hat)[0],
        "1.beta": d2[0],
        "0.weight": x.T @ d1,
        "0.bias": d1[0],
    }
    for name, g in want.items():
        np.testing.assert_allclose(before[name] - after[name], g, rtol=1e-4, atol=2e-6, err_msg=name)


# -------------------------------------------------------------------------------------------------------- weights


def test_rows_of_weight_zero_never_change_a_bit() -> None:
    X, y = blobs(90)
    s = np.random.default_rng(0).uniform(0.5, 2, 90) * (np.arange(90) % 4 != 1)
    on = s > 0
    wild = X.copy()
    wild[~on] *= 1e6
    labels = np.where(on, y, (y + 1) % 3)
    for fit in ({}, {"validation_split": 0.25}, {"drop_last": True}):
        with_them = trained(mlp(), wild, labels, {"metrics": ["accuracy"]}, sample_weight=s, **fit)
        without = trained(mlp(), X[on], y[on], {"metrics": ["accuracy"]}, sample_weight=s[on], **fit)
        assert_same_state(with_them.net.state_dict(), without.net.state_dict())
        assert with_them.history == without.history
        assert with_them.evaluate(wild, labels, s) == without.evaluate(X[on], y[on], s[on])


def test_equal_weights_are_no_weights() -> None:
    X, y = blobs(60)
    plain, weighted = trained(mlp(), X, y), trained(mlp(), X, y, sample_weight=np.full(60, 2.0))
    for name, array in plain.net.state_dict().items():
        np.testing.assert_allclose(weighted.net.state_dict()[name], array, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("labels", [[0, 1, 2], ["a", "b", "c"]])
def test_class_weight_is_a_weight_of_rows(labels: list[Any]) -> None:
    X, y = blobs(60)
    s = np.random.default_rng(0).uniform(0.5, 2, 60)
    factor = np.array([1.0, 3.0, 0.25])
    named = np.array(labels)[y]
    weights = {labels[1]: 3.0, labels[2]: 0.25}  # what is missing weighs 1
    by_class = trained(mlp(), X, named, class_weight=weights, sample_weight=s)
    by_row = trained(mlp(), X, named, sample_weight=s * factor[y])
    assert_same_state(by_class.net.state_dict(), by_row.net.state_dict())
    alone = trained(mlp(), X, named, class_weight=weights)
    assert_same_state(alone.net.state_dict(), trained(mlp(), X, named, sample_weight=factor[y]).net.state_dict())
    assert (alone.net.state_dict()["1.weight"] != by_row.net.state_dict()["1.weight"]).any()


def test_a_class_of_weight_zero_is_left_out() -> None:
    X, y = blobs(60)
    without = trained(mlp(), X[y != 1], y[y != 1], sample_weight=np.ones((y != 1).sum()))
    assert_same_state(trained(mlp(), X, y, class_weight={1: 0.0}).net.state_dict(), without.net.state_dict())


@pytest.mark.parametrize("tiny", [1e-30, 1e-40, 1e-44])
def test_tiny_weights_are_weights_or_an_error(tiny: float) -> None:
    X, y = blobs(60)
    trainer = fdl.Trainer(mlp())
    if tiny < 2.0**-126:  # zero in native code
        with pytest.raises(ValueError, match="sample_weight"):
            trainer.fit(X, y, sample_weight=np.full(60, tiny), progress=False)
        return
    history = trainer.fit(X, y, sample_weight=np.full(60, tiny), progress=False)
    assert history["loss"] == pytest.approx(fdl.Trainer(mlp()).fit(X, y, progress=False)["loss"], rel=1e-3)


# ----------------------------------------------------------------------------------------------------- validation


def test_validation_split_is_drawn_by_the_seed() -> None:
    X, y = blobs(100)
    histories = [trained(mlp(), X, y, {"seed": seed}, validation_split=0.3).history for seed in (1, 1, 2)]
    assert histories[0] == histories[1] and histories[0]["val_loss"] != histories[2]["val_loss"]
    training, held = split(100, 0.3, 1)
    assert len(held) == 30 and sorted([*training, *held]) == list(range(100))
    assert list(held) != list(range(70, 100)) and list(held) == sorted(held)
    by_hand = trained(mlp(), X[training], y[training], {"seed": 1}, validation_data=(X[held], y[held]))
    assert by_hand.history == histories[0]


def test_the_split_is_the_same_in_a_second_fit() -> None:
    X, y = blobs(100)
    trainer = fdl.Trainer(mlp(), seed=4)
    trainer.fit(X, y, epochs=2, validation_split=0.3, progress=False)
    trainer.fit(X, y, epochs=2, validation_split=0.3, progress=False)
    once = fdl.Trainer(mlp(), seed=4)
    once.fit(X, y, epochs=4, validation_split=0.3, progress=False)
    assert trainer.history == once.history


def test_early_stopping_ends_with_the_best_weights() -> None:
    X, y = blobs(40, features=20)
    Xv, yv = blobs(60, features=20, seed=9)
    for patience in (2, 1000):
        stopping = callbacks.EarlyStopping(patience=patience)
        trainer = trained(
            nn.Sequential(nn.Dense(64), nn.BatchNorm(), nn.ReLU(), nn.Dense(3)), X, y, {"optimizer": optim.Adam(0.02)},
            epochs=25, validation_data=(Xv, yv), callbacks=stopping,
        )  # fmt: skip
        losses = trainer.history["val_loss"]
        assert losses[-1] > min(losses), "it did not overfit: this test is void"
        assert trainer.evaluate(Xv, yv)["loss"] == min(losses) == losses[stopping.best_epoch]
        assert (len(losses) < 25) == (patience == 2)


# ----------------------------------------------------------------------------------------------------- callbacks


def test_hooks_in_order() -> None:
    X, y = blobs(50)
    log = Log()
    trainer = fdl.Trainer(simple())
    trainer.fit(X, y, epochs=2, batch_size=20, callbacks=[log], progress=False)
    assert log.calls == [
        "begin",
        ("epoch", 0, 0), (0, 1), (1, 2), (2, 3), ("end", 0, 1),
        ("epoch", 1, 1), (3, 4), (4, 5), (5, 6), ("end", 1, 2),
        "end",
    ]  # fmt: skip
    for epoch in (0, 1):
        losses = [logs["loss"] for logs in log.logs[3 * epoch : 3 * epoch + 3]]
        assert trainer.history["loss"][epoch] == pytest.approx(np.average(losses, weights=[20, 20, 10]), rel=1e-12)
        norms = [logs["grad_norm"] for logs in log.logs[3 * epoch : 3 * epoch + 3]]
        assert trainer.history["grad_norm"][epoch] == pytest.approx(np.mean(norms), rel=1e-12)


def test_watching_changes_no_bits() -> None:
    X, y = blobs()
    watched, alone = trained(mlp(), X, y, callbacks=Log()), trained(mlp(), X, y)
    assert_same_state(watched.net.state_dict(), alone.net.state_dict())
    assert watched.history == alone.history


def test_stop_ends_after_the_current_epoch() -> None:
    class Stop(callbacks.Callback):
        def on_batch_end(self, trainer: fdl.Trainer, step: int, logs: dict[str, float]) -> None:
            if step == 4:
                trainer.stop()

    X, y = blobs(50)
    trainer = fdl.Trainer(simple())
    trainer.fit(X, y, epochs=9, batch_size=20, callbacks=Stop(), progress=False)
    assert (trainer.epoch, trainer.step, trainer.history.epochs) == (2, 6, 2)
    trainer.fit(X, y, epochs=1, batch_size=20, progress=False)
    assert trainer.epoch == 3


@pytest.mark.parametrize("hook", ["on_epoch_end", "on_batch_end", "on_train_begin", "on_train_end", "on_epoch_begin"])
def test_a_callback_may_use_the_network(hook: str) -> None:
    X, y = blobs()
    found: list[Any] = []

    def use(self: Any, trainer: fdl.Trainer, *_: Any) -> None:
        found.append((trainer.net.predict(X), trainer.evaluate(X, y), trainer.net.predict_proba(X)))
        assert "Dense" in trainer.net.summary()

    watched = trained(mlp(), X, y, callbacks=type("Use", (callbacks.Callback,), {hook: use})(), validation_split=0.2)
    alone = trained(mlp(), X, y, validation_split=0.2)
    assert_same_state(watched.net.state_dict(), alone.net.state_dict())
    assert watched.history == alone.history
    assert found and all(np.isfinite(outputs).all() for outputs, *_ in found)
    if hook == "on_train_end":
        assert_same_bits(found[-1][0], alone.net.predict(X))


@pytest.mark.parametrize("hook", ["on_batch_end", "on_epoch_end", "on_epoch_begin"])
def test_a_callback_cannot_start_another_fit_of_the_network(hook: str) -> None:
    X, y = blobs()
    for again in (
        lambda trainer: trainer.fit(X, y, progress=False),
        lambda trainer: fdl.Trainer(trainer.net).fit(X, y, progress=False),
        lambda trainer: trainer.reset(),
    ):
        hooks = {hook: lambda self, trainer, *_, again=again: again(trainer)}
        with pytest.raises(RuntimeError):
            trained(mlp(), X, y, callbacks=type("Again", (callbacks.Callback,), hooks)())


def test_an_exception_in_a_callback_reaches_the_user() -> None:
    class Oops(callbacks.Callback):
        def on_epoch_end(self, trainer: fdl.Trainer, epoch: int, logs: dict[str, float]) -> None:
            raise ZeroDivisionError("mine")

    X, y = blobs()
    trainer = fdl.Trainer(mlp())
    with pytest.raises(ZeroDivisionError, match="mine"):
        trainer.fit(X, y, epochs=3, callbacks=Oops(), progress=False)
    assert trainer.epoch == trainer.history.epochs == 1
    trainer.fit(X, y, epochs=2, progress=False)
    assert_same_state(trainer.net.state_dict(), trained(mlp(), X, y, epochs=3, batch_size=32).net.state_dict())


@pytest.mark.parametrize("progress", [True, False, "auto"])
def test_progress(progress: Any, capsys: pytest.CaptureFixture[str]) -> None:
    X, y = blobs()
    fdl.Trainer(simple()).fit(X, y, epochs=2, progress=progress)
    err = capsys.readouterr().err
    assert ("loss" in err and "2/2" in err) == (progress is True)  # nobody looks here, so auto is silent
    assert err == "" or progress is True


# ------------------------------------------------------------------------------------------------ threads, signals


def test_two_fits_in_two_threads_are_independent() -> None:
    data = [blobs(600, 32, seed=i) for i in (0, 1)]
    alone = [trained(mlp(64), *data[i], {"seed": i}, epochs=4) for i in (0, 1)]
    for _ in range(3):
        together: list[Any] = [None, None]
        barrier = threading.Barrier(2)

        def work(i: int, together: list[Any] = together, barrier: threading.Barrier = barrier) -> None:
            net = mlp(64)
            barrier.wait()
            together[i] = trained(net, *data[i], {"seed": i, "threads": 2}, epochs=4)

        workers = [threading.Thread(target=work, args=(i,), daemon=True) for i in (0, 1)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
        for i in (0, 1):
            assert_same_state(together[i].net.state_dict(), alone[i].net.state_dict())
            assert together[i].history == alone[i].history


def test_two_fits_of_one_network_are_refused() -> None:
    X, y = blobs()
    started, leave = threading.Event(), threading.Event()

    class Hold(callbacks.Callback):
        def on_epoch_end(self, trainer: fdl.Trainer, epoch: int, logs: dict[str, float]) -> None:
            started.set()
            assert leave.wait(60)

    net = mlp()
    first = fdl.Trainer(net)
    worker = threading.Thread(target=lambda: first.fit(X, y, callbacks=Hold(), progress=False), daemon=True)
    worker.start()
    assert started.wait(60)
    try:
        before = net.state_dict()
        for trainer in (first, fdl.Trainer(net)):
            with pytest.raises(RuntimeError, match="thread"):
                trainer.fit(X, y, progress=False)
        assert_same_state(net.state_dict(), before)
    finally:
        leave.set()
        worker.join(60)
    first.fit(X, y, progress=False)


@pytest.mark.skipif(not hasattr(signal, "SIGINT"), reason="needs SIGINT")
@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_is_prompt_and_leaves_a_usable_network_and_history(threads: int) -> None:
    run_python(
        f"""
        import os, signal, threading, time
        import numpy as np
        import fastdl as fdl
        from fastdl import callbacks
        from networks import blobs, mlp
        X, y = blobs(200_000, 64)
        net = mlp(256)
        ends = []

        class Watch(callbacks.Callback):
            def on_train_end(self, trainer):
                ends.append("train end")

        small = X[:2000]
        trainer = fdl.Trainer(net, threads={threads})
        trainer.fit(small, y[:2000], progress=False)
        epoch_steps = trainer.step
        threading.Timer(0.5, lambda: (ends.append(time.perf_counter()), os.kill(os.getpid(), signal.SIGINT))).start()
        try:
            trainer.fit(X, y, epochs=1000, callbacks=Watch(), progress=False)
        except KeyboardInterrupt:
            late = time.perf_counter() - ends[0]
        else:
            raise SystemExit("not interrupted")
        assert late < 1.0, late  # a slice is 50 ms; the machine may be busy
        assert ends[-1] == "train end"
        assert trainer.step > epoch_steps and trainer.history.epochs == trainer.epoch
        assert np.isfinite(net.predict(small)).all()
        assert all(np.isfinite(a).all() for a in net.state_dict().values())
        before = trainer.step
        trainer.fit(small, y[:2000], progress=False)
        assert trainer.step == before + epoch_steps
        """,
        timeout=60,
    )


def test_ctrl_c_leaves_the_weights_of_the_last_complete_step() -> None:
    X, y = blobs(100)
    states: list[State] = []

    class Interrupt(callbacks.Callback):
        def on_batch_end(self, trainer: fdl.Trainer, step: int, logs: dict[str, float]) -> None:
            states.append(trainer.net.state_dict())
            if step == 7:
                raise KeyboardInterrupt

    trainer = fdl.Trainer(mlp())
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(X, y, epochs=3, batch_size=20, callbacks=[Interrupt(), log := Log()], progress=False)
    assert (trainer.step, trainer.epoch, trainer.history.epochs) == (8, 1, 1) and log.calls[-1] == "end"
    assert_same_state(trainer.net.state_dict(), states[-1])


def test_memory_does_not_grow_with_the_number_of_epochs() -> None:
    import tracemalloc

    X, y = blobs()
    trainer = fdl.Trainer(mlp())
    trainer.fit(X, y, epochs=5, validation_split=0.2, progress=False)
    tracemalloc.start()
    try:
        trainer.fit(X, y, epochs=20, validation_split=0.2, progress=False)
        first = tracemalloc.get_traced_memory()[0]
        trainer.fit(X, y, epochs=100, validation_split=0.2, progress=False)
        grown = tracemalloc.get_traced_memory()[0] - first
    finally:
        tracemalloc.stop()
    assert grown < 100_000, grown  # the history's floats, a few kB
