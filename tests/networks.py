"""What the tests above the kernels share: small data and networks, a float64 twin of training, other processes."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import reference
import reference_noise
import reference_norm
from support import assert_same_bits

import fastdl as fdl
from fastdl import callbacks, kernels, nn, optim
from fastdl.fitting import SHUFFLE_STREAM
from fastdl.nn.activation import ElementWise

State = dict[str, np.ndarray]
Back = Callable[[np.ndarray], np.ndarray]


def blobs(rows: int = 103, features: int = 6, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian clouds around as many centres as classes: easy, but not separable. X float32, y int64."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, rows)
    return (rng.normal(size=(classes, features))[y] + rng.normal(size=(rows, features))).astype(np.float32), y


def mlp(width: int = 16, outputs: int = 3, rate: float = 0.25, scaler: bool = True) -> nn.Sequential:
    """Every kind of layer there is, at least once."""
    first = [nn.Standardize()] if scaler else []
    return nn.Sequential(
        *first,
        nn.Dense(width),
        nn.BatchNorm(),
        nn.ReLU(),
        nn.Dropout(rate),
        nn.Dense(width),
        nn.Tanh(),
        nn.Dense(outputs),
    )


def trained(net: nn.Sequential, X: Any, y: Any, trainer: dict[str, Any] | None = None, **fit: Any) -> fdl.Trainer:
    """A trainer that has fitted the network, silently."""
    result = fdl.Trainer(net, **(trainer or {}))
    result.fit(X, y, **{"epochs": 2, "batch_size": 16, "progress": False, **fit})
    return result


def assert_same_state(got: Mapping[str, np.ndarray], want: Mapping[str, np.ndarray], what: str = "") -> None:
    """Two state_dicts with the same names and the same bits."""
    assert list(got) == list(want), what
    for name in want:
        assert_same_bits(got[name], want[name], f"{what} {name}")


@contextmanager
def unchanged(net: nn.Sequential) -> Iterator[None]:
    """Inside, something fails; the network must be as before: unbuilt, or with the same bits, classes and head."""
    before = net.state_dict() if net.built else None
    facts = (net.head, None if net.classes_ is None else net.classes_.tolist(), net.training_rows)
    yield
    assert net.built == (before is not None), "the network was built or forgotten"
    if before is not None:
        assert_same_state(net.state_dict(), before, "changed")
    assert (net.head, None if net.classes_ is None else net.classes_.tolist(), net.training_rows) == facts


def run_python(
    code: str, timeout: float = 60.0, env: Mapping[str, str] | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh Python that imports the same fastdl; a hang is a failure."""
    roots = [str(Path(fdl.__file__).parents[1]), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=roots[0],  # and not the checkout, whose fastdl may have no compiled modules
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, roots)), **(env or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if check:
        assert result.returncode == 0, f"exit code {result.returncode}\n{result.stdout}\n{result.stderr}"
    return result


# ------------------------------------------------------------------------------------------------ the float64 twin


@dataclass
class Twin:
    """A batch on its way through the float64 twins of the kernels: what they read, and the gradients they leave."""

    state: Mapping[str, np.ndarray]
    seed: int
    step: int
    gradients: State = field(default_factory=dict)
    streams: int = 0

    def run(self, layer: nn.Layer, x: np.ndarray, prefix: str) -> tuple[np.ndarray, Back]:
        """Output of a layer whose parameters have this prefix, and what turns dy into dx."""
        if isinstance(layer, nn.Sequential | nn.Residual):
            return self.chain(layer, x, prefix)
        if isinstance(layer, nn.Parallel):
            return self.side_by_side(layer, x, prefix)
        if isinstance(layer, nn.Dense):
            v, b, gain = (self.state.get(f"{prefix}{name}") for name in ("weight", "bias", "gain"))
            w = v if gain is None else reference_norm.weightnorm_forward(v, gain)

            def back_dense(dy: np.ndarray) -> np.ndarray:
                dx, dw, db = reference.dense_backward(dy, x, w)
                if gain is not None:
                    dw, self.gradients[f"{prefix}gain"] = reference_norm.weightnorm_backward(dw, v, gain)
                self.gradients[f"{prefix}weight"] = dw
                if b is not None:
                    self.gradients[f"{prefix}bias"] = db
                return dx

            return reference.dense_forward(x, w, b), back_dense
        if isinstance(layer, nn.BatchNorm):
            gamma, (mean, var) = self.state[f"{prefix}gamma"], reference.batchnorm_stats(x)

            def back_norm(dy: np.ndarray) -> np.ndarray:
                dx, self.gradients[f"{prefix}gamma"], self.gradients[f"{prefix}beta"] = reference.batchnorm_backward(
                    dy, x, gamma, mean, var, layer.eps
                )
                return dx

            return reference.batchnorm_forward(x, gamma, self.state[f"{prefix}beta"], mean, var, layer.eps), back_norm
        if isinstance(layer, ElementWise):
            y = reference.activation_forward(x, **layer.options())
            saved = x if kernels.activation_saves(layer.kind) == "x" else y
            return y, lambda dy: reference.activation_backward(dy, saved, **layer.options())
        if isinstance(layer, nn.LayerNorm | nn.RMSNorm):
            names = [f"{prefix}{name}" for name in layer.params]
            kind = "layernorm" if isinstance(layer, nn.LayerNorm) else "rmsnorm"
            parameters = [self.state[name] for name in names]

            def back_row_norm(dy: np.ndarray) -> np.ndarray:
                dx, *rest = getattr(reference_norm, f"{kind}_backward")(dy, x, parameters[0], layer.eps)
                self.gradients.update(zip(names, rest, strict=True))
                return dx

            return getattr(reference_norm, f"{kind}_forward")(x, *parameters, layer.eps), back_row_norm
        if isinstance(layer, nn.Dropout):
            place = (layer.rate, self.seed, self.step, self.streams)
            self.streams += 1
            return reference.dropout_forward(x, *place), lambda dy: reference.dropout_backward(dy, *place)
        if isinstance(layer, nn.AlphaDropout):
            place = (layer.rate, self.seed, self.step, self.streams)
            self.streams += 1
            y = reference_noise.alpha_dropout_forward(x, *place)
            return y, lambda dy: reference_noise.alpha_dropout_backward(dy, *place)
        if isinstance(layer, nn.GaussianNoise):
            place = (layer.std, self.seed, self.step, self.streams)
            self.streams += 1
            return reference_noise.gaussian_noise(x, *place), lambda dy: dy
        raise TypeError(layer)

    def chain(self, layer: nn.Sequential | nn.Residual, x: np.ndarray, prefix: str) -> tuple[np.ndarray, Back]:
        """One after another, and past them the shortcut of a residual block."""
        y, backs = x, []
        for i, inside in enumerate(layer.layers):
            y, back = self.run(inside, y, f"{prefix}{i}.")
            backs.append(back)
        past, back_past = x, lambda dy: dy
        if isinstance(layer, nn.Residual):
            if layer.shortcut is not None:
                past, back_past = self.run(layer.shortcut, x, f"{prefix}shortcut.")
            y = reference.add(y, past)

        def backward(dy: np.ndarray) -> np.ndarray:
            dx = dy
            for back in reversed(backs):
                dx = back(dx)
            return dx + back_past(dy) if isinstance(layer, nn.Residual) else dx

        return y, backward

    def side_by_side(self, layer: nn.Parallel, x: np.ndarray, prefix: str) -> tuple[np.ndarray, Back]:
        """Branches of one input."""
        runs = [self.run(branch, x, f"{prefix}{i}.") for i, branch in enumerate(layer.layers)]
        outputs, backs = [y for y, _ in runs], [back for _, back in runs]
        factor = 1.0 / len(runs) if layer.merge == "mean" else 1.0

        def backward(dy: np.ndarray) -> np.ndarray:
            ends = np.cumsum([y.shape[1] for y in outputs])
            shares = np.split(dy, ends[:-1], axis=1) if layer.merge == "concat" else [factor * dy] * len(runs)
            return sum(back(share) for back, share in zip(backs, shares, strict=True))

        return reference.concatenate(outputs) if layer.merge == "concat" else factor * sum(outputs), backward


def twin_gradients(
    net: nn.Sequential,
    state: Mapping[str, np.ndarray],
    x: np.ndarray,
    y: np.ndarray,
    weights: np.ndarray | None = None,
    seed: int = 0,
    step: int = 0,
) -> tuple[float, State]:
    """Loss of a batch and the gradient of every parameter, in float64 by the reference twins of the kernels.

    The loss is cross-entropy for integer y, else squared error. Scalers are not known here.
    """
    twin = Twin({name: np.asarray(array, np.float64) for name, array in state.items()}, seed, step)
    outputs, backward = twin.run(net, np.asarray(x, np.float64), "")
    of = reference.softmax_cross_entropy if y.dtype.kind in "iu" else reference.mse
    losses, dy = of(outputs, y, weights)
    backward(dy)
    loss = float((reference.row_shares(len(losses), weights)[:, 0] * losses).sum())
    return loss, {name: twin.gradients[name] for name in state if name in twin.gradients}


def check_gradients(net: nn.Sequential, X: np.ndarray, y: np.ndarray, rtol: float = 1e-4, atol: float = 2e-6) -> None:
    """Build the network, if need be; one step of SGD at rate 1 then moves its weights by the twin's gradient."""
    net.build(X.shape[1], seed=2)
    state = net.state_dict()
    loss = "cross_entropy" if y.dtype.kind in "iu" else "mse"
    trainer = trained(net, X, y, {"loss": loss, "optimizer": optim.SGD(1.0), "seed": 8}, epochs=1, batch_size=len(X))
    order = kernels.permutation(len(X), 8, 0, SHUFFLE_STREAM)
    value, gradients = twin_gradients(net, state, X[order], y[order], seed=8)
    np.testing.assert_allclose(trainer.history["loss"], [value], rtol=1e-5)
    assert set(gradients) == set(net.parameters())
    after = net.state_dict()
    for name, g in gradients.items():
        moved = state[name].astype(np.float64) - after[name]
        np.testing.assert_allclose(moved, g, rtol=rtol, atol=atol, err_msg=name)


def twin_training(
    net: nn.Sequential,
    state: Mapping[str, np.ndarray],
    batches: Sequence[tuple[np.ndarray, np.ndarray]],
    update: Callable[[str, np.ndarray, np.ndarray, State, int], np.ndarray],
    factor: Callable[[float], float] = lambda norm: 1.0,
    seed: int = 0,
) -> tuple[State, list[float]]:
    """Weights after the batches, and each one's loss before its update: update(name, w, g, slots, step from 1) -> w."""
    state = {name: np.asarray(array, np.float64) for name, array in state.items()}
    slots: dict[str, State] = {name: {} for name in state}
    losses = []
    for step, (x, y) in enumerate(batches):
        loss, gradients = twin_gradients(net, state, x, y, seed=seed, step=step)
        losses.append(loss)
        scale = factor(reference.global_norm(list(gradients.values())))
        for name, g in gradients.items():
            state[name] = update(name, state[name], scale * g, slots[name], step + 1)
    return state, losses


class Log(callbacks.Callback):
    """Writes down every hook."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.logs: list[dict[str, float]] = []

    def on_train_begin(self, trainer: fdl.Trainer) -> None:
        self.calls.append("begin")

    def on_epoch_begin(self, trainer: fdl.Trainer, epoch: int) -> None:
        self.calls.append(("epoch", epoch, trainer.epoch))

    def on_batch_end(self, trainer: fdl.Trainer, step: int, logs: dict[str, float]) -> None:
        self.calls.append((step, trainer.step))
        self.logs.append(dict(logs))

    def on_epoch_end(self, trainer: fdl.Trainer, epoch: int, logs: dict[str, float]) -> None:
        self.calls.append(("end", epoch, trainer.history.epochs))

    def on_train_end(self, trainer: fdl.Trainer) -> None:
        self.calls.append("end")
