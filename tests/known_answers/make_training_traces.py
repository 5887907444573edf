"""Freeze trainings by torch and optax: `python make_training_traces.py` writes training_traces.json beside this script.

torch 2.13 on CPU and, for adaptive clipping, optax 0.2.8, in float64. Dense(5), tanh, Dense(3), every step on all rows,
from weights that are exact in float32. Of each case: the weights after some of the steps, flat, a row each; for
averages, the averaged ones. Of schedules: rates by step; of the plateau, by epoch.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim import lr_scheduler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, get_swa_multi_avg_fn

STEPS, KEPT = 25, (1, 2, 10, 25)
ROWS, FEATURES, HIDDEN, CLASSES = 24, 4, 5, 3
RATE = 0.5
CLASS_WEIGHTS = [0.5, 1.0, 3.0]
Change = Callable[[torch.nn.Sequential], None]


def problem() -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """X, y, and the first weights as fastdl has them, (in, out); all exact in float32."""
    rng = np.random.default_rng(25)
    X = rng.normal(size=(ROWS, FEATURES)).astype(np.float32)
    y = np.arange(ROWS) % CLASSES
    shapes = [(FEATURES, HIDDEN), (HIDDEN,), (HIDDEN, CLASSES), (CLASSES,)]
    return X + y[:, None].astype(np.float32), y, [rng.normal(size=shape).astype(np.float32) for shape in shapes]


def network(weights: list[np.ndarray]) -> torch.nn.Sequential:
    """With these weights."""
    net = torch.nn.Sequential(torch.nn.Linear(FEATURES, HIDDEN), torch.nn.Tanh(), torch.nn.Linear(HIDDEN, CLASSES))
    with torch.no_grad():
        for parameter, value in zip(net.parameters(), weights, strict=True):
            parameter.copy_(torch.tensor(value.T.astype(np.float64)))
    return net


def flat(net: Any) -> list[float]:
    """The weights in fastdl's order, each (in, out)."""
    return [float(value) for parameter in net.parameters() for value in parameter.detach().numpy().T.ravel()]


def adaptive(net: torch.nn.Sequential, factor: float) -> None:
    """optax's adaptive_grad_clip on the hidden layer."""
    import jax
    import optax

    jax.config.update("jax_enable_x64", True)
    clip = optax.adaptive_grad_clip(factor)
    pairs = {name: getattr(net[0], name) for name in ("weight", "bias")}
    params = {name: value.detach().numpy().T for name, value in pairs.items()}
    grads, _ = clip.update(
        {name: value.grad.numpy().T for name, value in pairs.items()}, clip.init(params), params
    )  # fmt: skip
    for name, value in pairs.items():
        value.grad = torch.tensor(np.array(grads[name]).T.copy())


def hold(net: torch.nn.Sequential, limit: float) -> None:
    """torch.renorm of each unit's incoming weights."""
    with torch.no_grad():
        for layer in (net[0], net[2]):
            layer.weight.copy_(torch.renorm(layer.weight, 2, 0, limit))


def training(
    loss: Any = None,
    penalty: Callable[[torch.nn.Sequential], Any] | None = None,
    clip: Change | None = None,
    constrain: Change | None = None,
    average: Any = None,
    from_step: int = 0,
    make: Any = None,
    scheduler: Any = None,
) -> list[list[float]]:
    """The weights after the steps in KEPT."""
    X, y, weights = problem()
    rows, labels = torch.tensor(X.astype(np.float64)), torch.tensor(y)
    net = network(weights)
    averaged = None if average is None else AveragedModel(net, multi_avg_fn=average())
    if averaged is not None and not from_step:
        averaged.update_parameters(net)  # the first only copies: the average begins at the initial weights
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE) if make is None else make(net.parameters())
    rates = None if scheduler is None else scheduler(optimizer)
    loss = loss or torch.nn.CrossEntropyLoss()
    kept = []
    for step in range(1, STEPS + 1):
        optimizer.zero_grad()
        value = loss(net(rows), labels)
        if penalty is not None:
            value = value + penalty(net)
        value.backward()
        if clip is not None:
            clip(net)
        optimizer.step()
        if rates is not None:
            rates.step()
        if constrain is not None:
            constrain(net)
        if averaged is not None and step > from_step:
            averaged.update_parameters(net)
        if step in KEPT:
            kept.append(flat(net if averaged is None or step <= from_step else averaged.module))
    return kept


def kernels(net: torch.nn.Sequential) -> list[torch.Tensor]:
    """The weights that penalties act on."""
    return [net[0].weight, net[2].weight]


def by_tensor(theta: float) -> Change:
    """Each parameter's gradient clipped by its own norm."""

    def clip(net: torch.nn.Sequential) -> None:
        for parameter in net.parameters():
            torch.nn.utils.clip_grad_norm_([parameter], theta)

    return clip


def adamw(parameters: Any) -> torch.optim.Optimizer:
    """Decay on matrices only, as fastdl has it."""
    both = list(parameters)
    groups = [{"params": both[::2], "weight_decay": 0.1}, {"params": both[1::2], "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=0.02)


TRAININGS: dict[str, Callable[[], list[list[float]]]] = {
    "plain": training,
    "clip_norm": lambda: training(clip=lambda net: torch.nn.utils.clip_grad_norm_(net.parameters(), 0.1)),
    "clip_norm_by_tensor": lambda: training(clip=by_tensor(0.05)),
    "clip_value": lambda: training(clip=lambda net: torch.nn.utils.clip_grad_value_(net.parameters(), 0.02)),
    "adaptive_clip": lambda: training(clip=lambda net: adaptive(net, 0.01)),
    "l1": lambda: training(penalty=lambda net: 0.01 * sum(w.abs().sum() for w in kernels(net))),
    "l2": lambda: training(penalty=lambda net: 0.02 * sum(w.square().sum() for w in kernels(net))),
    "max_norm": lambda: training(constrain=lambda net: hold(net, 1.5)),
    "label_smoothing": lambda: training(loss=torch.nn.CrossEntropyLoss(label_smoothing=0.2)),
    "class_weights": lambda: training(loss=torch.nn.CrossEntropyLoss(weight=torch.tensor(CLASS_WEIGHTS))),
    "ema": lambda: training(average=lambda: get_ema_multi_avg_fn(0.9)),
    "swa": lambda: training(average=get_swa_multi_avg_fn, from_step=8),
    "adamw_clipped": lambda: training(
        clip=lambda net: torch.nn.utils.clip_grad_norm_(net.parameters(), 0.1),
        make=adamw,
    ),
    "cosine": lambda: training(scheduler=lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, STEPS)),
}
# torch's peak is a step before pct_start of all steps, and its end a step before theirs.
SCHEDULES: dict[str, Callable[[Any], Any]] = {
    "cosine": lambda o: lr_scheduler.CosineAnnealingLR(o, STEPS),
    "cosine_restarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 5, 2),
    "one_cycle": lambda o: lr_scheduler.OneCycleLR(o, RATE, STEPS + 1, pct_start=(0.4 * STEPS + 1) / (STEPS + 1)),
    "cyclic": lambda o: lr_scheduler.CyclicLR(o, 0.1 * RATE, RATE, 6, cycle_momentum=False),
    "cyclic_halved": lambda o: lr_scheduler.CyclicLR(o, 0.1 * RATE, RATE, 4, mode="triangular2", cycle_momentum=False),
    "exponential": lambda o: lr_scheduler.ExponentialLR(o, 0.9),
    "step": lambda o: lr_scheduler.StepLR(o, 7, 0.3),
    "polynomial": lambda o: lr_scheduler.PolynomialLR(o, STEPS, 2.0),
}


def rates(make: Callable[[Any], Any]) -> list[float]:
    """Of STEPS steps."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=RATE)
    scheduler, result = make(optimizer), []
    for _ in range(STEPS):
        result.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return result


def plateau() -> dict[str, Any]:
    """Losses of 40 epochs, and the rate of the epoch after each."""
    rng = np.random.default_rng(40)
    losses = np.round(1.0 / (1 + np.arange(40) // 4) + 0.02 * rng.normal(size=40), 3).tolist()
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    options: dict[str, Any] = {"factor": 0.5, "patience": 2, "threshold": 0.01, "threshold_mode": "abs", "cooldown": 1}
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, min_lr=0.1, **options)
    after = []
    for loss in losses:
        scheduler.step(loss)
        after.append(optimizer.param_groups[0]["lr"])
    return {"losses": losses, "rates": after}


def main() -> None:
    """Write the file, one row a line so that a difference can be read."""
    torch.set_default_dtype(torch.float64)
    X, y, weights = problem()
    record = {
        "torch": torch.__version__.split("+")[0],
        "X": X.tolist(),
        "y": y.tolist(),
        "weights": [value.ravel().tolist() for value in weights],
        "kept": KEPT,
        "trainings": {name: run() for name, run in TRAININGS.items()},
        "rates": {name: rates(make) for name, make in SCHEDULES.items()},
        "plateau": plateau(),
    }
    one_row_a_line = re.sub(r"\[[^\[\]]*\]", lambda row: " ".join(row[0].split()), json.dumps(record, indent=1))
    (Path(__file__).parent / "training_traces.json").write_text(one_row_a_line + "\n")


if __name__ == "__main__":
    main()
