"""What the tests above the kernels share: small data and networks, a float64 twin of training, other processes."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import reference
from support import assert_same_bits

import fastdl as fdl
from fastdl import callbacks, nn

State = dict[str, np.ndarray]


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
    x = np.asarray(x, np.float64)
    backward: list[Callable[[np.ndarray], np.ndarray]] = []
    gradients: State = {}
    dropouts = 0
    for i, layer in enumerate(net.layers):
        if isinstance(layer, nn.Dense):
            w, b = state[f"{i}.weight"], state.get(f"{i}.bias")

            def back(dy: np.ndarray, x: np.ndarray = x, w: np.ndarray = w, i: int = i) -> np.ndarray:
                dx, gradients[f"{i}.weight"], gradients[f"{i}.bias"] = reference.dense_backward(dy, x, w)
                return dx

            x = reference.dense_forward(x, w, b)
        elif isinstance(layer, nn.BatchNorm):
            gamma, (mean, var) = state[f"{i}.gamma"], reference.batchnorm_stats(x)

            def back(
                dy: np.ndarray, x: np.ndarray = x, g: np.ndarray = gamma, m: Any = mean, v: Any = var, i: int = i
            ) -> np.ndarray:
                dx, gradients[f"{i}.gamma"], gradients[f"{i}.beta"] = reference.batchnorm_backward(dy, x, g, m, v)
                return dx

            x = reference.batchnorm_forward(x, gamma, state[f"{i}.beta"], mean, var)
        elif isinstance(layer, nn.ReLU | nn.Tanh):
            x = reference.activation_forward(x, layer.kind)

            def back(dy: np.ndarray, y: np.ndarray = x, kind: str = layer.kind) -> np.ndarray:
                return reference.activation_backward(dy, y, kind)

        elif isinstance(layer, nn.Dropout):
            place = (layer.rate, seed, step, dropouts)
            dropouts += 1
            x = reference.dropout_forward(x, *place)

            def back(dy: np.ndarray, place: Any = place) -> np.ndarray:
                return reference.dropout_backward(dy, *place)

        else:
            raise TypeError(layer)
        backward.append(back)
    of = reference.softmax_cross_entropy if y.dtype.kind in "iu" else reference.mse
    losses, dy = of(x, y, weights)
    for back in reversed(backward):
        dy = back(dy)
    loss = float((reference.row_shares(len(losses), weights)[:, 0] * losses).sum())
    return loss, {name: gradients[name] for name in state if name in gradients}


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
